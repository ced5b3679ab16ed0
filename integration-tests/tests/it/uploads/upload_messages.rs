//! The messages of an upload in every order that other implementations send them in, and in orders that nobody should.

use bytes::{Buf, Bytes};
use peregrine::ipc::IpcWriteOptions;
use peregrine::proto::{Code, FlightData, FlightDescriptor, FlightMessage, FlightMethod, PutResult};
use peregrine_testkit::waiting::soon;
use peregrine_testkit::{MemoryService, Pair, batches};

use crate::support::bare_http::{Answer, BareClient};
use crate::support::bare_peer::encoded;

/// A service that serves one client of bare HTTP/2.
struct Peer {
    service: MemoryService,
    client: BareClient,
    _pair: Pair,
}

impl Peer {
    async fn new() -> Self {
        let service = MemoryService::new();
        let pair = Pair::new(service.clone());
        let client = BareClient::connect(&pair).await;
        Self { service, client, _pair: pair }
    }

    async fn call(&self, method: FlightMethod, messages: &[FlightData]) -> Answer {
        let messages: Vec<Bytes> = messages.iter().map(FlightData::serialize).collect();
        let messages: Vec<&[u8]> = messages.iter().map(Bytes::as_ref).collect();
        soon(self.client.call(method, &messages)).await
    }

    /// An upload that must go well. Gives its acknowledgements.
    async fn upload(&self, messages: &[FlightData]) -> Vec<Bytes> {
        let answer = self.call(FlightMethod::DoPut, messages).await;
        assert_eq!(answer.grpc_status(), Some(Code::Ok), "{answer:?}");
        let results = messages_of(answer.data.freeze());
        results.into_iter().map(|result| PutResult::deserialize(result).unwrap().app_metadata().clone()).collect()
    }

    /// An upload, or an exchange, that must be refused, and leaves nothing.
    async fn assert_refused(&self, messages: &[FlightData], code: Code, says: &str) {
        for method in [FlightMethod::DoPut, FlightMethod::DoExchange] {
            let answer = self.call(method, messages).await;
            assert_eq!(answer.grpc_status(), Some(code), "{method} {answer:?}");
            assert!(answer.grpc_message().contains(says), "{method} {answer:?}");
            assert_eq!(self.service.table("up"), None);
        }
        self.upload(&plain()).await;
        assert!(self.service.table("up").is_some(), "the next one is served");
        self.service.remove("up");
    }
}

/// The messages of a body without their prefixes.
fn messages_of(mut body: Bytes) -> Vec<Bytes> {
    let mut messages = Vec::new();
    while body.has_remaining() {
        assert_eq!(body.get_u8(), 0, "not compressed");
        let length = body.get_u32() as usize;
        messages.push(body.split_to(length));
    }
    messages
}

fn up() -> Option<FlightDescriptor> {
    Some(FlightDescriptor::for_path(["up"]))
}

/// A descriptor alone.
fn descriptor() -> FlightData {
    FlightData { flight_descriptor: up(), ..FlightData::default() }
}

/// Metadata alone.
fn metadata(text: &'static str) -> FlightData {
    FlightData { app_metadata: Bytes::from_static(text.as_bytes()), ..FlightData::default() }
}

/// A schema and two batches, without a descriptor.
fn data() -> [FlightData; 3] {
    let batch = batches::int64(5);
    encoded(batch.schema(), &[batch.clone(), batch], IpcWriteOptions::default()).try_into().unwrap()
}

/// What every implementation sends: the descriptor with the schema, then the batches.
fn plain() -> Vec<FlightData> {
    let [schema, first, second] = data();
    vec![FlightData { flight_descriptor: up(), ..schema }, first, second]
}

#[tokio::test]
async fn the_descriptor_may_come_alone_with_the_schema_or_both() {
    let [schema, first, second] = data();
    let named = FlightData { flight_descriptor: up(), ..schema.clone() };
    for beginning in [
        vec![named.clone()],
        vec![descriptor(), schema.clone()],
        vec![descriptor(), named.clone()],
        vec![descriptor(), descriptor(), schema],
    ] {
        let peer = Peer::new().await;
        let messages = [&beginning[..], &[first.clone(), second.clone()]].concat();
        assert!(peer.upload(&messages).await.is_empty());
        assert_eq!(peer.service.table("up").unwrap().batches, [batches::int64(5), batches::int64(5)]);
    }
}

/// The descriptor of an upload is that of its first message: a later one does not change where it goes.
#[tokio::test]
async fn a_second_descriptor_does_not_redirect_an_upload() {
    let peer = Peer::new().await;
    let [schema, first, _] = data();
    let other = Some(FlightDescriptor::for_path(["elsewhere"]));
    let messages = [descriptor(), schema, FlightData { flight_descriptor: other, ..first }];
    peer.upload(&messages).await;
    assert_eq!((peer.service.table("up").is_some(), peer.service.table("elsewhere")), (true, None));
}

