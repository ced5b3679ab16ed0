//! View arrays, whose rows may use little of their data buffers: what travels of them is decided here.

use arrow_buffer::{Buffer, ScalarBuffer};
use arrow_data::{ArrayData, ByteView, MAX_INLINE_VIEW_LEN};

use super::rows::Rows;
use super::sink::Sink;

/// Writes the views of `rows` and the data that they point to.
pub(super) fn walk_views(data: &ArrayData, rows: Rows, sink: &mut impl Sink) {
    let at = rows.physical(data);
    let (views, buffers) = (&data.buffers()[0], &data.buffers()[1..]);
    let typed = ScalarBuffer::<u128>::new(views.clone(), at.start, at.count);
    let used = Used::scan(&typed, buffers);
    let length = at.count * size_of::<u128>();
    match used.plan(buffers, at.count) {
        DataPlan::Whole => {
            sink.share(views, at.start * size_of::<u128>(), length);
            sink.variadic(buffers.len());
            buffers.iter().for_each(|buffer| sink.share(buffer, 0, buffer.len()));
        }
        DataPlan::Cut => {
            if used.spans.iter().all(|span| span.start == 0 && !span.is_empty()) {
                sink.share(views, at.start * size_of::<u128>(), length);
            } else {
                sink.make(length, || used.shifted(&typed));
            }
            let parts = || buffers.iter().zip(&used.spans).filter(|(_, span)| !span.is_empty());
            sink.variadic(parts().count());
            for (buffer, span) in parts() {
                sink.share(buffer, span.start, span.end - span.start);
            }
        }
        DataPlan::Copy => {
            sink.make(length, || renumbered(&typed));
            sink.variadic(1);
            sink.make(used.bytes, || gathered(&typed, buffers, used.bytes));
        }
    }
}

/// What to do with the data buffers.
enum DataPlan {
    /// Share them as they are.
    Whole,
    /// Share the part of each that the views span.
    Cut,
    /// The views use less than half of what they span: copy what they use.
    Copy,
}

/// The part of one data buffer that views point to.
#[derive(Clone, Copy)]
struct UsedPart {
    start: usize,
    end: usize,
}

impl UsedPart {
    const EMPTY: Self = Self { start: usize::MAX, end: 0 };

    fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

/// What the views of some rows use of their data buffers.
struct Used {
    spans: Vec<UsedPart>,
    /// The lengths of all values that are not inside their views.
    bytes: usize,
    /// A view points to a buffer that is not there, as only unchecked arrays can have it.
    stray: bool,
}

impl Used {
    fn scan(views: &[u128], buffers: &[Buffer]) -> Self {
        let mut used = Self { spans: vec![UsedPart::EMPTY; buffers.len()], bytes: 0, stray: false };
        if buffers.is_empty() {
            return used;
        }
        // Neighbours mostly point into one buffer: its part is kept at hand and put away when that ends.
        let (mut current, mut part) = (0, UsedPart::EMPTY);
        for view in views.iter().map(|&view| ByteView::from(view)) {
            let Some(index) = outside(view) else { continue };
            if index != current {
                used.add(current, part);
                (current, part) = (index, UsedPart::EMPTY);
            }
            let (start, length) = (view.offset as usize, view.length as usize);
            part = UsedPart { start: part.start.min(start), end: part.end.max(start + length) };
            used.bytes += length;
        }
        used.add(current, part);
        for part in &mut used.spans {
            part.start = part.start.min(part.end);
        }
        used
    }

    fn add(&mut self, index: usize, part: UsedPart) {
        match self.spans.get_mut(index) {
            Some(span) => *span = UsedPart { start: span.start.min(part.start), end: span.end.max(part.end) },
            None => self.stray = true,
        }
    }

    fn plan(&self, buffers: &[Buffer], rows: usize) -> DataPlan {
        let spanned: usize = self.spans.iter().map(|part| part.end - part.start).sum();
        let whole: usize = buffers.iter().map(Buffer::len).sum();
        let fits = self.spans.iter().zip(buffers).all(|(part, buffer)| part.end <= buffer.len());
        if self.stray || !fits || whole == 0 {
            DataPlan::Whole
        } else if self.bytes < spanned / 2 && i32::try_from(self.bytes).is_ok() {
            DataPlan::Copy
        } else if spanned + rows * REWRITE_COST < whole {
            DataPlan::Cut
        } else {
            DataPlan::Whole
        }
    }

    /// The views with the places that their data has when only the parts in use are sent.
    fn shifted(&self, views: &[u128]) -> Buffer {
        let mut sent = 0;
        let numbers: Vec<u32> = self
            .spans
            .iter()
            .map(|span| {
                let number = sent;
                sent += u32::from(!span.is_empty());
                number
            })
            .collect();
        let shift = |&view: &u128| {
            let parsed = ByteView::from(view);
            match outside(parsed).and_then(|index| self.spans.get(index).zip(numbers.get(index))) {
                Some((part, &number)) => {
                    let offset = parsed.offset - part.start as u32;
                    parsed.with_offset(offset).with_buffer_index(number).as_u128()
                }
                None => view,
            }
        };
        Buffer::from_vec(views.iter().map(shift).collect::<Vec<u128>>())
    }
}

/// What rewriting a view costs, in bytes sent that are worth it.
const REWRITE_COST: usize = 4;

/// Which data buffer a view points to, unless its value is inside the view.
fn outside(view: ByteView) -> Option<usize> {
    (view.length > MAX_INLINE_VIEW_LEN).then_some(view.buffer_index as usize)
}

/// The views into one buffer that [`gathered`] makes.
fn renumbered(views: &[u128]) -> Buffer {
    let mut end = 0;
    let next = |&view: &u128| {
        let parsed = ByteView::from(view);
        if outside(parsed).is_none() {
            return view;
        }
        let offset = end;
        end += parsed.length;
        parsed.with_buffer_index(0).with_offset(offset).as_u128()
    };
    Buffer::from_vec(views.iter().map(next).collect::<Vec<u128>>())
}

fn gathered(views: &[u128], buffers: &[Buffer], length: usize) -> Buffer {
    let mut bytes = Vec::with_capacity(length);
    for view in views.iter().map(|&view| ByteView::from(view)) {
        if let Some(index) = outside(view) {
            let start = view.offset as usize;
            bytes.extend_from_slice(&buffers[index][start..start + view.length as usize]);
        }
    }
    Buffer::from_vec(bytes)
}
