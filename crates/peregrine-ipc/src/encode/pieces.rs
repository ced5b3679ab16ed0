//! A batch on its way out in pieces: where to cut it so that each message stays under a target.

use arrow_array::{Array, RecordBatch};
use arrow_data::ArrayData;
use peregrine_proto::MetadataVersion;

use super::measure::message_size;
use super::rows::Rows;

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
    pub(super) version: MetadataVersion,
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
        // To measure rows may take looking at each: all that are left are measured only where few more than those of
        // the last piece are, so that a batch is not gone through once for each of its pieces.
        let likely = left <= self.last.saturating_mul(2);
        if left <= 1 || (likely && fits(left)) {
            return left;
        }
        let first = ROWS_TOGETHER - self.start % ROWS_TOGETHER;
        let rows = |groups: usize| if groups == 0 { 0 } else { (first + (groups - 1) * ROWS_TOGETHER).min(left) };
        let groups = left.saturating_sub(first).div_ceil(ROWS_TOGETHER) + usize::from(!likely);
        match most_fitting(groups, self.last.div_ceil(ROWS_TOGETHER), |groups| fits(rows(groups))) {
            0 => longest_below(first.min(left), fits),
            groups => rows(groups),
        }
    }

    fn size(&self, count: usize, target: Target) -> usize {
        message_size(&self.columns, Rows { start: self.start, count }, target.compressed, target.version)
    }
}

/// The greatest number up to `most` that fits, or 0. Goes up or down from the guess in growing steps, so that what is
/// looked at is in proportion to what fits and to the guess, however much there is.
fn most_fitting(most: usize, guess: usize, mut fits: impl FnMut(usize) -> bool) -> usize {
    let (mut low, mut high, mut step) = (0, most + 1, 1);
    let mut next = guess.clamp(1, most.max(1));
    while low + 1 < high {
        if fits(next) {
            low = next;
        } else {
            high = next;
        }
        next = match (low, high) {
            (0, _) if high > step => high - step,
            (_, end) if end > most && end - low > step => low + step,
            _ => low + (high - low) / 2,
        };
        step *= 2;
    }
    low
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_finds_the_most_and_looks_at_little() {
        for most in [0, 1, 2, 3, 10, 100, 100_000] {
            for guess in [0, 1, 2, 7, 50, 1000, 99_999, 200_000] {
                for limit in [0, 1, 2, 3, 9, 64, 99, 100, 12_345, 99_999, 100_000] {
                    let mut looked_at = 0;
                    let found = most_fitting(most, guess, |count| {
                        assert!((1..=most).contains(&count), "{count} of {most}");
                        looked_at += count;
                        count <= limit
                    });
                    assert_eq!(found, most.min(limit), "{most} {guess}");
                    let scale = (found + guess.min(most)).max(1);
                    let steps = 3 * (scale.ilog2() as usize + 2);
                    assert!(looked_at <= scale * steps, "{most} {guess} {limit}: {looked_at}");
                }
            }
        }
    }
}
