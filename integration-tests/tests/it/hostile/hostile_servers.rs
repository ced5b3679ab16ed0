//! Servers that break the rules of DoGet: a plain error on that call, and the client goes on, on the same connection.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use bytes::{BufMut, Bytes, BytesMut};
use peregrine::ipc::IpcWriteOptions;
use peregrine::proto::{FlightData, FlightErrorKind as Kind, FlightMessage, MessageLimits, Ticket};
use peregrine_testkit::batches;
use peregrine_testkit::waiting::soon;

use crate::support::bare_http::prefixed;
use crate::support::bare_peer::{BarePeer, encoded, framed};

/// What a server sends, how many batches come before the error, and the error.
struct Case {
    name: &'static str,
    sent: Vec<Bytes>,
    batches: usize,
    kind: Kind,
    says: &'static str,
}

fn case(name: &'static str, sent: Vec<Bytes>, batches: usize, kind: Kind, says: &'static str) -> Case {
    Case { name, sent, batches, kind, says }
}

fn all_framed(messages: &[FlightData]) -> Vec<Bytes> {
    messages.iter().map(framed).collect()
}

fn metadata_alone(count: usize) -> Vec<Bytes> {
    all_framed(&vec![metadata("x"); count])
}

/// The schema, a batch, a batch.
fn good() -> Vec<FlightData> {
    let batch = batches::int64(100);
    encoded(batch.schema(), &[batch.clone(), batch], IpcWriteOptions::default())
}

/// The schema, a dictionary, two batches, a dictionary, a batch.
fn cities() -> Vec<FlightData> {
    let cities = batches::dictionaries();
    encoded(cities[0].schema(), &cities, IpcWriteOptions::default())
}

/// Runs each case, and a good call after each.
async fn check(cases: Vec<Case>) {
    let scripts: HashMap<_, _> = cases.iter().map(|case| (case.name.as_bytes().to_vec(), case.sent.clone())).collect();
    let good = all_framed(&good());
    let limits = MessageLimits { message: 1 << 20, ..MessageLimits::default() };
    let peer = BarePeer::with_client(
        |client| client.message_limits(limits),
        move |ticket| scripts.get(ticket).unwrap_or(&good).clone(),
    );
    for case in cases {
        let mut read = 0;
        let error = async {
            let mut reader = peer.client.do_get(Ticket::new(case.name)).await?;
            while reader.read_next().await?.is_some() {
                read += 1;
            }
            Ok::<_, peregrine::proto::FlightError>(())
        };
        let Err(error) = soon(error).await else { panic!("{}: it ended well", case.name) };
        assert_eq!(error.kind(), case.kind, "{}: {error}", case.name);
        assert!(error.message().contains(case.says), "{}: {error}", case.name);
        assert_eq!(read, case.batches, "{}: batches before the error", case.name);
        let after = peer.client.do_get(Ticket::new("good")).await.unwrap().read_all().await.unwrap();
        assert_eq!(after.batches, [batches::int64(100), batches::int64(100)], "after {}", case.name);
    }
}

#[tokio::test]
async fn messages_out_of_order_are_errors() {
    let (good, cities) = (good(), cities());
    let other_schema = batches::one_per_type()[0].schema();
    let other_schema = encoded(other_schema, &[], IpcWriteOptions::default());
    let with_schema = |message: &FlightData| all_framed(&[good[0].clone(), message.clone()]);
    check(vec![
        case("nothing", vec![], 0, Kind::Internal, "without a schema"),
        case("metadata alone", all_framed(&[metadata("x")]), 0, Kind::Internal, "without a schema"),
        case("metadata for ever", metadata_alone(5000), 0, Kind::ResourceExhausted, "too much metadata"),
        case("batch first", all_framed(&good[1..]), 0, Kind::InvalidArgument, "record batch came before the schema"),
        case("dictionary first", all_framed(&cities[1..]), 0, Kind::InvalidArgument, "came before the schema"),
        case(
            "another schema",
            all_framed(&[good[0].clone(), good[1].clone(), other_schema[0].clone()]),
            1,
            Kind::InvalidArgument,
            "schema",
        ),
        case("unknown dictionary", with_schema(&cities[1]), 0, Kind::InvalidArgument, "dictionary of id"),
        case(
            "dictionary that never comes",
            all_framed(&[cities[0].clone(), cities[2].clone()]),
            0,
            Kind::InvalidArgument,
            "never sent",
        ),
        case("batch of another schema", with_schema(&cities[2]), 0, Kind::InvalidArgument, ""),
    ])
    .await;
}

fn metadata(text: &'static str) -> FlightData {
    FlightData { app_metadata: text.into(), ..FlightData::default() }
}

#[tokio::test]
async fn headers_and_bodies_that_lie_are_errors() {
    let good = good();
    let after_good = |message: FlightData| all_framed(&[good[0].clone(), good[1].clone(), message]);
    let body = |data_body: Bytes| FlightData { data_body, ..good[2].clone() };
    let header = |data_header: Bytes| FlightData { data_header, ..good[2].clone() };
    let mut flipped = good[2].data_header.to_vec();
    flipped.iter_mut().for_each(|byte| *byte ^= 0x55);
    check(vec![
        case("header of ones", after_good(header(vec![0xff; 64].into())), 1, Kind::InvalidArgument, "header"),
        // Which is a message of the first version of the format.
        case("header of zeros", after_good(header(vec![0; 64].into())), 1, Kind::Unimplemented, "version"),
        case("header of a byte", after_good(header(vec![1].into())), 1, Kind::InvalidArgument, "header"),
        case("flipped header", after_good(header(flipped.into())), 1, Kind::InvalidArgument, ""),
        case("cut header", after_good(header(good[2].data_header.slice(..40))), 1, Kind::InvalidArgument, ""),
        case("no body", after_good(body(Bytes::new())), 1, Kind::InvalidArgument, "states a body"),
        case("short body", after_good(body(good[2].data_body.slice(1..))), 1, Kind::InvalidArgument, "states a body"),
        case("keys without values", keys_without_values(), 0, Kind::InvalidArgument, ""),
    ])
    .await;
}

