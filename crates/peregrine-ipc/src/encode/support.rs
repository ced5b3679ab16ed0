//! Which schemas can be encoded, and which batches belong to one.

use std::sync::Arc;

use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Schema, SchemaRef};

use crate::children::child_fields;
use crate::error::{Error, Problem};

/// Refuses types that the format has no words for.
pub(super) fn check_schema(schema: &Schema) -> Result<(), Error> {
    schema.fields().iter().try_for_each(|field| check_type(field.data_type()).map_err(|e| e.within(field.name())))
}

fn check_type(data_type: &DataType) -> Result<(), Error> {
    if let DataType::Dictionary(_, values) = data_type {
        if matches!(values.as_ref(), DataType::Dictionary(_, _)) {
            return Err(Error::field(Problem::Unsupported { what: "a dictionary whose values are a dictionary" }));
        }
        return check_type(values);
    }
    child_fields(data_type).into_iter().try_for_each(|field| check_type(field.data_type()))
}

/// Refuses a batch that is not of `schema`. `accepted` remembers the last schema that was found to be like it.
///
/// Metadata may differ, and so may the nullability of columns if there are no nulls where there must not be any:
/// engines hand out batches whose schema is not the very one that they announced.
pub(super) fn check_batch(schema: &SchemaRef, accepted: &mut SchemaRef, batch: &RecordBatch) -> Result<(), Error> {
    if Arc::ptr_eq(batch.schema_ref(), schema) {
        return Ok(());
    }
    if !Arc::ptr_eq(batch.schema_ref(), accepted) {
        if !same_types(schema, batch.schema_ref()) {
            return Err(Error::BatchSchema { expected: schema.clone(), actual: batch.schema() });
        }
        *accepted = batch.schema();
    }
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        if !field.is_nullable() && column.null_count() > 0 {
            return Err(Error::field(Problem::UnexpectedNulls).within(field.name()));
        }
    }
    Ok(())
}

fn same_types(expected: &Schema, actual: &Schema) -> bool {
    let (expected, actual) = (expected.fields(), actual.fields());
    expected.len() == actual.len()
        && expected.iter().zip(actual).all(|(expected, actual)| {
            expected.name() == actual.name() && expected.data_type().equals_datatype(actual.data_type())
        })
}
