//! The dictionaries that a stream keeps, within the limit on all of them together.

use arrow_array::{Array, ArrayRef};
use arrow_data::ArrayData;
use arrow_schema::{ArrowError, DataType};
use arrow_select::concat::concat;

use super::read::MAX_ROWS;
use crate::error::{Error, Problem};

/// What a dictionary message costs beside its bytes, so that empty ones are not free.
const OVERHEAD: usize = 512;

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
        if has_runs(values.data_type()) {
            return Err(Error::field(Problem::Unsupported { what: "a delta of a run-end encoded dictionary" }));
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
            if actual > MAX_ROWS {
                return Err(Error::Limit { what: "values of a dictionary", limit: MAX_ROWS, actual });
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

/// Arrow counts the runs of concatenated arrays in the type of their ends, which may be too small.
fn has_runs(data_type: &DataType) -> bool {
    match data_type {
        DataType::RunEndEncoded(_, _) => true,
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => has_runs(field.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_runs(field.data_type())),
        DataType::Union(fields, _) => fields.iter().any(|(_, field)| has_runs(field.data_type())),
        _ => false,
    }
}

fn refused(source: ArrowError) -> Error {
    Error::field(Problem::Values { source })
}
