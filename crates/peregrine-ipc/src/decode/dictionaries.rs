//! The dictionaries that a stream keeps, within the limit on all of them together.

use arrow_array::{Array, ArrayRef};
use arrow_data::ArrayData;
use arrow_schema::{ArrowError, DataType};
use arrow_select::concat::concat;

use super::read::MAX_ROWS;
use crate::children::child_fields;
use crate::error::{Error, Problem};

/// What a dictionary message costs beside its bytes, so that empty ones are not free.
const OVERHEAD: usize = 512;

/// Rows may take no bytes, as those of empty structs, but where arrow puts arrays together each may take a bit: there
/// are at most eight for each byte that is held, or this many.
const FREE_ROWS: usize = 1 << 20;

const DELTA_TYPES: &str = "a delta of a dictionary whose values have unions, run ends or dictionaries";

/// The values of all dictionaries, by slot.
#[derive(Debug, Default)]
pub(super) struct Dictionaries {
    entries: Vec<Entry>,
    limit: usize,
    held: usize,
    /// Whether an entry has more than one chunk.
    pending: bool,
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
        Self { entries, limit, held: 0, pending: false }
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

    /// Puts deltas behind what they add to. Deltas that come one after another cost one copy and not one each.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        if !self.pending {
            return Ok(());
        }
        for entry in self.entries.iter_mut().filter(|entry| entry.chunks.len() > 1) {
            let weights = entry.chunks.iter().map(|chunk| weight(&chunk.to_data()));
            let actual = weights.fold(0, usize::saturating_add);
            let limit = entry.held.saturating_mul(8).clamp(FREE_ROWS, MAX_ROWS);
            if actual > limit {
                return Err(Error::Limit { what: "values of a dictionary", limit, actual });
            }
            let chunks: Vec<&dyn Array> = entry.chunks.iter().map(AsRef::as_ref).collect();
            entry.chunks = vec![concat(&chunks).map_err(refused)?];
        }
        self.pending = false;
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

/// Whether arrow puts arrays of a type together without a panic, whatever lies in them. It counts runs in the type of
/// their ends and the values of inner dictionaries in the type of their keys, which may be too small; and below unions
/// it reserves memory by rows and not by bytes.
fn takes_deltas(data_type: &DataType) -> bool {
    !matches!(data_type, DataType::Union(_, _) | DataType::RunEndEncoded(_, _) | DataType::Dictionary(_, _))
        && child_fields(data_type).into_iter().all(|field| takes_deltas(field.data_type()))
}

fn refused(source: ArrowError) -> Error {
    Error::field(Problem::Values { source })
}
