//! Options of one call that say how data is decoded: projection.

use arrow_array::RecordBatch;
use peregrine_client::FlightCallOptions;
use peregrine_ipc::IpcReadOptions;
use peregrine_proto::{FlightErrorKind, Ticket};
use peregrine_testkit::{MemoryService, Pair, batches};

fn columns(columns: impl IntoIterator<Item = usize>) -> FlightCallOptions {
    FlightCallOptions::new().with_read_options(IpcReadOptions::default().with_projection(columns))
}

#[tokio::test]
async fn a_projection_takes_its_columns_in_its_order_for_its_call_alone() {
    let sent = batches::one_per_type();
    let last = sent[0].num_columns() - 1;
    let pair = Pair::new(MemoryService::with("trips", sent.clone()));
    for wanted in [vec![2, 0], vec![last], vec![], (0..=last).rev().collect(), vec![1, 1]] {
        let options = columns(wanted.clone());
        let mut reader = pair.client().with(options.clone()).do_get(Ticket::new("trips")).await.unwrap();
        let expected: Vec<RecordBatch> = sent.iter().map(|batch| batch.project(&wanted).unwrap()).collect();
        assert_eq!(reader.schema().await.unwrap(), expected[0].schema(), "{wanted:?}");
        assert_eq!(reader.read_all().await.unwrap().batches, expected, "{wanted:?}");
    }
    let read = pair.client().do_get(Ticket::new("trips")).await.unwrap().read_all().await.unwrap();
    assert_eq!(read.batches, sent, "a call without options reads all");
}

#[tokio::test]
async fn a_projection_may_leave_dictionaries_out() {
    let pair = Pair::new(MemoryService::with("cities", batches::dictionaries()));
    let mut reader = pair.client().with(columns([]).clone()).do_get(Ticket::new("cities")).await.unwrap();
    let mut rows = Vec::new();
    while let Some(batch) = reader.read_next().await.unwrap() {
        rows.push(batch.num_rows());
    }
    assert_eq!(rows, batches::dictionaries().iter().map(RecordBatch::num_rows).collect::<Vec<_>>());
    assert_eq!(reader.stats().num_dictionary_batches, 2, "those that nobody uses are counted all the same");
}

#[tokio::test]
async fn a_projection_behind_the_last_column_fails_its_call_alone() {
    let pair = Pair::new(MemoryService::with("trips", vec![batches::int64(10)]));
    let error = pair.client().with(columns([1, 4]).clone()).do_get(Ticket::new("trips")).await.unwrap_err();
    assert_eq!(error.kind(), FlightErrorKind::InvalidArgument);
    assert!(error.message().contains("column 4 of a schema with 4"), "{error}");
    assert!(pair.client().with(columns([1, 3]).clone()).do_get(Ticket::new("trips")).await.is_ok());
}
