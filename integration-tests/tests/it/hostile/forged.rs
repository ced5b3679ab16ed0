//! Lengths that a peer states: those of compressed buffers, and those that reach a limit. Nothing is believed.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use peregrine::client::FlightClient;
use peregrine::ipc::{CompressionCodec, IpcWriteOptions};
use peregrine::proto::{Action, FlightData, FlightError, FlightErrorKind as Kind, Location, MessageLimits, Ticket};
use peregrine::server::FlightServer;
use peregrine_testkit::{MemoryService, Pair, batches};

use crate::support::bare_peer::{BarePeer, encoded, framed};

const CODECS: [CompressionCodec; 2] = [CompressionCodec::Lz4, CompressionCodec::Zstd];

/// A column of so many zeros, which compress well.
fn zeros(rows: usize) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from_value(0, rows));
    RecordBatch::try_from_iter([("zeros", column)]).unwrap()
}

fn compressed(batch: &RecordBatch, codec: CompressionCodec) -> Vec<FlightData> {
    encoded(batch.schema(), std::slice::from_ref(batch), IpcWriteOptions::default().with_compression(codec))
}

/// Where the first buffer of a batch that is not empty lies in its body.
fn first_buffer(message: &FlightData) -> usize {
    let message = arrow_ipc::root_as_message(&message.data_header).unwrap();
    let buffers = message.header_as_record_batch().unwrap().buffers().unwrap();
    buffers.iter().find(|buffer| buffer.length() > 0).unwrap().offset() as usize
}

/// Puts other bytes into a body.
fn patched(message: &FlightData, at: usize, bytes: &[u8]) -> FlightData {
    let mut body = message.data_body.to_vec();
    body[at..at + bytes.len()].copy_from_slice(bytes);
    FlightData { data_body: body.into(), ..message.clone() }
}

async fn read(client: &FlightClient) -> Result<Vec<RecordBatch>, FlightError> {
    Ok(client.do_get(Ticket::new("")).await?.read_all().await?.batches)
}

/// Serves messages, and good ones after them.
async fn error_of(messages: &[FlightData], limits: MessageLimits) -> FlightError {
    let bad: Vec<Bytes> = messages.iter().map(framed).collect();
    let good: Vec<Bytes> =
        encoded(batches::int64(1).schema(), &[], IpcWriteOptions::default()).iter().map(framed).collect();
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let script = move |_: &[u8]| match calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
        0 => bad.clone(),
        _ => good.clone(),
    };
    let peer = BarePeer::with_client(|client| client.message_limits(limits), script);
    let error = read(&peer.client).await.expect_err("hostile bytes are not read");
    assert_eq!(read(&peer.client).await.unwrap(), [], "the client goes on");
    error
}

