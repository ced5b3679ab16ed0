//! Measures the message that a range of rows would make, by the walk that writes it.

use arrow_buffer::Buffer;
use arrow_data::ArrayData;

use super::walk::{Rows, Sink, walk};
use crate::compression::LENGTH_PREFIX;
use crate::message::padded;

/// What a header has beside its vectors: the tables, their vtables, the vectors' lengths and the padding between.
const HEADER_FIXED: usize = 160;

/// The bytes of header and body for `rows` of `columns`: exact for the body, at most a few words over for the header.
///
/// With compression it is an upper bound: a buffer that would not shrink is stored behind a prefix.
pub(super) fn message_size(columns: &[ArrayData], rows: Rows, compressed: bool) -> usize {
    let mut measure = Measure { size: HEADER_FIXED, prefix: if compressed { LENGTH_PREFIX } else { 0 } };
    columns.iter().for_each(|column| walk(column, rows, &mut measure));
    measure.size
}

struct Measure {
    size: usize,
    prefix: usize,
}

impl Measure {
    fn buffer(&mut self, length: usize) {
        self.size += size_of::<arrow_ipc::Buffer>();
        if length > 0 {
            self.size += padded(length + self.prefix);
        }
    }
}

impl Sink for Measure {
    fn node(&mut self, _rows: usize, _nulls: usize) {
        self.size += size_of::<arrow_ipc::FieldNode>();
    }

    fn share(&mut self, _buffer: &Buffer, _start: usize, length: usize) {
        self.buffer(length);
    }

    fn make(&mut self, length: usize, _make: impl FnOnce() -> Buffer) {
        self.buffer(length);
    }

    fn variadic(&mut self, _buffers: usize) {
        self.size += size_of::<i64>();
    }
}
