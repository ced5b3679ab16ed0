//! Which dictionaries may grow: the others are neither written nor read as deltas.

use arrow_schema::DataType;

use super::child_fields::child_fields;

/// Whether arrow puts arrays of a type together without a panic, whatever lies in them. It counts runs in the type of
/// their ends and the values of inner dictionaries in the type of their keys, which may be too small; and below unions
/// it reserves memory by rows and not by bytes.
pub(crate) fn takes_deltas(data_type: &DataType) -> bool {
    !matches!(data_type, DataType::Union(_, _) | DataType::RunEndEncoded(_, _) | DataType::Dictionary(_, _))
        && child_fields(data_type).into_iter().all(|field| takes_deltas(field.data_type()))
}
