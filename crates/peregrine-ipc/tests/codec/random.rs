//! Random arrays of any type, the same for the same seed.

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryViewArray, StringViewArray, make_array};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow_data::{ArrayData, ArrayDataBuilder};
use arrow_schema::{DataType, FieldRef, UnionFields, UnionMode};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// An array of `rows` random values, about a fifth of them null if it is `nullable`.
pub(crate) fn array(data_type: &DataType, rows: usize, nullable: bool, seed: u64) -> ArrayRef {
    Random(StdRng::seed_from_u64(seed)).array(data_type, rows, nullable)
}

struct Random(StdRng);

impl Random {
    fn array(&mut self, data_type: &DataType, rows: usize, nullable: bool) -> ArrayRef {
        let nulls = nullable.then(|| NullBuffer::new(self.bits(rows, 0.8)));
        let builder = ArrayDataBuilder::new(data_type.clone()).len(rows).nulls(nulls.clone());
        let builder = match data_type {
            DataType::Null => ArrayDataBuilder::new(DataType::Null).len(rows),
            DataType::Boolean => builder.add_buffer(self.bits(rows, 0.5).into_inner()),
            DataType::Utf8 | DataType::Binary => self.bytes::<i32>(rows, builder),
            DataType::LargeUtf8 | DataType::LargeBinary => self.bytes::<i64>(rows, builder),
            DataType::Utf8View | DataType::BinaryView => return self.views(data_type, rows, nulls),
            DataType::FixedSizeBinary(width) => builder.add_buffer(self.noise(rows * *width as usize)),
            DataType::List(field) | DataType::Map(field, _) => self.list::<i32>(rows, field, builder),
            DataType::LargeList(field) => self.list::<i64>(rows, field, builder),
            DataType::ListView(field) => self.list_view::<i32>(rows, field, builder),
            DataType::LargeListView(field) => self.list_view::<i64>(rows, field, builder),
            DataType::FixedSizeList(field, size) => builder.add_child_data(self.field(field, rows * *size as usize)),
            DataType::Struct(fields) => fields.iter().fold(builder, |b, f| b.add_child_data(self.field(f, rows))),
            DataType::Union(fields, mode) => self.union(data_type, fields, *mode, rows),
            DataType::RunEndEncoded(ends, values) => self.runs(data_type, ends, values, rows),
            DataType::Dictionary(keys, values) => {
                let size = self.0.random_range(1..20);
                let values = self.array(values, size, false).to_data();
                builder.add_buffer(self.keys(keys, rows, size)).add_child_data(values)
            }
            primitive => builder.add_buffer(self.noise(rows * primitive.primitive_width().unwrap())),
        };
        make_array(builder.align_buffers(true).build().unwrap())
    }

    fn field(&mut self, field: &FieldRef, rows: usize) -> ArrayData {
        self.array(field.data_type(), rows, field.is_nullable()).to_data()
    }

    fn bits(&mut self, rows: usize, share: f64) -> BooleanBuffer {
        (0..rows).map(|_| self.0.random_bool(share)).collect()
    }

    fn noise(&mut self, length: usize) -> Buffer {
        let mut bytes = vec![0; length];
        self.0.fill(&mut bytes[..]);
        Buffer::from_vec(bytes)
    }

    fn word(&mut self) -> String {
        let length = if self.0.random_bool(0.3) { self.0.random_range(10..40) } else { self.0.random_range(0..8) };
        (0..length).map(|_| ['a', 'b', 'ö', '€', '🦅'][self.0.random_range(0..5)]).collect()
    }

    fn bytes<O: TryFrom<usize> + arrow_buffer::ArrowNativeType>(
        &mut self,
        rows: usize,
        builder: ArrayDataBuilder,
    ) -> ArrayDataBuilder {
        let mut offsets = vec![O::default()];
        let mut bytes = Vec::new();
        for _ in 0..rows {
            bytes.extend_from_slice(self.word().as_bytes());
            offsets.push(O::usize_as(bytes.len()));
        }
        builder.add_buffer(Buffer::from_vec(offsets)).add_buffer(Buffer::from_vec(bytes))
    }