#[tokio::test]
async fn metadata_may_stand_before_the_schema_and_between_and_behind_batches() {
    let peer = Peer::new().await;
    let [schema, first, second] = data();
    let both = FlightData { app_metadata: Bytes::from_static(b"with a batch"), ..first };
    let messages = [
        descriptor(),
        metadata("first"),
        schema,
        metadata("before"),
        both,
        metadata("between"),
        second,
        metadata("last"),
    ];
    let acknowledged = peer.upload(&messages).await;
    assert_eq!(acknowledged, ["first", "before", "with a batch", "between", "last"]);
    assert_eq!(peer.service.table("up").unwrap().batches, [batches::int64(5), batches::int64(5)]);
}

#[tokio::test]
async fn the_first_message_may_carry_metadata_and_descriptor() {
    let peer = Peer::new().await;
    let messages = [&[FlightData { flight_descriptor: up(), ..metadata("first") }], &data()[..]].concat();
    assert_eq!(peer.upload(&messages).await, ["first"]);
}

#[tokio::test]
async fn messages_of_nothing_are_passed_over() {
    let peer = Peer::new().await;
    let [schema, first, second] = data();
    let nothing = FlightData::default;
    assert!(
        peer.upload(&[descriptor(), nothing(), schema, nothing(), first, nothing(), second, nothing()])
            .await
            .is_empty()
    );
    assert_eq!(peer.service.table("up").unwrap().batches.len(), 2);
}

/// Empty metadata is none, and fields of later versions are nobody's business.
#[tokio::test]
async fn empty_metadata_and_unknown_fields_are_passed_over() {
    let peer = Peer::new().await;
    let messages: Vec<Bytes> = plain().iter().map(FlightData::serialize).collect();
    let odd = messages.iter().map(|message| [&b"\x1a\x00\xa2\x06\x03new"[..], message].concat());
    let odd: Vec<Vec<u8>> = odd.collect();
    let answer = soon(peer.client.call(FlightMethod::DoPut, &odd.iter().map(Vec::as_slice).collect::<Vec<_>>())).await;
    assert_eq!((answer.grpc_status(), answer.data.is_empty()), (Some(Code::Ok), true), "{answer:?}");
    assert_eq!(peer.service.table("up").unwrap().batches.len(), 2);
}

#[tokio::test]
async fn metadata_comes_back_in_an_exchange_wherever_it_stands() {
    let peer = Peer::new().await;
    let [schema, first, _] = data();
    let messages = [descriptor(), metadata("first"), schema, first, metadata("last")];
    let answer = peer.call(FlightMethod::DoExchange, &messages).await;
    assert_eq!(answer.grpc_status(), Some(Code::Ok), "{answer:?}");
    let answers = messages_of(answer.data.freeze());
    let answers: Vec<_> = answers.into_iter().map(|message| FlightData::deserialize(message).unwrap()).collect();
    let kinds: Vec<_> = answers.iter().map(|data| (data.data_header.is_empty(), &data.app_metadata[..])).collect();
    assert_eq!(kinds, [(true, &b"first"[..]), (false, b""), (false, b""), (true, b"last")]);
}

#[tokio::test]
async fn an_upload_without_a_descriptor_is_refused() {
    let peer = Peer::new().await;
    peer.assert_refused(&data(), Code::InvalidArgument, "descriptor").await;
    // Too late.
    let [schema, first, _] = data();
    peer.assert_refused(&[schema, descriptor(), first], Code::InvalidArgument, "descriptor").await;
    peer.assert_refused(&[metadata("first"), descriptor()], Code::InvalidArgument, "descriptor").await;
}

#[tokio::test]
async fn an_upload_that_ends_before_its_first_message_is_refused() {
    let peer = Peer::new().await;
    peer.assert_refused(&[], Code::InvalidArgument, "before its first message").await;
}

#[tokio::test]
async fn an_upload_that_ends_before_its_schema_is_refused() {
    let peer = Peer::new().await;
    for messages in [vec![descriptor()], vec![descriptor(), metadata("alone")]] {
        let answer = peer.call(FlightMethod::DoPut, &messages).await;
        assert_eq!(answer.grpc_status(), Some(Code::InvalidArgument), "{answer:?}");
        assert!(answer.grpc_message().contains("without a schema"), "{answer:?}");
        assert_eq!(peer.service.table("up"), None);
    }
}

#[tokio::test]
async fn a_batch_before_the_schema_is_refused() {
    let peer = Peer::new().await;
    let [schema, first, _] = data();
    peer.assert_refused(&[descriptor(), first, schema], Code::InvalidArgument, "schema").await;
}

#[tokio::test]
async fn a_schema_may_come_again_but_not_another() {
    let peer = Peer::new().await;
    let [schema, first, second] = data();
    peer.upload(&[descriptor(), schema.clone(), first.clone(), schema.clone(), second]).await;
    assert_eq!(peer.service.table("up").unwrap().batches.len(), 2);
    peer.service.remove("up");

    let other = batches::one_per_type().remove(0);
    let other = encoded(other.schema(), &[], IpcWriteOptions::default()).remove(0);
    peer.assert_refused(&[descriptor(), schema, first, other], Code::InvalidArgument, "schema").await;
}
