//! Where decompressed bytes go: memory grows while bytes really come.

use arrow_buffer::{Buffer, MutableBuffer};

/// What is reserved before a byte has come, if the claim is no larger: this much, or this many times the input.
/// Real data rarely shrinks further, and a lie costs no more.
const TRUSTED_BYTES: usize = 1 << 20;
const TRUSTED_RATIO: usize = 32;

/// Memory that grows up to the claimed length, never further, and only after what there was is full.
pub(super) struct Output {
    memory: MutableBuffer,
    filled: usize,
    claimed: usize,
}

impl Output {
    pub(super) fn new(packed: usize, claimed: usize) -> Self {
        let trusted = packed.saturating_mul(TRUSTED_RATIO).max(TRUSTED_BYTES);
        Self { memory: MutableBuffer::from_len_zeroed(claimed.min(trusted)), filled: 0, claimed }
    }

    pub(super) fn is_full(&self) -> bool {
        self.filled == self.claimed
    }

    pub(super) fn claimed(&self) -> usize {
        self.claimed
    }

    /// The bytes that came.
    pub(super) fn filled(&self) -> &[u8] {
        &self.memory[..self.filled]
    }

    /// Counts bytes that were written to the room for them.
    pub(super) fn advance(&mut self, count: usize) {
        self.filled += count;
    }

    /// Where the next bytes go; `None` once all that were claimed are there.
    pub(super) fn free(&mut self) -> Option<&mut [u8]> {
        if self.is_full() {
            return None;
        }
        self.grow(self.filled + 1);
        Some(&mut self.memory.as_slice_mut()[self.filled..])
    }

    /// The bytes that came, and room for up to `most` that the caller knows to come: less where that is over the claim.
    pub(super) fn room(&mut self, most: usize) -> (&[u8], &mut [u8]) {
        let end = self.claimed.min(self.filled.saturating_add(most));
        self.grow(end);
        let (before, after) = self.memory.as_slice_mut().split_at_mut(self.filled);
        (before, &mut after[..end - self.filled])
    }

    fn grow(&mut self, end: usize) {
        if end > self.memory.len() {
            self.memory.resize(self.claimed.min(end.max(self.memory.len().saturating_mul(2))), 0);
        }
    }

    #[cfg(test)]
    pub(super) fn reserved(&self) -> usize {
        self.memory.len()
    }

    pub(super) fn finish(self) -> Buffer {
        self.memory.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_grows_with_what_comes() {
        let mut out = Output::new(10, 1 << 40);
        assert_eq!(out.memory.len(), TRUSTED_BYTES);
        out.filled = TRUSTED_BYTES;
        assert_eq!(out.free().unwrap().len(), TRUSTED_BYTES);
    }
}
