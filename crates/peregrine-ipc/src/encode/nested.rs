//! Types whose children do not simply follow their parent's rows: list views, dense unions, runs.
//!
//! A range of rows takes along only the part of each child that it uses, so indices into children may need rebasing.
//! The buffers are put out here; the walk goes on with the children.

use arrow_array::OffsetSizeTrait;
use arrow_buffer::{ArrowNativeType, Buffer, ScalarBuffer};
use arrow_data::ArrayData;
use arrow_data::transform::MutableArrayData;
use arrow_schema::UnionFields;

use super::rows::Rows;
use super::sink::Sink;

/// What of a child travels with its parent's rows.
pub(super) enum ChildPart {
    /// These rows.
    Rows(Rows),
    /// All of this array in new memory, where the rows use little of the child.
    Gathered(ArrayData),
}

impl ChildPart {
    fn new(span: Span, gathered: Option<ArrayData>) -> Self {
        gathered.map_or(Self::Rows(span.rows()), Self::Gathered)
    }
}

/// Offsets and sizes; the child is cut to what the rows span, or to what they use if that is much less.
pub(super) fn list_view<O: OffsetSizeTrait>(data: &ArrayData, rows: Rows, sink: &mut impl Sink) -> ChildPart {
    let at = rows.physical(data);
    let child = &data.child_data()[0];
    let offsets = ScalarBuffer::<O>::new(data.buffers()[0].clone(), at.start, at.count);
    let sizes = ScalarBuffer::<O>::new(data.buffers()[1].clone(), at.start, at.count);
    let lists = || offsets.iter().zip(sizes.iter()).map(|(offset, size)| (offset.as_usize(), size.as_usize()));
    let (mut span, mut used) = (Span::default(), 0);
    for (offset, size) in lists().filter(|(_, size)| *size > 0) {
        span.add(offset, offset + size);
        used += size;
    }
    let length = at.count * size_of::<O>();
    let compact = (used < span.count() / 2).then(|| gathered(child, lists(), used)).flatten();
    // An empty list may point anywhere, even behind the part of the child that travels.
    let kept = || span.first() == 0 && lists().all(|(offset, size)| size > 0 || offset <= span.count());
    if compact.is_some() {
        sink.make(length, || {
            let ends = lists().scan(0, |end, (_, size)| Some(O::usize_as(std::mem::replace(end, *end + size))));
            Buffer::from_vec(ends.collect::<Vec<O>>())
        });
    } else if kept() {
        sink.share(&data.buffers()[0], at.start * size_of::<O>(), length);
    } else {
        sink.make(length, || {
            let moved = lists().map(|(offset, size)| if size == 0 { 0 } else { offset - span.first() });
            Buffer::from_vec(moved.map(O::usize_as).collect::<Vec<O>>())
        });
    }
    sink.share(&data.buffers()[1], at.start * size_of::<O>(), length);
    ChildPart::new(span, compact)
}

/// The values of lists one after another, in new memory.
fn gathered(child: &ArrayData, lists: impl Iterator<Item = (usize, usize)>, used: usize) -> Option<ArrayData> {
    let mut gathered = MutableArrayData::new(vec![child], false, used);
    for (offset, size) in lists {
        gathered.try_extend(0, offset, offset + size).ok()?;
    }
    Some(gathered.freeze())
}

