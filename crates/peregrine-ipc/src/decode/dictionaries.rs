//! The dictionaries that a stream keeps, within the limit on all of them together.

use arrow_array::{Array, ArrayRef};
use arrow_data::ArrayData;
use arrow_schema::{ArrowError, DataType};
use arrow_select::concat::concat;

use crate::error::Error;
use crate::problem::Problem;
use crate::schema::takes_deltas;
use crate::verify::MAX_ROWS;

/// What a dictionary message costs beside its bytes, so that empty ones are not free.
const OVERHEAD: usize = 512;

/// Rows may take no bytes, as those of empty structs, but where arrow puts arrays together each may take a bit: there
/// are at most eight for each byte that is held, or this many.
const FREE_ROWS: usize = 1 << 20;

/// A delta of one byte has all values before it copied, once a batch needs them. A stream may have so many bytes copied,
/// and so many for each byte that it sends: a dictionary of 100 MB may grow with every batch of 100 kB.
const FREE_COPIES: usize = 1 << 30;
const COPIES_PER_BYTE: usize = 1 << 10;

const DELTA_TYPES: &str = "a delta of a dictionary whose values have unions, run ends or dictionaries";

/// The values of all dictionaries, by slot.
#[derive(Debug, Default)]
pub(super) struct Dictionaries {
    entries: Vec<Entry>,
    limit: usize,
    held: usize,
    /// Whether an entry has more than one chunk.
    pending: bool,
    /// How many bytes may still be copied to put deltas behind what they add to.
    budget: usize,
}

#[derive(Debug)]
struct Entry {
    id: i64,
    /// The values as they came: more than one array after deltas, until a batch needs them.
    chunks: Vec<ArrayRef>,
    held: usize,
}

impl Dictionaries {
    pub(super) fn new(ids: impl Iterator<Item = i64>, limit: usize) -> Self {
        let entries = ids.map(|id| Entry { id, chunks: Vec::new(), held: 0 }).collect();
        Self { entries, limit, held: 0, pending: false, budget: FREE_COPIES }
    }

    /// Whether values came for this slot.
    pub(super) fn is_set(&self, slot: usize) -> bool {
        !self.entries[slot].chunks.is_empty()
    }

    /// The values of a slot. After deltas they have been put together by [`settle`](Self::settle).
    pub(super) fn values(&self, slot: usize) -> Result<&ArrayRef, Error> {
        let entry = &self.entries[slot];
        entry.chunks.first().ok_or_else(|| Error::field(Problem::NoDictionary { id: entry.id }))
    }

    /// Replaces the values of a slot. `held` is the memory that they hold on to.
    pub(super) fn replace(&mut self, slot: usize, values: ArrayRef, held: usize) -> Result<(), Error> {
        let held = held.saturating_add(OVERHEAD);
        let before = self.entries[slot].held;
        self.hold(held, before)?;
        let entry = &mut self.entries[slot];
        entry.chunks = vec![values];
        entry.held = held;
        Ok(())
    }

    /// Adds values behind those of a slot that is set.
    pub(super) fn extend(&mut self, slot: usize, values: ArrayRef, held: usize) -> Result<(), Error> {
        let entry = &self.entries[slot];
        if entry.chunks.is_empty() {
            return Err(Error::field(Problem::NoDictionary { id: entry.id }));
        }
        if !takes_deltas(values.data_type()) {
            return Err(Error::field(Problem::Unsupported { what: DELTA_TYPES }));
        }
        let held = held.saturating_add(OVERHEAD);
        self.hold(held, 0)?;
        let entry = &mut self.entries[slot];
        entry.chunks.push(values);
        entry.held += held;
        self.pending = true;
        Ok(())
    }

    /// The memory that the values of some slots hold on to.
    pub(super) fn held_by(&self, slots: &[usize]) -> usize {
        slots.iter().map(|&slot| self.entries[slot].held).fold(0, usize::saturating_add)
    }

    /// Counts the body of a message, whatever it is.
    pub(super) fn receive(&mut self, body: usize) {
        let more = body.saturating_add(OVERHEAD).saturating_mul(COPIES_PER_BYTE);
        self.budget = self.budget.saturating_add(more);
    }

