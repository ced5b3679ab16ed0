//! Which ids the dictionaries of a stream have. Fields of one id share one dictionary.

use arrow_schema::{DataType, Field, Schema};

use super::child_fields::child_fields;

/// The ids under which the dictionaries of a stream are sent.
///
/// Fields of one id share one dictionary, which is sent once for all of them: each batch must have the same values
/// in all of these fields, in the same memory or equal, and of the same type; the types of keys may differ. The schema
/// comes before the data, so nothing is shared unless it is asked for.
///
/// ```
/// use std::sync::Arc;
/// use arrow_array::types::Int8Type;
/// use arrow_array::{ArrayRef, DictionaryArray, RecordBatch};
/// use peregrine_ipc::{DictionaryIds, Encoder, IpcWriteOptions};
///
/// let from: DictionaryArray<Int8Type> = ["Oslo", "Rome", "Oslo"].into_iter().collect();
/// let to = DictionaryArray::<Int8Type>::try_new(vec![1, 0, 1].into(), from.values().clone())?;
/// let batch = RecordBatch::try_from_iter([("from", Arc::new(from) as ArrayRef), ("to", Arc::new(to))])?;
///
/// let options = IpcWriteOptions::default().with_dictionary_ids(DictionaryIds::Listed(vec![7, 7]));
/// let mut encoder = Encoder::new(batch.schema(), options)?;
/// encoder.encode(&batch, &mut Vec::new())?;
/// assert_eq!(encoder.stats().num_dictionary_batches, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DictionaryIds {
    /// Each dictionary has an id of its own, counted from 0: nothing is shared.
    #[default]
    Counted,
    /// The ids that the schema's fields have, in which a decoder keeps those of the wire. For what was read from
    /// another stream, so that it goes out as it came. A field that was made without an id has the id 0.
    OfFields,
    /// An id for each dictionary of the schema in the order of its fields, those within a dictionary's values before
    /// its own.
    Listed(Vec<i64>),
}

impl DictionaryIds {
    /// The id of each dictionary, in the order of the format.
    pub(crate) fn of(&self, schema: &Schema) -> Vec<i64> {
        let mut ids = Vec::new();
        match self {
            Self::Listed(listed) => ids.clone_from(listed),
            Self::OfFields => schema.fields().iter().for_each(|field| collect(field, &mut ids)),
            Self::Counted => {
                schema.fields().iter().for_each(|field| collect(field, &mut ids));
                ids = (0..).take(ids.len()).collect();
            }
        }
        ids
    }
}

/// Whether two schemas are the same with the ids of their dictionaries, which for arrow are no part of them.
pub(crate) fn same_schema(a: &Schema, b: &Schema) -> bool {
    a == b && DictionaryIds::OfFields.of(a) == DictionaryIds::OfFields.of(b)
}

fn collect(field: &Field, ids: &mut Vec<i64>) {
    let mut data_type = field.data_type();
    if let DataType::Dictionary(_, values) = data_type {
        data_type = values;
    }
    child_fields(data_type).into_iter().for_each(|child| collect(child, ids));
    if matches!(field.data_type(), DataType::Dictionary(_, _)) {
        #[expect(deprecated, reason = "arrow-ipc reads the ids of the wire into it, and it is nowhere else")]
        ids.push(field.dict_id().unwrap_or_default());
    }
}