/// Type ids and offsets; each child is cut to what the rows span in it, or to what they use if that is much less.
pub(super) fn dense_union(data: &ArrayData, fields: &UnionFields, rows: Rows, sink: &mut impl Sink) -> Vec<ChildPart> {
    let at = rows.physical(data);
    let ids = ScalarBuffer::<i8>::new(data.buffers()[0].clone(), at.start, at.count);
    let offsets = ScalarBuffer::<i32>::new(data.buffers()[1].clone(), at.start, at.count);
    // Type ids are 0 to 127, and the union is valid: every id has its child.
    let index = |id: i8| usize::from(id.unsigned_abs() & 127);
    let values = || ids.iter().zip(offsets.iter()).map(|(&id, &offset)| (index(id), offset.as_usize()));
    let mut members = [Member::default(); 128];
    values().for_each(|(id, offset)| members[id].add(offset));
    let children = fields.iter().zip(data.child_data()).map(|((id, _), child)| {
        let member = &mut members[index(id)];
        let of_member = values().filter(|(of, _)| *of == index(id)).map(|(_, offset)| (offset, 1));
        let compact = member.is_sparse().then(|| gathered(child, of_member, member.used)).flatten();
        member.compact = compact.is_some();
        ChildPart::new(member.span, compact)
    });
    let children: Vec<_> = children.collect();
    sink.share(&data.buffers()[0], at.start, at.count);
    let length = at.count * size_of::<i32>();
    if members.iter().all(|member| !member.compact && member.span.first() == 0) {
        sink.share(&data.buffers()[1], at.start * size_of::<i32>(), length);
    } else {
        sink.make(length, || {
            let moved = values().map(|(id, offset)| i32::usize_as(members[id].moved(offset)));
            Buffer::from_vec(moved.collect::<Vec<i32>>())
        });
    }
    children
}

/// What the rows of a dense union use of one of its children.
#[derive(Debug, Clone, Copy, Default)]
struct Member {
    span: Span,
    used: usize,
    /// The values that are used travel alone, in the order of the rows.
    compact: bool,
    moved: usize,
}

impl Member {
    fn add(&mut self, offset: usize) {
        self.span.add(offset, offset + 1);
        self.used += 1;
    }

    fn is_sparse(&self) -> bool {
        self.used < self.span.count() / 2
    }

    /// The new offset of the next row that has this one.
    fn moved(&mut self, offset: usize) -> usize {
        if self.compact {
            self.moved += 1;
            self.moved - 1
        } else {
            offset - self.span.first()
        }
    }
}

/// The first of two children, which says where runs end; the rows are those of the second one, the runs' values. The
/// parent has no buffers of its own.
pub(super) fn runs<R: ArrowNativeType + Ord>(data: &ArrayData, rows: Rows, sink: &mut impl Sink) -> Rows {
    let ends = &data.child_data()[0];
    let at = rows.physical(data);
    let all = ScalarBuffer::<R>::new(ends.buffers()[0].clone(), ends.offset(), ends.len());
    let first = all.partition_point(|end| end.as_usize() <= at.start);
    let used = if at.count == 0 { 0 } else { 1 + all.partition_point(|e| e.as_usize() < at.start + at.count) - first };
    let part = Rows { start: first, count: used };

    sink.node(used, 0);
    sink.absent();
    let length = used * size_of::<R>();
    let exact = used == 0 || all[first + used - 1].as_usize() == at.start + at.count;
    if at.start == 0 && exact {
        sink.share(&ends.buffers()[0], part.physical(ends).start * size_of::<R>(), length);
    } else {
        sink.make(length, || {
            let cut = all.slice(first, used);
            let rebased = cut.iter().map(|end| R::usize_as((end.as_usize() - at.start).min(at.count)));
            Buffer::from_vec(rebased.collect::<Vec<R>>())
        });
    }
    part
}

/// The smallest range that holds all that was added.
#[derive(Debug, Clone, Copy, Default)]
struct Span(Option<(usize, usize)>);

impl Span {
    fn add(&mut self, first: usize, end: usize) {
        let (low, high) = self.0.unwrap_or((first, end));
        self.0 = Some((low.min(first), high.max(end)));
    }

    fn first(self) -> usize {
        self.0.map_or(0, |(first, _)| first)
    }

    fn count(self) -> usize {
        self.0.map_or(0, |(first, end)| end - first)
    }

    fn rows(self) -> Rows {
        Rows { start: self.first(), count: self.count() }
    }
}
