//! The dictionaries of a stream as its receiver has them: what must be sent before a batch, and what it knows already.

use std::sync::Arc;

use arrow_data::ArrayData;
use arrow_schema::Schema;

use super::place::{Equal, Place, places};
use super::rows::Rows;
use crate::error::Error;

/// A dictionary is compared by value, when it is not the very same memory, up to this many bytes: more than that is
/// sent again. A comparison costs less than sending, unless it is in vain for batch after batch. Those that may grow
/// are compared whatever their size.
const COMPARED_BYTES: usize = 1 << 20;

/// Every dictionary of a schema, each behind those in its values.
#[derive(Debug, Clone)]
pub(super) struct SentDictionaries {
    places: Arc<[Place]>,
    states: Vec<State>,
    deltas: bool,
}

/// What a receiver knows of a dictionary.
#[derive(Debug, Clone, Default)]
struct State {
    /// The values that it has.
    sent: Option<ArrayData>,
    /// A dictionary in these values was sent after them.
    inner_changed: bool,
    /// What was found of fields that share it.
    equal: Vec<Option<Equal>>,
}

/// What a receiver needs to be told about a dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Its first values.
    New,
    /// Other values than before.
    Replaced,
    /// The values of before, and more of them from this one on.
    Grown { from: usize },
}

impl Change {
    /// The values that are to be sent.
    pub(super) fn rows(self, values: &ArrayData) -> Rows {
        match self {
            Self::New | Self::Replaced => Rows::all(values),
            Self::Grown { from } => Rows { start: from, count: values.len() - from },
        }
    }
}

impl SentDictionaries {
    /// The dictionaries of `schema` under `ids`, in the order of the format; with `deltas` those that grow are found.
    pub(super) fn new(schema: &Schema, ids: &[i64], deltas: bool) -> Result<Self, Error> {
        let places = places(schema, ids)?;
        Ok(Self { states: vec![State::default(); places.len()], places: places.into(), deltas })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The id of one of them.
    pub(super) fn id(&self, index: usize) -> i64 {
        self.places[index].id
    }

    /// The values that `columns` have for a dictionary, and what has to be said about them, if anything.
    ///
    /// To be asked in order: an outer dictionary comes after the inner ones, and if one of those was sent, it is sent
    /// too. Its keys, which some readers look up in what the inner one has become, may have others.
    pub(super) fn change<'a>(
        &mut self,
        index: usize,
        columns: &'a [ArrayData],
    ) -> Result<Option<(&'a ArrayData, Change)>, Error> {
        let (place, state) = (&self.places[index], &mut self.states[index]);
        let Some(values) = place.values(columns, &mut state.equal)? else { return Ok(None) };
        let takes_deltas = self.deltas && place.takes_deltas;
        let change = match &mut state.sent {
            None => Change::New,
            Some(_) if state.inner_changed => Change::Replaced,
            Some(sent) if sent.ptr_eq(values) => return Ok(None),
            Some(sent) if same(sent, values, takes_deltas) => {
                // The next piece of the batch has the same memory, and need not be compared.
                *sent = values.clone();
                return Ok(None);
            }
            Some(sent) if takes_deltas && begins_with(values, sent) => Change::Grown { from: sent.len() },
            Some(_) => Change::Replaced,
        };
        Ok(Some((values, change)))
    }

    /// Notes that the receiver has these values now.
    pub(super) fn set(&mut self, index: usize, values: &ArrayData) {
        let state = &mut self.states[index];
        state.sent = Some(values.clone());
        state.inner_changed = false;
        for &outer in &self.places[index].outer {
            self.states[outer].inner_changed = true;
        }
    }

    /// Forgets what was sent: all of it is new again.
    pub(super) fn forget(&mut self) {
        self.states.iter_mut().for_each(|state| state.sent = None);
    }
}

fn same(sent: &ArrayData, values: &ArrayData, whatever_size: bool) -> bool {
    let is_small = || values.get_slice_memory_size().is_ok_and(|size| size <= COMPARED_BYTES);
    sent.len() == values.len() && (whatever_size || is_small()) && sent == values
}

/// Whether there are values behind the very ones that were sent. What follows nothing is no more of it, as C++ has it.
fn begins_with(values: &ArrayData, sent: &ArrayData) -> bool {
    let grew = !sent.is_empty() && sent.len() < values.len();
    grew && {
        let first = values.slice(0, sent.len());
        first.ptr_eq(sent) || first == *sent
    }
}
