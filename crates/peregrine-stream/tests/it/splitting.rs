//! DoGet of large batches: cut by rows under a target unless told otherwise, never where metadata belongs to them.

use arrow_array::RecordBatch;
use bytes::Bytes;
use futures_util::stream;
use peregrine_ipc::{CompressionCodec, IpcWriteOptions};
use peregrine_proto::{FlightError, FlightErrorKind, MessageLimits, Ticket};
use peregrine_stream::{FlightDataStream, FlightStreamChunk, FlightStreamReader, Table};
use peregrine_testkit::one_rpc::DoGet;
use peregrine_testkit::{Pair, batches};

/// What Go and arrow-rs read at most unless told otherwise.
const FOUR_MIB: usize = 4 << 20;

/// Reads with a client that takes no message over 4 MiB.
async fn strict_reader(pair: &Pair) -> FlightStreamReader {
    let limits = MessageLimits { message: FOUR_MIB, ..MessageLimits::default() };
    let client = pair.client_with(|client| client.message_limits(limits));
    client.do_get(Ticket::new("")).await.unwrap()
}

fn bytes_of(batch: &RecordBatch) -> u64 {
    batch.columns().iter().map(|column| column.get_buffer_memory_size() as u64).sum()
}

#[tokio::test]
async fn a_batch_of_a_million_rows_comes_in_messages_under_4_mib_and_equal() {
    let batch = batches::int64(1 << 20);
    let sent = batch.clone();
    let pair = Pair::new(DoGet(move |_, _| {
        let stream = FlightDataStream::from_batches(sent.schema(), [sent.clone()]);
        async { Ok(stream) }
    }));
    let read = strict_reader(&pair).await.read_all().await.unwrap();
    assert!((9..=16).contains(&read.batches.len()), "{} messages for 32 MiB", read.batches.len());
    let (_last, before) = read.batches.split_last().unwrap();
    assert!(before.iter().all(|batch| batch.num_rows().is_multiple_of(64)), "bitmaps are cut between bytes");
    assert!(read.to_batch().unwrap() == batch);
}

#[tokio::test]
async fn batches_of_every_type_are_equal_after_they_were_cut() {
    let schema = batches::one_per_type()[0].schema();
    let sent = Table::new(schema.clone(), [5000, 0, 777].map(|rows| batches::of_schema(&schema, rows)).into());
    let stream = sent.clone();
    let pair = Pair::new(DoGet(move |_, _| {
        let stream = FlightDataStream::from_batches(stream.schema.clone(), stream.batches.clone());
        async { Ok(stream.with_write_options(IpcWriteOptions::default().with_target_message_size(64 << 10))) }
    }));
    let read = pair.client().do_get(Ticket::new("")).await.unwrap().read_all().await.unwrap();
    assert!(read.batches.len() > 20, "{} messages", read.batches.len());
    assert!(read.batches.iter().any(|batch| batch.num_rows() == 0), "a batch without rows is one message");
    assert_eq!(read.to_batch().unwrap(), sent.to_batch().unwrap());
}

#[tokio::test]
async fn without_the_option_a_batch_is_one_message_of_any_size() {
    let batch = batches::int64(1 << 20);
    let sent = batch.clone();
    let pair = Pair::new(DoGet(move |_, _| {
        let stream = FlightDataStream::from_batches(sent.schema(), [sent.clone()]);
        async { Ok(stream.with_write_options(IpcWriteOptions::default())) }
    }));
    let mut reader = pair.client().do_get(Ticket::new("")).await.unwrap();
    assert!(reader.read_next().await.unwrap().unwrap() == batch);
    assert_eq!(reader.read_next().await.unwrap(), None);
    let stats = reader.stats();
    assert_eq!(stats.num_record_batches, 1);
    assert_eq!(stats.copied_bytes + stats.kept_bytes, 32 << 20);

    let error = strict_reader(&pair).await.read_next().await.unwrap_err();
    assert_eq!(error.kind(), FlightErrorKind::ResourceExhausted);
}

#[tokio::test]
async fn a_batch_with_metadata_is_never_cut() {
    let batch = batches::int64(1 << 18);
    let chunk = FlightStreamChunk::with_metadata(batch.clone(), "all of it");
    let pair = Pair::new(DoGet(move |_, _| {
        let chunks = stream::iter([Ok::<_, FlightError>(chunk.clone())]);
        let stream = FlightDataStream::from_chunks(batches::int64(0).schema(), chunks);
        async { Ok(stream) }
    }));
    let mut reader = pair.client().do_get(Ticket::new("")).await.unwrap();
    let read = reader.read_chunk().await.unwrap().unwrap();
    assert!(read.data.unwrap() == batch);
    assert_eq!(read.app_metadata, Some(Bytes::from("all of it")));
    assert_eq!(reader.read_chunk().await.unwrap(), None);
}

#[tokio::test]
async fn compressed_batches_are_smaller_on_the_wire_and_equal_behind_it() {
    for codec in [CompressionCodec::Lz4, CompressionCodec::Zstd] {
        let batch = batches::int64(1 << 16);
        let sent = batch.clone();
        let pair = Pair::new(DoGet(move |_, _| {
            let stream = FlightDataStream::from_batches(sent.schema(), [sent.clone()]);
            async move { Ok(stream.with_write_options(IpcWriteOptions::default().with_compression(codec))) }
        }));
        let mut reader = pair.client().do_get(Ticket::new("")).await.unwrap();
        assert!(reader.read_next().await.unwrap().unwrap() == batch, "{codec}");
        let stats = reader.stats();
        assert!(stats.copied_bytes + stats.kept_bytes < bytes_of(&batch) * 3 / 4, "{codec}: {stats:?}");
    }
}

#[tokio::test]
async fn every_type_survives_compression() {
    for codec in [CompressionCodec::Lz4, CompressionCodec::Zstd] {
        let pair = Pair::new(DoGet(move |_, _| {
            let sent = batches::one_per_type();
            let stream = FlightDataStream::from_batches(sent[0].schema(), sent);
            async move { Ok(stream.with_write_options(IpcWriteOptions::default().with_compression(codec))) }
        }));
        let read = pair.client().do_get(Ticket::new("")).await.unwrap().read_all().await.unwrap();
        assert_eq!(read.batches, batches::one_per_type(), "{codec}");
    }
}
