//! The cut of ropes into DATA frames.

use crate::rope::Rope;

/// Ropes on their way into DATA frames of at most `cap` bytes, none of them empty.
pub(crate) struct Cutter {
    cap: usize,
    rest: Rope,
}

impl Cutter {
    pub(crate) fn new(cap: usize) -> Self {
        Self { cap, rest: Rope::new() }
    }

    /// The data of the next frame; `None` when all is out.
    pub(crate) fn next(&mut self) -> Option<Rope> {
        match self.rest.len() {
            0 => None,
            length if length <= self.cap => Some(std::mem::take(&mut self.rest)),
            _ => Some(self.rest.split_to(self.cap)),
        }
    }

    /// Gives it a rope to cut, once the last is out.
    pub(crate) fn refill(&mut self, rope: Rope) {
        debug_assert!(self.rest.is_empty());
        self.rest = rope;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}
