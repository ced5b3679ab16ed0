//! Some rows of an array.

use arrow_data::ArrayData;

/// The rows of an array to walk, counted from its first logical row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) start: usize,
    pub(super) count: usize,
}

impl Rows {
    pub(super) fn all(data: &ArrayData) -> Self {
        Self { start: 0, count: data.len() }
    }

    /// The same rows counted from the first physical one.
    pub(super) fn physical(self, data: &ArrayData) -> Self {
        Self { start: data.offset() + self.start, count: self.count }
    }
}
