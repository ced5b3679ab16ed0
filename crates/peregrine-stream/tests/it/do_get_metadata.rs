//! DoGet with the application's metadata beside and between batches.

use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use peregrine_proto::{FlightError, Ticket};
use peregrine_stream::{FlightDataStream, FlightStreamChunk, FlightStreamReader};
use peregrine_testkit::one_rpc::DoGet;
use peregrine_testkit::{Pair, batches};

/// Serves chunks, and opens them.
async fn reader_of(chunks: Vec<FlightStreamChunk>) -> (Pair, FlightStreamReader) {
    let pair = Pair::new(DoGet(move |_, _| {
        let chunks = stream::iter(chunks.clone().into_iter().map(Ok::<_, FlightError>));
        async { Ok(FlightDataStream::from_chunks(batches::int64(0).schema(), chunks)) }
    }));
    let reader = pair.client().do_get(Ticket::new("")).await.unwrap();
    (pair, reader)
}

/// One chunk of each kind.
fn mixed() -> Vec<FlightStreamChunk> {
    vec![
        FlightStreamChunk::metadata("before all"),
        FlightStreamChunk::with_metadata(batches::int64(5), &b"\0\xff"[..]),
        batches::int64(3).into(),
        FlightStreamChunk::metadata("between"),
        FlightStreamChunk::metadata("and more"),
        FlightStreamChunk::with_metadata(batches::int64(0), "of no rows"),
        FlightStreamChunk::metadata("after all"),
    ]
}

#[tokio::test]
async fn each_chunk_comes_as_it_was_sent() {
    let (_pair, mut reader) = reader_of(mixed()).await;
    let mut read = Vec::new();
    while let Some(chunk) = reader.read_chunk().await.unwrap() {
        read.push(chunk);
    }
    assert_eq!(read, mixed());
    assert_eq!(reader.stats().num_messages, 4, "the schema and three batches: metadata alone is not counted");
}

#[tokio::test]
async fn those_who_read_batches_do_not_see_metadata_alone() {
    let expected = [5, 3, 0].map(batches::int64);
    let (_pair, mut reader) = reader_of(mixed()).await;
    for batch in &expected {
        assert_eq!(reader.read_next().await.unwrap().as_ref(), Some(batch));
    }
    assert_eq!(reader.read_next().await.unwrap(), None);

    let (_pair, reader) = reader_of(mixed()).await;
    assert_eq!(reader.try_collect::<Vec<_>>().await.unwrap(), expected);
}

#[tokio::test]
async fn empty_metadata_is_none_and_an_empty_chunk_is_nothing() {
    let (_pair, mut reader) = reader_of(vec![
        FlightStreamChunk::metadata(Bytes::new()),
        FlightStreamChunk::default(),
        FlightStreamChunk::with_metadata(batches::int64(2), Bytes::new()),
    ])
    .await;
    assert_eq!(reader.read_chunk().await.unwrap(), Some(batches::int64(2).into()));
    assert_eq!(reader.read_chunk().await.unwrap(), None);
}

#[tokio::test]
async fn metadata_may_be_large() {
    let large: Bytes = (0..3 << 20).map(|at| (at % 251) as u8).collect();
    let sent =
        vec![FlightStreamChunk::with_metadata(batches::int64(5), large.clone()), FlightStreamChunk::metadata(large)];
    let (_pair, mut reader) = reader_of(sent.clone()).await;
    for chunk in sent {
        assert!(reader.read_chunk().await.unwrap() == Some(chunk));
    }
}

#[tokio::test]
async fn read_all_stops_where_pyarrow_does_and_loses_nothing() {
    let (_pair, mut reader) = reader_of(mixed()).await;
    let mut read = Vec::new();
    for (batches, metadata) in
        [(vec![], "before all"), (vec![5, 3], "between"), (vec![], "and more"), (vec![0], "after all")]
    {
        let table = reader.read_all().await.unwrap();
        assert_eq!(table.batches, batches.into_iter().map(batches::int64).collect::<Vec<_>>(), "{metadata}");
        read.push(reader.read_chunk().await.unwrap());
        assert_eq!(read.last(), Some(&Some(FlightStreamChunk::metadata(metadata))));
    }
    assert_eq!(reader.read_all().await.unwrap().batches, []);
    assert_eq!(reader.read_chunk().await.unwrap(), None);
}
