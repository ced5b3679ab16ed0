//! DoGet: what a table has is what its reader gets.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{Int32Builder, ListBuilder};
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, StringArray, StructArray};
use arrow_schema::{DataType, Field, Schema};
use futures_util::TryStreamExt;
use peregrine::proto::{FlightErrorKind, Ticket};
use peregrine::stream::Table;
use peregrine_testkit::{MemoryService, Pair, batches};

/// Serves a table and reads it.
async fn through_the_wire(table: Table) -> Table {
    let service = MemoryService::new();
    service.insert("table", table);
    let pair = Pair::new(service);
    pair.client().do_get(Ticket::new("table")).await.unwrap().read_all().await.unwrap()
}

fn table(batches: Vec<RecordBatch>) -> Table {
    Table::new(batches[0].schema(), batches)
}

#[tokio::test]
async fn each_flat_type_comes_back_as_it_was() {
    for data_type in batches::flat_types() {
        let schema = Arc::new(Schema::new(vec![Field::new("column", data_type.clone(), true)]));
        let sent = table([1, 0, 1000, 63].map(|rows| batches::of_schema(&schema, rows)).into());
        assert_eq!(through_the_wire(sent.clone()).await, sent, "{data_type}");
    }
}

#[tokio::test]
async fn all_flat_types_together_come_back_as_they_were() {
    let sent = table(batches::one_per_type());
    assert_eq!(through_the_wire(sent.clone()).await, sent);
}

#[tokio::test]
async fn slices_come_back_as_they_look() {
    let whole = batches::one_per_type().remove(0);
    for (offset, rows) in [(0, 1), (1, 1), (3, 50), (8, 64), (64, 36), (100, 0)] {
        let sent = table(vec![whole.slice(offset, rows)]);
        assert_eq!(through_the_wire(sent.clone()).await, sent, "{rows} rows from {offset}");
    }
}

#[tokio::test]
async fn nested_columns_come_back_as_they_were() {
    let mut lists = ListBuilder::new(Int32Builder::new());
    lists.extend([Some(vec![Some(1), None, Some(3)]), None, Some(vec![])]);
    let names: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("ü")]));
    let people = StructArray::from(vec![(Arc::new(Field::new("name", DataType::Utf8, true)), names)]);
    let batch =
        RecordBatch::try_from_iter([("lists", Arc::new(lists.finish()) as ArrayRef), ("people", Arc::new(people))]);
    let sent = table(vec![batch.unwrap()]);
    assert_eq!(through_the_wire(sent.clone()).await, sent);
}

#[tokio::test]
async fn metadata_of_schema_and_fields_comes_along() {
    let map = |text: &str| HashMap::from([(text.to_owned(), "grün".to_owned())]);
    let field = Field::new("n", DataType::Int64, false).with_metadata(map("of the field"));
    let schema = Arc::new(Schema::new(vec![field]).with_metadata(map("of the schema")));
    let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(Int64Array::from(vec![1]))]).unwrap();
    assert_eq!(through_the_wire(table(vec![batch])).await.schema, schema);
}

#[tokio::test]
async fn a_table_without_batches_gives_its_schema_alone() {
    let schema = batches::one_per_type()[0].schema();
    let service = MemoryService::new();
    service.insert("empty", Table::new(schema.clone(), Vec::new()));
    let pair = Pair::new(service);
    let mut reader = pair.client().do_get(Ticket::new("empty")).await.unwrap();
    assert_eq!(reader.schema().await.unwrap(), schema);
    assert_eq!(reader.read_next().await.unwrap(), None);
    assert_eq!(reader.read_chunk().await.unwrap(), None, "the end stays the end");
    let stats = reader.stats();
    assert_eq!((stats.num_messages, stats.num_record_batches), (1, 0));
}

#[tokio::test]
async fn batches_without_rows_are_kept() {
    let schema = batches::one_per_type()[0].schema();
    let sent = table([0, 0, 5, 0].map(|rows| batches::of_schema(&schema, rows)).into());
    let read = through_the_wire(sent.clone()).await;
    assert_eq!(read.batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [0, 0, 5, 0]);
    assert_eq!(read, sent);
}

#[tokio::test]
async fn batches_without_columns_keep_their_rows() {
    let options = RecordBatchOptions::new().with_row_count(Some(7));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options).unwrap();
    assert_eq!(through_the_wire(table(vec![batch])).await.batches[0].num_rows(), 7);
}

#[tokio::test]
async fn a_table_of_many_columns_comes_back_as_it_was() {
    let types = batches::flat_types();
    let fields = (0..2000).map(|at| Field::new(format!("column {at}"), types[at % types.len()].clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let sent = table([3, 0, 2].map(|rows| batches::of_schema(&schema, rows)).into());
    assert_eq!(through_the_wire(sent.clone()).await, sent);
}

#[tokio::test]
async fn dictionaries_are_sent_once_kept_and_replaced() {
    let sent = batches::dictionaries();
    let pair = Pair::new(MemoryService::with("cities", sent.clone()));
    let mut reader = pair.client().do_get(Ticket::new("cities")).await.unwrap();
    assert_eq!(reader.stats().num_messages, 1, "an open stream has read its schema and nothing else");
    let mut read = Vec::new();
    while let Some(batch) = reader.read_next().await.unwrap() {
        read.push(batch);
    }
    assert_eq!(read, sent);
    // The schema, a dictionary, two batches, its replacement, the last batch.
    let stats = reader.stats();
    assert_eq!(stats.num_messages, 6);
    assert_eq!(stats.num_record_batches, 3);
    assert_eq!(stats.num_dictionary_batches, 2);
    assert_eq!(stats.num_replaced_dictionaries, 1);
    assert_eq!(stats.num_dictionary_deltas, 0);
    let keys_of = |batch: &RecordBatch| batch.column(0).to_data().child_data()[0].buffers()[1].as_ptr();
    assert_eq!(keys_of(&read[0]), keys_of(&read[1]), "batches share the dictionary that they share on the wire");
}

#[tokio::test]
async fn a_reader_is_a_stream_of_batches() {
    let sent = batches::one_per_type();
    let pair = Pair::new(MemoryService::with("trips", sent.clone()));
    let reader = pair.client().do_get(Ticket::new("trips")).await.unwrap();
    assert_eq!(reader.try_collect::<Vec<_>>().await.unwrap(), sent);
}

#[tokio::test]
async fn a_ticket_that_nobody_knows_fails_the_call_and_nothing_else() {
    let pair = Pair::new(MemoryService::with("trips", batches::one_per_type()));
    let error = pair.client().do_get(Ticket::new("flights")).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (FlightErrorKind::NotFound, "no flight named flights"));
    assert!(pair.client().do_get(Ticket::new("trips")).await.is_ok());
}
