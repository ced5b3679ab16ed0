//! A batch on its way out in pieces: where to cut it so that each message stays under a target.

use arrow_array::{Array, RecordBatch};
use arrow_data::ArrayData;

use super::measure::message_size;
use super::walk::Rows;

/// Pieces begin at multiples of this many rows where they can, so that bitmaps stay shared.
const ROWS_TOGETHER: usize = 64;

/// A batch that is encoded piece by piece with [`Encoder::encode_piece`](crate::Encoder::encode_piece).
///
/// It holds on to the batch's memory until it is dropped.
#[derive(Debug)]
pub struct Pieces {
    pub(super) columns: Vec<ArrayData>,
    rows: usize,
    start: usize,
    /// The rows of the last piece: the next one is probably like it.
    last: usize,
    done: bool,
}

/// How large a message may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) bytes: usize,
    pub(super) compressed: bool,
}

impl Pieces {
    pub(super) fn new(batch: &RecordBatch) -> Self {
        let columns = batch.columns().iter().map(|column| column.to_data()).collect();
        Self { columns, rows: batch.num_rows(), start: 0, last: batch.num_rows(), done: false }
    }

    /// How many rows are left.
    pub fn remaining_rows(&self) -> usize {
        self.rows - self.start
    }

    /// Whether nothing is left. A batch without rows is one piece.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// The rows of the next piece.
    pub(super) fn next_rows(&self, target: Option<Target>) -> Rows {
        let left = self.remaining_rows();
        let count = target.map_or(left, |target| self.longest(left, target));
        Rows { start: self.start, count }
    }

    /// Goes past rows that were encoded.
    pub(super) fn advance(&mut self, rows: Rows) {
        self.start += rows.count;
        self.last = rows.count;
        self.done = self.start == self.rows;
    }

    /// The most rows that fit: all that are left, or up to a multiple of 64, or fewer than 64 if even those are too
    /// many, and one row whatever its size.
    fn longest(&self, left: usize, target: Target) -> usize {
        let fits = |count: usize| self.size(count, target) <= target.bytes;
        if left <= 1 || fits(left) {
            return left;
        }
        // `low` groups fit (or none), `high` do not; a guess from the last piece narrows it at once.
        let first = ROWS_TOGETHER - self.start % ROWS_TOGETHER;
        let rows = |groups: usize| if groups == 0 { 0 } else { first + (groups - 1) * ROWS_TOGETHER };
        let (mut low, mut high) = (0, left.saturating_sub(first).div_ceil(ROWS_TOGETHER) + 1);
        let mut guess = self.last.div_ceil(ROWS_TOGETHER);
        while low + 1 < high {
            let middle = if low < guess && guess < high { guess } else { low + (high - low) / 2 };
            if fits(rows(middle).min(left)) {
                (low, guess) = (middle, middle + 1);
            } else {
                high = middle;
            }
        }
        if low > 0 { rows(low) } else { longest_below(first.min(left), fits) }
    }

    fn size(&self, count: usize, target: Target) -> usize {
        message_size(&self.columns, Rows { start: self.start, count }, target.compressed)
    }
}

/// The most rows under `end` that fit, and at least one.
fn longest_below(end: usize, fits: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (1, end.max(2));
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if fits(middle) { low = middle } else { high = middle }
    }
    low
}
