//! The tables that the tests send.

use std::sync::Arc;

use anyhow::{Result, ensure};
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, DictionaryArray, Int64Array, RecordBatch, StringArray};
use arrow_schema::{ArrowError, Field, Schema, SchemaRef};
use peregrine::proto::FlightError;
use peregrine::stream::Table;

/// A table of one batch with these columns, all of which may be null.
pub(super) fn table<const N: usize>(columns: [(&str, ArrayRef); N]) -> Table {
    let fields = columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    let batch = RecordBatch::try_new(schema.clone(), columns).expect("columns of one length");
    Table::new(schema, vec![batch])
}

/// `simple_ints_table`, with a name for its column.
pub(super) fn ints(name: &str) -> Table {
    table([(name, int64([-10, -5, 0, 5, 10]))])
}

/// `simple_dicts_table`: the second batch has the dictionary of the first, the third one that is longer by a word.
pub(super) fn dicts() -> Table {
    let words: ArrayRef = Arc::new(StringArray::from(vec!["foo", "baz", "quux"]));
    let more: ArrayRef = Arc::new(StringArray::from(vec!["foo", "baz", "quux", "new"]));
    let batches =
        [(vec![Some(1), Some(0), None], &words), (vec![Some(2), Some(1)], &words), (vec![Some(0), Some(3)], &more)];
    let mut batches = batches.map(|(keys, words)| {
        let column = DictionaryArray::<Int64Type>::new(Int64Array::from(keys), words.clone());
        table([("some_dicts", Arc::new(column))])
    });
    let schema = batches[0].schema.clone();
    Table::new(schema, batches.iter_mut().flat_map(|table| std::mem::take(&mut table.batches)).collect())
}

/// `multiple_column_table`.
pub(super) fn two_columns() -> Table {
    table([("a", Arc::new(StringArray::from(vec!["foo", "bar", "baz", "qux"]))), ("b", int64(1..=4))])
}

/// A column `a` that counts to a number of rows.
pub(super) fn counting(rows: i64) -> Table {
    table([("a", int64(0..rows))])
}

/// A column of words with a dictionary and one of numbers.
pub(super) fn words_and_numbers() -> Table {
    let words: DictionaryArray<Int64Type> = ["foo", "bar", "baz", "foo", "foo"].into_iter().collect();
    table([("a", Arc::new(words)), ("b", int64([123, 234, 345, 456, 567]))])
}

pub(super) fn int64(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

/// The table in batches of at most so many rows.
pub(super) fn cut(table: &Table, rows: usize) -> Vec<RecordBatch> {
    let of_batch = |batch: &RecordBatch| -> Vec<RecordBatch> {
        let starts = (0..batch.num_rows()).step_by(rows);
        starts.map(|start| batch.slice(start, rows.min(batch.num_rows() - start))).collect()
    };
    table.batches.iter().flat_map(of_batch).collect()
}

/// The batches as a table: of their own schema, or of none if there are none.
pub(super) fn of_batches(batches: Vec<RecordBatch>) -> Table {
    let schema: SchemaRef = batches.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
    Table::new(schema, batches)
}

/// Whether two tables have the same schema and rows, however they are cut.
pub(super) fn ensure_equal(came: &Table, expected: &Table) -> Result<()> {
    ensure!(came.schema == expected.schema, "schema {:?}, expected {:?}", came.schema, expected.schema);
    let (came, expected) = (came.to_batch()?, expected.to_batch()?);
    for column in came.columns() {
        column.to_data().validate_full().map_err(|error: ArrowError| anyhow::anyhow!("invalid data: {error}"))?;
    }
    ensure!(came == expected, "{came:?}\nexpected {expected:?}");
    Ok(())
}

/// The same at a server, where it is an error of the call.
pub(super) fn must(holds: bool, what: impl FnOnce() -> String) -> Result<(), FlightError> {
    if holds { Ok(()) } else { Err(FlightError::failed(what())) }
}
