//! What two tables differ in, in words that say where.

use arrow_schema::Schema;
use integration_tests::ordered_dictionaries;
use peregrine::stream::Table;
use peregrine_testkit::scenario::same_schema;

use crate::messages::validate;

/// Whether the names of a map's entries, keys and values count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MapNames {
    Count,
    DoNotCount,
}

/// The first thing in which a table is not what it should be, or not valid.
pub(crate) fn check(expected: &Table, actual: &Table, names: MapNames) -> Result<(), String> {
    check_schema(&expected.schema, &actual.schema, names)?;
    let rows = |table: &Table| table.batches.iter().map(|batch| batch.num_rows()).collect::<Vec<_>>();
    if rows(expected) != rows(actual) {
        return Err(format!("rows of batches: expected {:?}, not {:?}", rows(expected), rows(actual)));
    }
    for (index, (expected, actual)) in expected.batches.iter().zip(&actual.batches).enumerate() {
        validate(actual).map_err(|error| format!("batch {index} is not valid: {error}"))?;
        for ((expected, actual), field) in expected.columns().iter().zip(actual.columns()).zip(actual.schema().fields())
        {
            if expected != actual {
                return Err(format!("batch {index}, column {}: expected {expected:?}, not {actual:?}", field.name()));
            }
        }
    }
    Ok(())
}

fn check_schema(expected: &Schema, actual: &Schema, names: MapNames) -> Result<(), String> {
    if expected != actual && (names == MapNames::Count || !same_schema(expected, actual)) {
        return Err(format!("schema: expected {expected:?}, not {actual:?}"));
    }
    let [expected, actual] = [expected, actual].map(ordered_dictionaries);
    match expected == actual {
        true => Ok(()),
        false => Err(format!("dictionaries that are ordered: {expected:?}, not {actual:?}")),
    }
}

mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use arrow_array::builder::StringDictionaryBuilder;
    use arrow_array::types::Int8Type;
    use arrow_array::{Array, ArrayRef, Int32Array, RecordBatch};
    use arrow_schema::{DataType, Field};

    use super::*;

    fn table(field: Field, column: ArrayRef) -> Table {
        let schema = Arc::new(Schema::new(vec![field]));
        Table::new(schema.clone(), vec![RecordBatch::try_new(schema, vec![column]).unwrap()])
    }

    fn ints(values: Vec<Option<i32>>) -> Table {
        table(Field::new("n", DataType::Int32, true), Arc::new(Int32Array::from(values)))
    }

    #[test]
    fn golden_tables_that_differ_do_so_in_words() {
        let expected = ints(vec![Some(1), None]);
        let named = table(Field::new("m", DataType::Int32, true), expected.batches[0].column(0).clone());
        let metadata = HashMap::from([("k".to_owned(), "v".to_owned())]);
        let schema = Arc::new(expected.schema.as_ref().clone().with_metadata(metadata));
        let cases = [
            (ints(vec![Some(1), Some(2)]), "batch 0, column n"),
            (ints(vec![Some(1)]), "rows of batches: expected [2], not [1]"),
            (Table::new(expected.schema.clone(), vec![]), "rows of batches: expected [2], not []"),
            (named, "schema"),
            (Table::new(schema, expected.batches.clone()), "schema"),
        ];
        for (other, reason) in cases {
            let error = check(&expected, &other, MapNames::DoNotCount).unwrap_err();
            assert!(error.starts_with(reason), "{error}");
        }
        check(&expected, &ints(vec![Some(1), None]), MapNames::Count).unwrap();
    }

    #[test]
    fn golden_dictionaries_differ_in_their_order_and_not_in_how_they_are_stored() {
        let ordered = |ordered, words: [&str; 2], values: [&str; 2]| {
            let mut builder = StringDictionaryBuilder::<Int8Type>::new();
            words.iter().for_each(|word| builder.append_value(word));
            let all = builder.finish();
            let mut builder =
                StringDictionaryBuilder::<Int8Type>::new_with_dictionary(2, all.downcast_dict().unwrap().values())
                    .unwrap();
            values.iter().for_each(|value| builder.append_value(value));
            let field = Field::new("d", all.data_type().clone(), true).with_dict_is_ordered(ordered);
            table(field, Arc::new(builder.finish()))
        };
        let expected = ordered(false, ["a", "b"], ["a", "b"]);
        check(&expected, &ordered(false, ["b", "a"], ["a", "b"]), MapNames::Count).unwrap();
        let error = check(&expected, &ordered(true, ["a", "b"], ["a", "b"]), MapNames::Count).unwrap_err();
        assert_eq!(error, "dictionaries that are ordered: [Some(false)], not [Some(true)]");
        check(&expected, &ordered(false, ["a", "b"], ["b", "a"]), MapNames::Count).unwrap_err();
    }
}
