//! The dictionaries of a stream as its receiver has them: what must be sent before a batch, and what it knows already.

use arrow_data::ArrayData;
use arrow_schema::{DataType, Schema};

use super::walk::Rows;
use crate::children::child_fields;
use crate::deltas::takes_deltas;

/// A dictionary is compared by value, when it is not the very same memory, up to this many bytes: more than that is
/// sent again. A comparison costs less than sending, unless it is in vain for batch after batch. Those that may grow
/// are compared whatever their size.
const COMPARED_BYTES: usize = 1 << 20;

/// Every place of a schema that has a dictionary, in the order of their ids.
#[derive(Debug, Clone)]
pub(super) struct SentDictionaries {
    slots: Vec<Slot>,
    deltas: bool,
}

#[derive(Debug, Clone)]
struct Slot {
    /// The column, and then which child of each array on the way.
    path: Vec<usize>,
    /// Whether new values may be sent alone.
    takes_deltas: bool,
    /// The slot of the dictionary in whose values this one is.
    outer: Option<usize>,
    /// The values that the receiver has.
    sent: Option<ArrayData>,
    /// A dictionary in these values was sent after them.
    inner_changed: bool,
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
    /// The dictionaries of `schema`; with `deltas` those that grow are found.
    pub(super) fn new(schema: &Schema, deltas: bool) -> Self {
        let mut sent = Self { slots: Vec::new(), deltas };
        let mut path = Vec::new();
        for (column, field) in schema.fields().iter().enumerate() {
            path.push(column);
            sent.find(field.data_type(), &mut path);
            path.pop();
        }
        sent
    }

    /// How many there are; their ids count up from 0.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The values that `columns` have for a dictionary, and what has to be said about them, if anything.
    ///
    /// To be asked in the order of ids: an outer dictionary comes after the inner ones, and if one of those was sent,
    /// it is sent too. Its keys, which some readers look up in what the inner one has become, may have others.
    pub(super) fn change<'a>(&self, id: usize, columns: &'a [ArrayData]) -> Option<(&'a ArrayData, Change)> {
        let slot = &self.slots[id];
        let (column, rest) = slot.path.split_first()?;
        let array = rest.iter().try_fold(columns.get(*column)?, |array, child| array.child_data().get(*child))?;
        let values = array.child_data().first()?;
        let change = match &slot.sent {
            None => Change::New,
            Some(_) if slot.inner_changed => Change::Replaced,
            Some(sent) if same(sent, values, slot.takes_deltas) => return None,
            Some(sent) if slot.takes_deltas && begins_with(values, sent) => Change::Grown { from: sent.len() },
            Some(_) => Change::Replaced,
        };
        Some((values, change))
    }

    /// Notes that the receiver has these values now.
    pub(super) fn set(&mut self, id: usize, values: &ArrayData) {
        let slot = &mut self.slots[id];
        slot.sent = Some(values.clone());
        slot.inner_changed = false;
        if let Some(outer) = slot.outer {
            self.slots[outer].inner_changed = true;
        }
    }

    /// Forgets what was sent: all of it is new again.
    pub(super) fn forget(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.sent = None);
    }

    /// Finds dictionaries in the order in which proto numbers them in the schema's header: children first.
    fn find(&mut self, data_type: &DataType, path: &mut Vec<usize>) {
        if let DataType::Dictionary(_, values) = data_type {
            let first_inner = self.slots.len();
            path.push(0);
            self.find(values, path);
            path.pop();
            let id = self.slots.len();
            self.slots[first_inner..].iter_mut().for_each(|inner| inner.outer = inner.outer.or(Some(id)));
            let takes_deltas = self.deltas && takes_deltas(values);
            let path = path.clone();
            self.slots.push(Slot { path, takes_deltas, outer: None, sent: None, inner_changed: false });
        }
        for (index, child) in child_fields(data_type).into_iter().enumerate() {
            path.push(index);
            self.find(child.data_type(), path);
            path.pop();
        }
    }
}

fn same(sent: &ArrayData, values: &ArrayData, whatever_size: bool) -> bool {
    let is_small = || values.get_slice_memory_size().is_ok_and(|size| size <= COMPARED_BYTES);
    sent.ptr_eq(values) || (sent.len() == values.len() && (whatever_size || is_small()) && sent == values)
}

/// Whether there are values behind the very ones that were sent. What follows nothing is no more of it, as C++ has it.
fn begins_with(values: &ArrayData, sent: &ArrayData) -> bool {
    let grew = !sent.is_empty() && sent.len() < values.len();
    grew && {
        let first = values.slice(0, sent.len());
        first.ptr_eq(sent) || first == *sent
    }
}
