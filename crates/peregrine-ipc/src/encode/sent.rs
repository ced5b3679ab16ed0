//! The dictionaries of a stream as its receiver has them: what must be sent before a batch, and what it knows already.

use arrow_data::ArrayData;
use arrow_schema::{DataType, Schema};

use crate::children::child_fields;

/// A dictionary is compared by value, when it is not the very same memory, up to this many bytes: more than that is
/// sent again. A comparison costs less than sending, unless it is in vain for batch after batch.
const COMPARED_BYTES: usize = 1 << 20;

/// Every place of a schema that has a dictionary, in the order of their ids.
#[derive(Debug, Default)]
pub(super) struct SentDictionaries {
    slots: Vec<Slot>,
}

#[derive(Debug)]
struct Slot {
    /// The column, and then which child of each array on the way.
    path: Vec<usize>,
    /// The values that the receiver has.
    sent: Option<ArrayData>,
}

/// What a receiver needs to be told about a dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Its first values.
    New,
    /// Other values than before.
    Replaced,
}

impl SentDictionaries {
    pub(super) fn new(schema: &Schema) -> Self {
        let mut sent = Self::default();
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
    /// A dictionary that only grew is replaced as a whole: this is where a delta would be found.
    pub(super) fn change<'a>(&self, id: usize, columns: &'a [ArrayData]) -> Option<(&'a ArrayData, Change)> {
        let slot = &self.slots[id];
        let (column, rest) = slot.path.split_first()?;
        let array = rest.iter().try_fold(columns.get(*column)?, |array, child| array.child_data().get(*child))?;
        let values = array.child_data().first()?;
        match &slot.sent {
            None => Some((values, Change::New)),
            Some(sent) if same(sent, values) => None,
            Some(_) => Some((values, Change::Replaced)),
        }
    }

    /// Notes that the receiver has these values now.
    pub(super) fn set(&mut self, id: usize, values: &ArrayData) {
        self.slots[id].sent = Some(values.clone());
    }

    /// Forgets what was sent: all of it is new again.
    pub(super) fn forget(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.sent = None);
    }

    /// Finds dictionaries in the order in which proto numbers them in the schema's header: children first.
    fn find(&mut self, data_type: &DataType, path: &mut Vec<usize>) {
        if let DataType::Dictionary(_, values) = data_type {
            path.push(0);
            self.find(values, path);
            path.pop();
            self.slots.push(Slot { path: path.clone(), sent: None });
        }
        for (index, child) in child_fields(data_type).into_iter().enumerate() {
            path.push(index);
            self.find(child.data_type(), path);
            path.pop();
        }
    }
}

fn same(sent: &ArrayData, values: &ArrayData) -> bool {
    sent.ptr_eq(values)
        || (sent.len() == values.len()
            && values.get_slice_memory_size().is_ok_and(|size| size <= COMPARED_BYTES)
            && sent == values)
}
