//! The walk over an array that both measures and writes it: its nodes and buffers in the order of the format.
//!
//! A range of rows is walked and never a sliced array, so that one `ArrayData` serves all pieces of a cut batch, and
//! so that a measured length is the written one by construction.

use arrow_array::OffsetSizeTrait;
use arrow_buffer::{Buffer, ScalarBuffer};
use arrow_data::ArrayData;
use arrow_schema::{DataType, UnionMode};

use super::nested::{self, ChildPart};
use super::rows::Rows;
use super::sink::Sink;
use super::views::walk_views;

/// Walks `rows` of an array, children after their parent.
pub(super) fn walk(data: &ArrayData, rows: Rows, sink: &mut impl Sink) {
    match data.data_type() {
        DataType::Null => sink.node(rows.count, rows.count),
        // Neither has validity of its own.
        DataType::Union(fields, mode) => {
            sink.node(rows.count, 0);
            sink.old_validity();
            match mode {
                UnionMode::Sparse => sparse_union(data, rows, sink),
                UnionMode::Dense => {
                    let parts = nested::dense_union(data, fields, rows, sink);
                    data.child_data().iter().zip(parts).for_each(|(child, part)| walk_part(child, part, sink));
                }
            }
        }
        DataType::RunEndEncoded(ends, _) => {
            sink.node(rows.count, 0);
            sink.old_validity();
            let values = match ends.data_type() {
                DataType::Int16 => nested::runs::<i16>(data, rows, sink),
                DataType::Int32 => nested::runs::<i32>(data, rows, sink),
                _ => nested::runs::<i64>(data, rows, sink),
            };
            walk(&data.child_data()[1], values, sink);
        }
        _ => {
            validity(data, rows, sink);
            values(data, rows, sink);
        }
    }
}

/// The node and the validity bitmap, which is left out where there are no nulls.
fn validity(data: &ArrayData, rows: Rows, sink: &mut impl Sink) {
    let whole = rows == Rows::all(data);
    let nulls = data.nulls().map(|nulls| if whole { nulls.clone() } else { nulls.slice(rows.start, rows.count) });
    match nulls {
        Some(nulls) if nulls.null_count() > 0 => {
            sink.node(rows.count, nulls.null_count());
            bits(nulls.buffer(), nulls.offset(), rows.count, sink);
        }
        _ => {
            sink.node(rows.count, 0);
            sink.absent();
        }
    }
}

fn values(data: &ArrayData, rows: Rows, sink: &mut impl Sink) {
    let at = rows.physical(data);
    match data.data_type() {
        DataType::Boolean => bits(&data.buffers()[0], at.start, at.count, sink),
        DataType::Utf8 | DataType::Binary => bytes::<i32>(data, rows, sink),
        DataType::LargeUtf8 | DataType::LargeBinary => bytes::<i64>(data, rows, sink),
        DataType::Utf8View | DataType::BinaryView => walk_views(data, rows, sink),
        DataType::List(_) | DataType::Map(_, _) => list::<i32>(data, rows, sink),
        DataType::LargeList(_) => list::<i64>(data, rows, sink),
        DataType::ListView(_) => list_view::<i32>(data, rows, sink),
        DataType::LargeListView(_) => list_view::<i64>(data, rows, sink),
        DataType::FixedSizeList(_, size) => {
            let size = usize::try_from(*size).unwrap_or_default();
            walk(&data.child_data()[0], Rows { start: at.start * size, count: at.count * size }, sink);
        }
        DataType::Struct(_) => data.child_data().iter().for_each(|child| walk(child, at, sink)),
        DataType::FixedSizeBinary(width) => fixed(data, usize::try_from(*width).unwrap_or_default(), at, sink),
        // The values of a dictionary travel in messages of their own.
        DataType::Dictionary(keys, _) => fixed(data, keys.primitive_width().unwrap_or_default(), at, sink),
        primitive => fixed(data, primitive.primitive_width().unwrap_or_default(), at, sink),
    }
}

fn fixed(data: &ArrayData, width: usize, at: Rows, sink: &mut impl Sink) {
    sink.share(&data.buffers()[0], at.start * width, at.count * width);
}

/// A bitmap, shared if it begins at a byte.
fn bits(buffer: &Buffer, start: usize, count: usize, sink: &mut impl Sink) {
    let length = count.div_ceil(8);
    if start.is_multiple_of(8) {
        sink.share(buffer, start / 8, length);
    } else {
        sink.make(length, || buffer.bit_slice(start, count));
    }
}

fn bytes<O: OffsetSizeTrait>(data: &ArrayData, rows: Rows, sink: &mut impl Sink) {
    let values = offsets::<O>(data, rows, sink);
    sink.share(&data.buffers()[1], values.start, values.count);
}

fn list<O: OffsetSizeTrait>(data: &ArrayData, rows: Rows, sink: &mut impl Sink) {
    let values = offsets::<O>(data, rows, sink);
    walk(&data.child_data()[0], values, sink);
}

fn list_view<O: OffsetSizeTrait>(data: &ArrayData, rows: Rows, sink: &mut impl Sink) {
    let values = nested::list_view::<O>(data, rows, sink);
    walk_part(&data.child_data()[0], values, sink);
}

/// Type ids; each child has a row for every row of the union.
fn sparse_union(data: &ArrayData, rows: Rows, sink: &mut impl Sink) {
    let at = rows.physical(data);
    sink.share(&data.buffers()[0], at.start, at.count);
    data.child_data().iter().for_each(|child| walk(child, at, sink));
}

fn walk_part(child: &ArrayData, part: ChildPart, sink: &mut impl Sink) {
    match part {
        ChildPart::Rows(rows) => walk(child, rows, sink),
        ChildPart::Gathered(child) => walk(&child, Rows::all(&child), sink),
    }
}

/// The offsets, from zero, and the range of values that they index. They are shared where they begin at zero anyway.
fn offsets<O: OffsetSizeTrait>(data: &ArrayData, rows: Rows, sink: &mut impl Sink) -> Rows {
    if rows.count == 0 {
        // The format wants one offset more than rows; arrays of arrow may have none at all.
        sink.make(size_of::<O>(), || Buffer::from_vec(vec![O::default()]));
        return Rows { start: 0, count: 0 };
    }
    let at = rows.physical(data);
    let offsets = ScalarBuffer::<O>::new(data.buffers()[0].clone(), at.start, at.count + 1);
    let (first, last) = (offsets[0], offsets[at.count]);
    let length = (at.count + 1) * size_of::<O>();
    if first == O::default() {
        sink.share(&data.buffers()[0], at.start * size_of::<O>(), length);
    } else {
        sink.make(length, || Buffer::from_vec(offsets.iter().map(|&offset| offset - first).collect::<Vec<O>>()));
    }
    Rows { start: first.as_usize(), count: last.as_usize() - first.as_usize() }
}