#[tokio::test]
async fn forged_lengths_of_compressed_buffers_are_errors() {
    for codec in CODECS {
        let messages = compressed(&zeros(1000), codec);
        let (at, real) = (first_buffer(&messages[1]), 8000);
        for forged in [real - 1, real + 1, real * 2, 0, 1, -2, i64::MIN, i64::MAX, 1 << 31, 1 << 40, -1] {
            let forged_batch = patched(&messages[1], at, &forged.to_le_bytes());
            let error = error_of(&[messages[0].clone(), forged_batch], MessageLimits::default()).await;
            assert!(
                matches!(error.kind(), Kind::InvalidArgument | Kind::ResourceExhausted),
                "{codec} {forged}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn broken_compressed_bytes_are_errors() {
    for codec in CODECS {
        let messages = compressed(&zeros(1000), codec);
        let at = first_buffer(&messages[1]) + 8;
        for broken in [[0xff; 8], [0; 8], *b"not zstd"] {
            let error =
                error_of(&[messages[0].clone(), patched(&messages[1], at, &broken)], MessageLimits::default()).await;
            assert_eq!(error.kind(), Kind::InvalidArgument, "{codec}: {error}");
            assert!(error.message().contains("zeros"), "the column is named: {error}");
        }
    }
}

#[tokio::test]
async fn what_inflates_beyond_a_limit_is_refused() {
    for codec in CODECS {
        let messages = compressed(&zeros(1 << 20), codec);
        assert!(messages[1].data_body.len() < 100_000, "8 MiB are small on the wire");
        let buffer = MessageLimits { decompressed_buffer: (8 << 20) - 1, ..MessageLimits::default() };
        let message = MessageLimits { decompressed_message: (8 << 20) - 1, ..MessageLimits::default() };
        for limits in [buffer, message] {
            let error = error_of(&messages, limits).await;
            assert_eq!(error.kind(), Kind::ResourceExhausted, "{codec}: {error}");
        }
        let enough = MessageLimits { decompressed_buffer: 8 << 20, ..MessageLimits::default() };
        let frames: Vec<Bytes> = messages.iter().map(framed).collect();
        let peer = BarePeer::with_client(|client| client.message_limits(enough), move |_| frames.clone());
        assert!(read(&peer.client).await.unwrap() == [zeros(1 << 20)]);
    }
}

#[tokio::test]
async fn schemas_and_dictionaries_beyond_a_limit_are_refused() {
    let nested = (0..20).fold(DataType::Int8, |inner, _| DataType::new_list(inner, true));
    let deep = encoded(Schema::new(vec![Field::new("c", nested, true)]).into(), &[], IpcWriteOptions::default());
    let fields: Vec<_> = (0..100).map(|at| Field::new(format!("c{at}"), DataType::Int8, true)).collect();
    let wide = encoded(Schema::new(fields).into(), &[], IpcWriteOptions::default());
    let cities = batches::dictionaries();
    let cities = encoded(cities[0].schema(), &cities, IpcWriteOptions::default());
    let cases = [
        ("deep", &deep, MessageLimits { schema_depth: 10, ..MessageLimits::default() }),
        ("wide", &wide, MessageLimits { schema_fields: 99, ..MessageLimits::default() }),
        ("large", &wide, MessageLimits { header: 1000, ..MessageLimits::default() }),
        ("dictionaries", &cities, MessageLimits { dictionaries: 16, ..MessageLimits::default() }),
    ];
    for (name, messages, limits) in cases {
        let error = error_of(messages, limits).await;
        assert_eq!(error.kind(), Kind::ResourceExhausted, "{name}: {error}");
        assert_eq!(error.message().matches("limit").count(), 1, "{name}: {error}");
    }
}

#[tokio::test]
async fn messages_that_are_not_data_have_a_limit_of_their_own_at_both_ends() {
    let limits = MessageLimits { call_message: 10_000, ..MessageLimits::default() };
    let service = MemoryService::with("numbers", vec![batches::int64(10_000)]);
    let pair = Pair::with_server(FlightServer::builder().message_limits(limits.clone()), service);
    let strict = FlightClient::builder(Location::reuse_connection()).unwrap().connector(pair.connector());
    let strict = strict.message_limits(limits).build().unwrap();
    let echo = async |client: &FlightClient, size: usize| {
        client.do_action(Action::new("echo", vec![7; size])).await?.read_all().await
    };
    for client in [pair.client(), &strict] {
        assert_eq!(echo(client, 9_000).await.unwrap()[0].body().len(), 9_000);
        assert_eq!(echo(client, 20_000).await.unwrap_err().kind(), Kind::ResourceExhausted, "the server reads no more");
        // 320 KB of data are not held to it.
        let read = client.do_get(Ticket::new("numbers")).await.unwrap().read_all().await.unwrap();
        assert_eq!(read.batches, [batches::int64(10_000)]);
    }

    let pair = Pair::new(MemoryService::new());
    let strict = FlightClient::builder(Location::reuse_connection()).unwrap().connector(pair.connector());
    let limits = MessageLimits { call_message: 10_000, ..MessageLimits::default() };
    let strict = strict.message_limits(limits).build().unwrap();
    assert_eq!(echo(&strict, 20_000).await.unwrap_err().kind(), Kind::ResourceExhausted, "nor does the client");
    assert_eq!(echo(pair.client(), 20_000).await.unwrap()[0].body().len(), 20_000);
}
