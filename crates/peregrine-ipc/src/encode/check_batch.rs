//! Which schemas can be encoded, and which batches belong to one.

use std::sync::Arc;

use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::error::Error;
use crate::problem::Problem;
use crate::schema::child_fields;

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
            expected.name() == actual.name() && same_type(expected.data_type(), actual.data_type())
        })
}

/// The names in structs and unions count, and their order. Those of list items, run ends and what is in a map do not:
/// every writer has its own.
fn same_type(expected: &DataType, actual: &DataType) -> bool {
    match (expected, actual) {
        (DataType::Struct(expected), DataType::Struct(actual)) => {
            expected.len() == actual.len() && expected.iter().zip(actual).all(|(e, a)| same_named(e, a))
        }
        (DataType::Union(expected, mode), DataType::Union(actual, actual_mode)) => {
            mode == actual_mode
                && expected.len() == actual.len()
                && expected
                    .iter()
                    .zip(actual.iter())
                    .all(|((id, e), (actual_id, a))| id == actual_id && same_named(e, a))
        }
        (DataType::Map(expected, sorted), DataType::Map(actual, actual_sorted)) => {
            sorted == actual_sorted
                && expected.is_nullable() == actual.is_nullable()
                && same_children(expected.data_type(), actual.data_type())
        }
        (DataType::FixedSizeList(expected, size), DataType::FixedSizeList(actual, actual_size)) => {
            size == actual_size && same_field(expected, actual)
        }
        (DataType::Dictionary(keys, expected), DataType::Dictionary(actual_keys, actual)) => {
            keys == actual_keys && same_type(expected, actual)
        }
        (DataType::List(_), DataType::List(_))
        | (DataType::LargeList(_), DataType::LargeList(_))
        | (DataType::ListView(_), DataType::ListView(_))
        | (DataType::LargeListView(_), DataType::LargeListView(_))
        | (DataType::RunEndEncoded(_, _), DataType::RunEndEncoded(_, _)) => same_children(expected, actual),
        _ => expected == actual,
    }
}

fn same_children(expected: &DataType, actual: &DataType) -> bool {
    let (expected, actual) = (child_fields(expected), child_fields(actual));
    expected.len() == actual.len() && expected.into_iter().zip(actual).all(|(e, a)| same_field(e, a))
}

fn same_named(expected: &Field, actual: &Field) -> bool {
    expected.name() == actual.name() && same_field(expected, actual)
}

fn same_field(expected: &Field, actual: &Field) -> bool {
    expected.is_nullable() == actual.is_nullable() && same_type(expected.data_type(), actual.data_type())
}

#[cfg(test)]
mod tests {
    use arrow_schema::{Fields, UnionFields, UnionMode};

    use super::*;

    fn fields(names: [&str; 2]) -> Fields {
        names.map(|name| Field::new(name, DataType::Int32, true)).into_iter().collect()
    }

    fn union(ids: [i8; 2], names: [&str; 2]) -> DataType {
        DataType::Union(UnionFields::try_new(ids, fields(names).iter().cloned()).unwrap(), UnionMode::Dense)
    }

    fn list(name: &str, item: DataType) -> DataType {
        DataType::List(Arc::new(Field::new(name, item, true)))
    }

    fn map(entries: &str, names: [&str; 2]) -> DataType {
        DataType::Map(Arc::new(Field::new(entries, DataType::Struct(fields(names)), false)), false)
    }

    #[test]
    fn names_and_order_in_structs_and_unions_count_at_any_depth() {
        let pairs = [
            (DataType::Struct(fields(["a", "b"])), DataType::Struct(fields(["b", "a"]))),
            (DataType::Struct(fields(["a", "b"])), DataType::Struct(fields(["a", "c"]))),
            (union([0, 1], ["a", "b"]), union([1, 0], ["b", "a"])),
            (union([0, 1], ["a", "b"]), union([0, 1], ["a", "c"])),
            (union([0, 1], ["a", "b"]), union([0, 2], ["a", "b"])),
        ];
        for (expected, actual) in pairs {
            let boxed = |values: &DataType| DataType::Dictionary(Box::new(DataType::Int8), Box::new(values.clone()));
            for (e, a) in [
                (expected.clone(), actual.clone()),
                (list("item", expected.clone()), list("item", actual.clone())),
                (boxed(&expected), boxed(&actual)),
            ] {
                assert!(same_type(&e, &e) && !same_type(&e, &a), "{e} {a}");
            }
        }
    }

    #[test]
    fn names_of_items_and_entries_do_not_count_but_their_types_do() {
        assert!(same_type(&list("item", DataType::Int8), &list("element", DataType::Int8)));
        assert!(!same_type(&list("item", DataType::Int8), &list("item", DataType::Int16)));
        assert!(same_type(&map("entries", ["key", "value"]), &map("pairs", ["keys", "values"])));
        assert!(!same_type(&list("item", DataType::Int8), &map("item", ["key", "value"])));
        let runs = |name: &str, ends: DataType| {
            let values = Arc::new(Field::new("values", DataType::Utf8, true));
            DataType::RunEndEncoded(Arc::new(Field::new(name, ends, false)), values)
        };
        assert!(same_type(&runs("run_ends", DataType::Int32), &runs("ends", DataType::Int32)));
        assert!(!same_type(&runs("run_ends", DataType::Int32), &runs("run_ends", DataType::Int16)));
    }
}
