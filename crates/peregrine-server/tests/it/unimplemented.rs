//! What a service does not have, and what is no call at all.

use futures_util::stream;
use peregrine_proto::{
    Action, Code, Criteria, Empty, FlightData, FlightDescriptor, FlightError, FlightErrorKind, FlightMessage,
    FlightMethod, HandshakeRequest, Location, Ticket,
};
use peregrine_server::FlightService;
use peregrine_stream::MessageStream;
use peregrine_testkit::{MemoryService, Pair, batches};
use peregrine_transport::{CallStart, Channel, ChannelConfig, Outgoing, Status, frame_message};

struct Nothing;

impl FlightService for Nothing {}

/// Calls a method by its path with a request that every method understands or ignores.
async fn call(channel: &Channel, path: &str) -> Status {
    let upload = FlightData { flight_descriptor: Some(FlightDescriptor::for_path(["x"])), ..FlightData::default() };
    let request = match path.rsplit('/').next() {
        Some("GetFlightInfo" | "PollFlightInfo" | "GetSchema") => FlightDescriptor::for_path(["x"]).serialize(),
        Some("DoPut" | "DoExchange") => upload.serialize(),
        _ => Empty.serialize(),
    };
    let request = Outgoing::whole(frame_message(request).unwrap());
    match channel.call(CallStart::new(path.to_owned()), request).await {
        Err(status) => status,
        Ok(mut reply) => loop {
            match reply.next_message().await {
                Some(Ok(_)) => {}
                Some(Err(status)) => break status,
                None => break Status::ok(),
            }
        },
    }
}

fn channel(pair: &Pair) -> Channel {
    Channel::new(Location::reuse_connection(), pair.connector(), ChannelConfig::default()).unwrap()
}

/// The error may come from the call, or be the first thing in its stream.
async fn assert_streams<T: FlightMessage>(answer: Result<MessageStream<T>, FlightError>, method: FlightMethod) {
    let read = async { answer?.read_all().await.map(drop) };
    assert_names(read.await, method);
}

#[track_caller]
fn assert_names<T>(answer: Result<T, FlightError>, method: FlightMethod) {
    let Err(error) = answer else { panic!("{method} answered") };
    assert_eq!(error.kind(), FlightErrorKind::Unimplemented, "{method}: {error}");
    assert!(error.message().contains(method.name()), "{method}: {error}");
}

#[tokio::test]
async fn every_rpc_that_a_service_does_not_have_is_unimplemented_and_named() {
    let pair = Pair::new(Nothing);
    let client = pair.client();
    let descriptor = || FlightDescriptor::for_path(["x"]);
    assert_streams(client.handshake(stream::iter([HandshakeRequest::new("")])).await, FlightMethod::Handshake).await;
    assert_streams(client.list_flights(Criteria::default()).await, FlightMethod::ListFlights).await;
    assert_names(client.get_flight_info(descriptor()).await, FlightMethod::GetFlightInfo);
    assert_names(client.poll_flight_info(descriptor()).await, FlightMethod::PollFlightInfo);
    assert_names(client.get_schema(descriptor()).await, FlightMethod::GetSchema);
    assert_names(client.do_get(Ticket::new("")).await, FlightMethod::DoGet);
    let (mut writer, mut results) = client.do_put(descriptor(), batches::int64(0).schema()).await.unwrap();
    assert_names(results.read().await, FlightMethod::DoPut);
    assert_names(writer.close().await, FlightMethod::DoPut);
    let (mut writer, mut reader) = client.do_exchange(descriptor()).await.unwrap();
    assert_names(reader.schema().await, FlightMethod::DoExchange);
    assert_names(writer.close().await, FlightMethod::DoExchange);
    assert_streams(client.do_action(Action::new("x", "")).await, FlightMethod::DoAction).await;
    assert_streams(client.list_actions().await, FlightMethod::ListActions).await;
}

#[tokio::test]
async fn all_ten_methods_of_the_protocol_are_known() {
    let pair = Pair::new(Nothing);
    let channel = channel(&pair);
    for method in FlightMethod::ALL {
        let status = call(&channel, method.path()).await;
        assert_eq!(status.code(), Code::Unimplemented, "{method}: {status}");
        assert!(status.message().contains(method.name()), "{method}: {status}");
    }
}

#[tokio::test]
async fn an_unknown_path_is_unimplemented_and_the_connection_serves_on() {
    let pair = Pair::new(MemoryService::new());
    let channel = channel(&pair);
    for path in ["/arrow.flight.protocol.FlightService/DoFly", "/arrow.flight.protocol.FlightService/", "/x/DoGet", "/"]
    {
        let status = call(&channel, path).await;
        assert_eq!(status.code(), Code::Unimplemented, "{path}: {status}");
        assert!(status.message().contains(path), "{path}: {status}");
    }
    assert!(call(&channel, FlightMethod::ListActions.path()).await.is_ok());
}