    /// Puts deltas behind what they add to. Deltas that come one after another cost one copy and not one each.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        if !self.pending {
            return Ok(());
        }
        for slot in 0..self.entries.len() {
            if self.entries[slot].chunks.len() > 1 {
                self.settle_one(slot)?;
            }
        }
        self.pending = false;
        Ok(())
    }

    fn settle_one(&mut self, slot: usize) -> Result<(), Error> {
        let entry = &self.entries[slot];
        let data: Vec<ArrayData> = entry.chunks.iter().map(|chunk| chunk.to_data()).collect();
        let values = data.iter().map(weight).fold(0, usize::saturating_add);
        let limit = entry.held.saturating_mul(8).clamp(FREE_ROWS, MAX_ROWS);
        if values > limit {
            return Err(Error::Limit { what: "values of a dictionary", limit, actual: values });
        }
        let copied = data.iter().map(memory).fold(0, usize::saturating_add);
        self.budget = self.budget.checked_sub(copied).ok_or(Error::Limit {
            what: "bytes copied to put deltas to their dictionaries",
            limit: self.budget,
            actual: copied,
        })?;
        let chunks: Vec<&dyn Array> = entry.chunks.iter().map(AsRef::as_ref).collect();
        let values = concat(&chunks).map_err(refused)?;
        let (before, held) = (entry.held, entry.held.max(memory(&values.to_data()).saturating_add(OVERHEAD)));
        self.hold(held, before)?;
        let entry = &mut self.entries[slot];
        entry.chunks = vec![values];
        entry.held = held;
        Ok(())
    }

    fn hold(&mut self, more: usize, less: usize) -> Result<(), Error> {
        let held = (self.held - less).saturating_add(more);
        if held > self.limit {
            return Err(Error::Limit { what: "bytes of dictionaries", limit: self.limit, actual: held });
        }
        self.held = held;
        Ok(())
    }
}

/// The most of anything that an offset into an array or its children may have to count.
fn weight(data: &ArrayData) -> usize {
    let bytes = match data.data_type() {
        DataType::Utf8 | DataType::Binary => data.buffers().last().map_or(0, |bytes| bytes.len()),
        _ => 0,
    };
    data.child_data().iter().map(weight).fold(data.len().max(bytes), usize::max)
}

/// The bytes of an array that are copied when it is put behind another one: not those that views point to.
fn memory(data: &ArrayData) -> usize {
    let shared = matches!(data.data_type(), DataType::Utf8View | DataType::BinaryView);
    let own = data.buffers().iter().take(if shared { 1 } else { usize::MAX }).map(|buffer| buffer.len());
    let nulls = data.nulls().map_or(0, |nulls| nulls.buffer().len());
    own.chain([nulls]).chain(data.child_data().iter().map(memory)).fold(0, usize::saturating_add)
}

fn refused(source: ArrowError) -> Error {
    Error::field(Problem::Values { source })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::Int64Array;

    use super::*;

    fn numbers(count: i64) -> ArrayRef {
        Arc::new((0..count).collect::<Int64Array>())
    }

    #[test]
    fn copies_for_deltas_stay_in_proportion_to_what_came() {
        let mut dictionaries = Dictionaries::new([7].into_iter(), usize::MAX);
        dictionaries.budget = 0;
        dictionaries.replace(0, numbers(100_000), 800_000).unwrap();
        dictionaries.receive(800_000);
        let mut settled = 0;
        let error = loop {
            dictionaries.extend(0, numbers(1), 8).unwrap();
            dictionaries.receive(8);
            match dictionaries.settle() {
                Ok(()) => settled += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::Limit { .. }), "{error}");
        // 800 kB are copied each time, and 520 KiB allowed; what the first message brought lasts for a while.
        assert!(settled > 1000 && settled < 10_000, "{settled}");
        // Another message, or one that replaces the values, makes up for it.
        dictionaries.receive(1000);
        dictionaries.settle().unwrap();
        assert_eq!(dictionaries.values(0).unwrap().len(), 100_001 + settled);
    }

    #[test]
    fn values_that_were_put_together_count_as_what_they_take() {
        let mut dictionaries = Dictionaries::new([7, 8].into_iter(), usize::MAX);
        dictionaries.replace(0, numbers(1000), 10).unwrap();
        dictionaries.extend(0, numbers(1000), 10).unwrap();
        dictionaries.settle().unwrap();
        assert_eq!(dictionaries.held_by(&[0, 1]), 16_000 + OVERHEAD);
        assert_eq!(dictionaries.held, 16_000 + OVERHEAD);
        // And not a byte less is free again.
        dictionaries.replace(0, numbers(1), 8).unwrap();
        assert_eq!(dictionaries.held, 8 + OVERHEAD);
    }
}