    fn views(&mut self, data_type: &DataType, rows: usize, nulls: Option<NullBuffer>) -> ArrayRef {
        let words: Vec<Option<String>> =
            (0..rows).map(|row| nulls.as_ref().is_none_or(|n| n.is_valid(row)).then(|| self.word())).collect();
        match data_type {
            DataType::Utf8View => Arc::new(words.into_iter().collect::<StringViewArray>()),
            _ => Arc::new(words.iter().map(|word| word.as_ref().map(String::as_bytes)).collect::<BinaryViewArray>()),
        }
    }

    fn list<O: arrow_buffer::ArrowNativeType>(
        &mut self,
        rows: usize,
        field: &FieldRef,
        builder: ArrayDataBuilder,
    ) -> ArrayDataBuilder {
        let mut offsets = vec![O::default()];
        let mut end = 0;
        for _ in 0..rows {
            end += self.0.random_range(0..4);
            offsets.push(O::usize_as(end));
        }
        let child = self.field(field, end);
        builder.add_buffer(Buffer::from_vec(offsets)).add_child_data(child)
    }

    fn list_view<O: arrow_buffer::ArrowNativeType>(
        &mut self,
        rows: usize,
        field: &FieldRef,
        builder: ArrayDataBuilder,
    ) -> ArrayDataBuilder {
        let length = rows * 2 + 5;
        let (mut offsets, mut sizes) = (Vec::new(), Vec::new());
        for row in 0..rows {
            let size = self.0.random_range(0..4);
            sizes.push(O::usize_as(size));
            offsets.push(O::usize_as(if self.0.random_bool(0.1) { length - size } else { row * 2 }));
        }
        let child = self.field(field, length);
        builder.add_buffer(Buffer::from_vec(offsets)).add_buffer(Buffer::from_vec(sizes)).add_child_data(child)
    }

    fn union(&mut self, data_type: &DataType, fields: &UnionFields, mode: UnionMode, rows: usize) -> ArrayDataBuilder {
        let ids: Vec<i8> = fields.iter().map(|(id, _)| id).collect();
        let picks: Vec<usize> = (0..rows).map(|_| self.0.random_range(0..ids.len())).collect();
        let builder = ArrayDataBuilder::new(data_type.clone())
            .len(rows)
            .add_buffer(Buffer::from_vec(picks.iter().map(|&pick| ids[pick]).collect::<Vec<i8>>()));
        if mode == UnionMode::Sparse {
            return fields.iter().fold(builder, |b, (_, field)| b.add_child_data(self.field(field, rows)));
        }
        let mut lengths = vec![0_i32; ids.len()];
        let mut offsets = Vec::new();
        for pick in picks {
            offsets.push(lengths[pick]);
            lengths[pick] += 1;
        }
        let builder = builder.add_buffer(Buffer::from_vec(offsets));
        fields.iter().zip(lengths).fold(builder, |b, ((_, field), n)| b.add_child_data(self.field(field, n as usize)))
    }

    fn runs(&mut self, data_type: &DataType, ends: &FieldRef, values: &FieldRef, rows: usize) -> ArrayDataBuilder {
        let mut run_ends = Vec::new();
        let mut end = 0;
        while end < rows {
            end = (end + self.0.random_range(1..6)).min(rows);
            run_ends.push(end);
        }
        let count = run_ends.len();
        let buffer = match ends.data_type() {
            DataType::Int16 => Buffer::from_vec(run_ends.iter().map(|&end| end as i16).collect::<Vec<_>>()),
            DataType::Int32 => Buffer::from_vec(run_ends.iter().map(|&end| end as i32).collect::<Vec<_>>()),
            _ => Buffer::from_vec(run_ends.iter().map(|&end| end as i64).collect::<Vec<_>>()),
        };
        let ends = ArrayDataBuilder::new(ends.data_type().clone()).len(count).add_buffer(buffer).build().unwrap();
        let values = self.field(values, count);
        ArrayDataBuilder::new(data_type.clone()).len(rows).add_child_data(ends).add_child_data(values)
    }

    fn keys(&mut self, keys: &DataType, rows: usize, size: usize) -> Buffer {
        let width = keys.primitive_width().unwrap();
        let mut bytes = vec![0; rows * width];
        // Sizes stay below 128, so the low byte is the key whatever the type.
        bytes.iter_mut().step_by(width).for_each(|byte| *byte = self.0.random_range(0..size) as u8);
        Buffer::from_vec(bytes)
    }
}
