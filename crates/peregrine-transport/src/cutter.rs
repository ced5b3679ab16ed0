//! The cut of ropes into DATA frames.

use http_body::Frame;

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

    /// The next frame; `None` when all is out.
    pub(crate) fn next(&mut self) -> Option<Frame<Rope>> {
        match self.rest.len() {
            0 => None,
            length if length <= self.cap => Some(Frame::data(std::mem::take(&mut self.rest))),
            _ => Some(Frame::data(self.rest.split_to(self.cap))),
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
