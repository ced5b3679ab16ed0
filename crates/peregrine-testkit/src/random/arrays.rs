//! Random arrays of any type.

use arrow_array::{Array, ArrayRef, make_array};
use arrow_buffer::{ArrowNativeType, BooleanBuffer, Buffer, NullBuffer};
use arrow_data::{ArrayData, ArrayDataBuilder};
use arrow_schema::{DataType, FieldRef, UnionFields, UnionMode};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::values;

/// The most values that lists have together: 16-bit run ends inside of them can count these.
const MOST_ITEMS: usize = 24_000;

/// The most values that a dictionary has: keys of 8 bits can count these.
const MOST_VALUES: usize = 20;

pub(super) struct Arrays {
    pub(super) random: StdRng,
    /// Arrays may be slices of longer ones, at every level.
    slices: bool,
    /// The values of dictionaries: some take more or less of those that another one has.
    dictionaries: Vec<(DataType, bool, ArrayRef)>,
}

impl Arrays {
    /// Arrays that begin at the start of their memory.
    pub(super) fn new(seed: u64) -> Self {
        Self { random: StdRng::seed_from_u64(seed), slices: false, dictionaries: Vec::new() }
    }

    /// Arrays of which some are slices, or have others inside that are, and whose dictionaries share values.
    pub(super) fn with_slices(seed: u64) -> Self {
        Self { slices: true, ..Self::new(seed) }
    }

    pub(super) fn array(&mut self, data_type: &DataType, rows: usize, nullable: bool) -> ArrayRef {
        let (before, after) = self.around();
        let array = make_array(self.whole(data_type, before + rows + after, nullable));
        if before + after > 0 { array.slice(before, rows) } else { array }
    }

    /// How much longer than itself the array is that an array is a slice of.
    fn around(&mut self) -> (usize, usize) {
        match self.slices && self.random.random_ratio(1, 3) {
            true => (self.random.random_range(0..20), self.random.random_range(0..20)),
            false => (0, 0),
        }
    }

    fn whole(&mut self, data_type: &DataType, rows: usize, nullable: bool) -> ArrayData {
        let nulls = nullable.then(|| self.nulls(rows));
        let builder = ArrayDataBuilder::new(data_type.clone()).len(rows).nulls(nulls.clone());
        let builder = match data_type {
            DataType::Null => ArrayDataBuilder::new(DataType::Null).len(rows),
            DataType::Boolean => builder.add_buffer(self.bits(rows, 0.5).into_inner()),
            DataType::Utf8 | DataType::Binary => self.bytes::<i32>(rows, builder),
            DataType::LargeUtf8 | DataType::LargeBinary => self.bytes::<i64>(rows, builder),
            DataType::Utf8View | DataType::BinaryView => {
                let block = if self.slices { self.random.random_range(40..2000) } else { 8 << 10 };
                return values::views(&mut self.random, data_type, nulls.as_ref(), rows, block).to_data();
            }
            DataType::List(field) | DataType::Map(field, _) => self.list::<i32>(rows, field, builder),
            DataType::LargeList(field) => self.list::<i64>(rows, field, builder),
            DataType::ListView(field) => self.list_view::<i32>(rows, field, builder),
            DataType::LargeListView(field) => self.list_view::<i64>(rows, field, builder),
            DataType::FixedSizeList(field, size) => builder.add_child_data(self.field(field, rows * *size as usize)),
            DataType::Struct(fields) => fields.iter().fold(builder, |b, f| b.add_child_data(self.field(f, rows))),
            DataType::Union(fields, mode) => self.union(data_type, fields, *mode, rows, nullable),
            DataType::RunEndEncoded(ends, values) => self.runs(data_type, ends, values, rows, nullable),
            DataType::Dictionary(keys, values) => self.dictionary(keys, values, rows, nullable, builder),
            fixed => builder.add_buffer(values::fixed_width(&mut self.random, fixed, rows)),
        };
        builder.align_buffers(true).build().expect("a valid array")
    }

    fn field(&mut self, field: &FieldRef, rows: usize) -> ArrayData {
        self.array(field.data_type(), rows, field.is_nullable()).to_data()
    }

    /// The child of an array that has no validity of its own: it is null where its child is.
    fn value(&mut self, field: &FieldRef, rows: usize, nullable: bool) -> ArrayData {
        self.array(field.data_type(), rows, nullable && field.is_nullable()).to_data()
    }

    fn bits(&mut self, rows: usize, share: f64) -> BooleanBuffer {
        (0..rows).map(|_| self.random.random_bool(share)).collect()
    }

    /// A bitmap of which a fifth is null; it may begin elsewhere than the values do.
    fn nulls(&mut self, rows: usize) -> NullBuffer {
        let (before, after) = self.around();
        NullBuffer::new(self.bits(before + rows + after, 0.8).slice(before, rows))
    }

    fn bytes<O: ArrowNativeType>(&mut self, rows: usize, builder: ArrayDataBuilder) -> ArrayDataBuilder {
        let mut offsets = vec![O::default()];
        let mut bytes = Vec::new();
        for _ in 0..rows {
            bytes.extend_from_slice(values::word(&mut self.random).as_bytes());
            offsets.push(O::usize_as(bytes.len()));
        }
        builder.add_buffer(Buffer::from_vec(offsets)).add_buffer(Buffer::from_vec(bytes))
    }