/// A dictionary of two values under keys up to five.
fn keys_without_values() -> Vec<Bytes> {
    let of = |keys: Vec<i32>, values: Vec<&str>| {
        let values: ArrayRef = Arc::new(StringArray::from(values));
        let array: ArrayRef = Arc::new(DictionaryArray::new(Int32Array::from(keys), values));
        let field = Field::new("c", DataType::Dictionary(DataType::Int32.into(), DataType::Utf8.into()), false);
        let batch = RecordBatch::try_new(Schema::new(vec![field]).into(), vec![array]).unwrap();
        encoded(batch.schema(), &[batch], IpcWriteOptions::default())
    };
    let (large, small) = (of(vec![5], vec!["a", "b", "c", "d", "e", "f"]), of(vec![0], vec!["a", "b"]));
    all_framed(&[large[0].clone(), small[1].clone(), large[2].clone()])
}

/// A FlightData message of fields that a test writes by hand.
fn by_hand(schema: &FlightData, fields: &[u8]) -> Vec<Bytes> {
    vec![framed(schema), prefixed(fields)]
}

#[tokio::test]
async fn protobuf_and_grpc_that_lie_are_errors() {
    let good = good();
    let schema = &good[0];
    let prefix = |flag: u8, length: u32| {
        let mut bytes = BytesMut::new();
        bytes.put_u8(flag);
        bytes.put_u32(length);
        vec![framed(schema), bytes.freeze()]
    };
    let whole = good[1].serialize();
    let mut cut = all_framed(&good[..2]);
    cut.push(framed(&good[2]).slice(..300));
    // Field 1000 is the body: its tag is c2 3e.
    check(vec![
        case("body longer than its message", by_hand(schema, b"\xc2\x3e\x7f123"), 0, Kind::InvalidArgument, ""),
        case(
            "body of 2^63 bytes",
            by_hand(schema, b"\xc2\x3e\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
            0,
            Kind::InvalidArgument,
            "",
        ),
        case("endless varint", by_hand(schema, &[0xff; 64]), 0, Kind::InvalidArgument, ""),
        case("a tag and no more", by_hand(schema, b"\xc2\x3e"), 0, Kind::InvalidArgument, ""),
        case("a field of no type", by_hand(schema, b"\x0f1234"), 0, Kind::InvalidArgument, ""),
        case("bytes of a picture", by_hand(schema, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), 0, Kind::InvalidArgument, ""),
        case("a message cut short", by_hand(schema, &whole[..whole.len() / 2]), 0, Kind::InvalidArgument, ""),
        case("a stream cut in a body", cut, 1, Kind::Internal, "inside a message"),
        case(
            "a stream cut in a prefix",
            vec![framed(schema), Bytes::from_static(b"\0\0")],
            0,
            Kind::Internal,
            "inside",
        ),
        case("over the limit", prefix(0, (1 << 20) + 1), 0, Kind::ResourceExhausted, "over the limit"),
        case("of 4 GiB", prefix(0, u32::MAX), 0, Kind::ResourceExhausted, "over the limit"),
        case("compressed", prefix(1, 10), 0, Kind::Internal, "compressed"),
        case("of a flag", prefix(0x80, 10), 0, Kind::Internal, "flag"),
    ])
    .await;
}

#[tokio::test]
async fn what_is_odd_and_harms_nobody_is_read() {
    let good = good();
    let unknown_fields = |message: &FlightData| {
        let mut bytes = BytesMut::from(&b"\x28\x96\x01\x9a\x06\x03abc"[..]);
        bytes.extend_from_slice(&message.serialize());
        prefixed(&bytes)
    };
    let streams = [
        // Empty messages, everywhere.
        vec![prefixed(b""), framed(&good[0]), prefixed(b""), framed(&good[1]), framed(&good[2]), prefixed(b"")],
        // Metadata before the schema, which C++ throws away.
        [vec![framed(&metadata("early"))], all_framed(&good)].concat(),
        // The schema again, as it was.
        all_framed(&[good[0].clone(), good[1].clone(), good[0].clone(), good[2].clone()]),
        // Fields of a later version of the protocol.
        good.iter()
            .skip(1)
            .fold(vec![framed(&good[0])], |sent, message| [sent, vec![unknown_fields(message)]].concat()),
        // A body with bytes behind those that its header states.
        good.iter()
            .map(|message| {
                let longer = [&message.data_body[..], &[0; 64]].concat();
                framed(&FlightData { data_body: longer.into(), ..message.clone() })
            })
            .collect(),
    ];
    for (number, stream) in streams.into_iter().enumerate() {
        let peer = BarePeer::new(move |_| stream.clone());
        let read = async { peer.client.do_get(Ticket::new("")).await?.read_all().await };
        assert_eq!(read.await.unwrap().batches, [batches::int64(100), batches::int64(100)], "stream {number}");
    }
}