    fn list<O: ArrowNativeType>(
        &mut self,
        rows: usize,
        field: &FieldRef,
        builder: ArrayDataBuilder,
    ) -> ArrayDataBuilder {
        let (mut end, after) = self.around();
        let mut offsets = vec![O::usize_as(end)];
        for _ in 0..rows {
            end += self.random.random_range(0..4).min(MOST_ITEMS.saturating_sub(end));
            offsets.push(O::usize_as(end));
        }
        let child = self.field(field, end + after);
        builder.add_buffer(Buffer::from_vec(offsets)).add_child_data(child)
    }

    /// Lists that lie apart, or over one another, and some at the end.
    fn list_view<O: ArrowNativeType>(
        &mut self,
        rows: usize,
        field: &FieldRef,
        builder: ArrayDataBuilder,
    ) -> ArrayDataBuilder {
        let length = (rows * 2 + 5).min(MOST_ITEMS);
        let (mut offsets, mut sizes) = (Vec::new(), Vec::new());
        for row in 0..rows {
            let size = self.random.random_range(0..4);
            sizes.push(O::usize_as(size));
            let last = length - size;
            offsets.push(O::usize_as(if self.random.random_bool(0.1) { last } else { (row * 2).min(last) }));
        }
        let child = self.field(field, length);
        builder.add_buffer(Buffer::from_vec(offsets)).add_buffer(Buffer::from_vec(sizes)).add_child_data(child)
    }

    fn union(
        &mut self,
        data_type: &DataType,
        fields: &UnionFields,
        mode: UnionMode,
        rows: usize,
        nullable: bool,
    ) -> ArrayDataBuilder {
        let ids: Vec<i8> = fields.iter().map(|(id, _)| id).collect();
        let picks: Vec<usize> = (0..rows).map(|_| self.random.random_range(0..ids.len())).collect();
        let builder = ArrayDataBuilder::new(data_type.clone())
            .len(rows)
            .add_buffer(Buffer::from_vec(picks.iter().map(|&pick| ids[pick]).collect::<Vec<i8>>()));
        if mode == UnionMode::Sparse {
            return fields.iter().fold(builder, |b, (_, field)| b.add_child_data(self.value(field, rows, nullable)));
        }
        let mut lengths = vec![0_usize; ids.len()];
        let mut offsets = Vec::new();
        for pick in picks {
            // A value that no row has, now and then.
            lengths[pick] += usize::from(self.slices && self.random.random_ratio(1, 10));
            offsets.push(lengths[pick] as i32);
            lengths[pick] += 1;
        }
        let builder = builder.add_buffer(Buffer::from_vec(offsets));
        let members = fields.iter().zip(lengths);
        members.fold(builder, |b, ((_, field), length)| b.add_child_data(self.value(field, length, nullable)))
    }

    fn runs(
        &mut self,
        data_type: &DataType,
        ends: &FieldRef,
        values: &FieldRef,
        rows: usize,
        nullable: bool,
    ) -> ArrayDataBuilder {
        let mut run_ends = Vec::new();
        let mut end = 0;
        while end < rows {
            end = (end + self.random.random_range(1..6)).min(rows);
            run_ends.push(end);
        }
        let buffer = match ends.data_type() {
            DataType::Int16 => native::<i16>(&run_ends),
            DataType::Int32 => native::<i32>(&run_ends),
            _ => native::<i64>(&run_ends),
        };
        let builder = ArrayDataBuilder::new(ends.data_type().clone()).len(run_ends.len()).add_buffer(buffer);
        let values = self.value(values, run_ends.len(), nullable);
        let ends = builder.build().expect("as many ends as values");
        ArrayDataBuilder::new(data_type.clone()).len(rows).add_child_data(ends).add_child_data(values)
    }

    fn dictionary(
        &mut self,
        keys: &DataType,
        values: &DataType,
        rows: usize,
        nullable: bool,
        builder: ArrayDataBuilder,
    ) -> ArrayDataBuilder {
        let size = self.random.random_range(1..MOST_VALUES);
        let values = self.dictionary_values(values, size, nullable && self.slices);
        let width = keys.primitive_width().expect("keys are integers");
        let mut bytes = vec![0; rows * width];
        // There are fewer values than 128, so the low byte is the key whatever the type.
        bytes.iter_mut().step_by(width).for_each(|byte| *byte = self.random.random_range(0..size) as u8);
        builder.add_buffer(Buffer::from_vec(bytes)).add_child_data(values.to_data())
    }

    /// Values of its own, or the first ones of a dictionary that there was before.
    fn dictionary_values(&mut self, data_type: &DataType, size: usize, nullable: bool) -> ArrayRef {
        if !self.slices || self.random.random_ratio(1, 4) {
            return self.array(data_type, size, nullable);
        }
        let known = self.dictionaries.iter().find(|(of, nulls, _)| of == data_type && *nulls == nullable);
        if let Some((_, _, values)) = known {
            return if self.random.random_ratio(1, 2) { values.slice(0, size) } else { values.clone() };
        }
        let values = self.array(data_type, MOST_VALUES, nullable);
        self.dictionaries.push((data_type.clone(), nullable, values.clone()));
        values.slice(0, size)
    }
}

fn native<T: ArrowNativeType>(numbers: &[usize]) -> Buffer {
    let exact = |&number: &usize| T::from_usize(number).expect("ends that count the rows");
    Buffer::from_vec(numbers.iter().map(exact).collect::<Vec<T>>())
}
