//! A service around another one: it forwards the ten RPCs, and loses nothing, none of the actions that Flight defines
//! either.

use std::fmt::Debug;

use futures_util::stream;
use peregrine::client::FlightClient;
use peregrine::proto::{
    Action, ActionResult, ActionType, CloseSessionRequest, Criteria, FlightDescriptor, FlightEndpoint, FlightError,
    FlightInfo, GetSessionOptionsRequest, HandshakeRequest, HandshakeResponse, PollInfo, RenewFlightEndpointRequest,
    SchemaResult, SetSessionOptionsRequest, Ticket,
};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::{
    FlightDataStream, FlightMetadataWriter, FlightStreamReader, FlightStreamWriter, MessageStream,
};
use peregrine_testkit::{MemoryService, Pair, batches};

use super::defined_actions::{Typed, cancel};
use peregrine_testkit::one_rpc::Handshake;

/// Forwards every method of the trait.
struct Forward<S>(S);

impl<S: FlightService> FlightService for Forward<S> {
    async fn handshake(
        &self,
        context: ServerCallContext,
        requests: MessageStream<HandshakeRequest>,
    ) -> Result<MessageStream<HandshakeResponse>, FlightError> {
        self.0.handshake(context, requests).await
    }

    async fn list_flights(
        &self,
        context: ServerCallContext,
        criteria: Criteria,
    ) -> Result<MessageStream<FlightInfo>, FlightError> {
        self.0.list_flights(context, criteria).await
    }

    async fn get_flight_info(
        &self,
        context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, FlightError> {
        self.0.get_flight_info(context, descriptor).await
    }

    async fn poll_flight_info(
        &self,
        context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<PollInfo, FlightError> {
        self.0.poll_flight_info(context, descriptor).await
    }

    async fn get_schema(
        &self,
        context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<SchemaResult, FlightError> {
        self.0.get_schema(context, descriptor).await
    }

    async fn do_get(&self, context: ServerCallContext, ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        self.0.do_get(context, ticket).await
    }

    async fn do_put(
        &self,
        context: ServerCallContext,
        reader: FlightStreamReader,
        writer: FlightMetadataWriter,
    ) -> Result<(), FlightError> {
        self.0.do_put(context, reader, writer).await
    }

    async fn do_exchange(
        &self,
        context: ServerCallContext,
        reader: FlightStreamReader,
        writer: FlightStreamWriter,
    ) -> Result<(), FlightError> {
        self.0.do_exchange(context, reader, writer).await
    }

    async fn do_action(
        &self,
        context: ServerCallContext,
        action: Action,
    ) -> Result<MessageStream<ActionResult>, FlightError> {
        self.0.do_action(context, action).await
    }

    async fn list_actions(&self, context: ServerCallContext) -> Result<MessageStream<ActionType>, FlightError> {
        self.0.list_actions(context).await
    }
}

/// What a client saw of its calls, each by name.
#[derive(Debug, Default, PartialEq)]
struct Seen(Vec<(&'static str, Result<String, String>)>);

impl Seen {
    fn add<T: Debug>(&mut self, call: &'static str, result: Result<T, FlightError>) {
        let result = result.map(|value| format!("{value:?}"));
        self.0.push((call, result.map_err(|error| format!("{error} {:?}", error.extra_info()))));
    }

    fn successes(&self) -> Vec<&str> {
        self.0.iter().filter(|(_, result)| result.is_ok()).map(|(call, _)| *call).collect()
    }
}

/// Makes every call.
async fn every_call(client: &FlightClient) -> Seen {
    let (mut seen, trips) = (Seen::default(), || FlightDescriptor::for_path(["trips"]));
    let steps = stream::iter([HandshakeRequest::new("ada")]);
    seen.add("Handshake", async { client.handshake(steps).await?.read_all().await }.await);
    seen.add("ListFlights", async { client.list_flights(Criteria::default()).await?.read_all().await }.await);
    seen.add("GetFlightInfo", client.get_flight_info(trips()).await);
    seen.add("PollFlightInfo", client.poll_flight_info(trips()).await);
    seen.add("GetSchema", client.get_schema(trips()).await);
    seen.add("DoGet", async { client.do_get(Ticket::new("trips")).await?.read_all().await }.await);
    seen.add("DoPut", put(client).await);
    seen.add("DoExchange", exchange(client).await);
    let action = Action::new("echo", "hello");
    seen.add("DoAction", async { client.do_action(action).await?.read_all().await }.await);
    seen.add("ListActions", async { client.list_actions().await?.read_all().await }.await);
    defined_actions(client, &mut seen).await;
    seen
}

async fn put(client: &FlightClient) -> Result<Option<bytes::Bytes>, FlightError> {
    let batch = batches::int64(3);
    let (mut writer, mut results) = client.do_put(FlightDescriptor::for_path(["taxis"]), batch.schema()).await?;
    writer.write_with_metadata(&batch, "read").await?;
    let result = results.read().await?;
    writer.close().await?;
    Ok(result)
}

async fn exchange(client: &FlightClient) -> Result<Option<bytes::Bytes>, FlightError> {
    let (mut writer, mut reader) = client.do_exchange(FlightDescriptor::for_path(["x"])).await?;
    writer.write_metadata("hello").await?;
    let chunk = reader.read_chunk().await?;
    writer.close().await?;
    Ok(chunk.and_then(|chunk| chunk.app_metadata))
}

async fn defined_actions(client: &FlightClient, seen: &mut Seen) {
    seen.add("CancelFlightInfo", client.cancel_flight_info(&cancel("trips")).await);
    seen.add("CancelFlightInfo of another", client.cancel_flight_info(&cancel("taxis")).await);
    let renew = RenewFlightEndpointRequest::new(FlightEndpoint::new(Ticket::new("trips")));
    seen.add("RenewFlightEndpoint", client.renew_flight_endpoint(&renew).await);
    let set = SetSessionOptionsRequest::new([("a", 1.into()), ("bad", 2.into())]);
    seen.add("SetSessionOptions", client.set_session_options(&set).await);
    seen.add("GetSessionOptions", client.get_session_options(&GetSessionOptionsRequest).await);
    seen.add("CloseSession", client.close_session(&CloseSessionRequest).await);
    let broken = Action::new(ActionType::CANCEL_FLIGHT_INFO, &b"\xff\xff"[..]);
    seen.add("a body that cannot be read", async { client.do_action(broken).await?.read_all().await }.await);
}

/// The client sees the same of the service and of one that forwards to it, where these calls are successful.
async fn assert_loses_nothing<S: FlightService>(service: impl Fn() -> S, successes: &[&str]) {
    let alone = every_call(Pair::new(service()).client()).await;
    assert_eq!(alone.successes(), successes, "{alone:#?}");
    assert_eq!(every_call(Pair::new(Forward(service())).client()).await, alone);
    assert_eq!(every_call(Pair::new(Forward(Forward(service()))).client()).await, alone);
}

#[tokio::test]
async fn a_service_that_forwards_the_ten_rpcs_loses_nothing() {
    let memory = || MemoryService::with("trips", batches::one_per_type());
    let served = [
        "ListFlights",
        "GetFlightInfo",
        "PollFlightInfo",
        "GetSchema",
        "DoGet",
        "DoPut",
        "DoExchange",
        "DoAction",
        "ListActions",
        "CancelFlightInfo",
        "CancelFlightInfo of another",
    ];
    assert_loses_nothing(memory, &served).await;
    let handshake = |_, requests: MessageStream<HandshakeRequest>| async {
        let answers = requests.read_all().await?.into_iter().map(|step| HandshakeResponse::new(step.payload().clone()));
        Ok(MessageStream::from_iter(answers.collect::<Vec<_>>()))
    };
    assert_loses_nothing(|| Handshake(handshake), &["Handshake"]).await;
}

#[tokio::test]
async fn a_service_that_forwards_the_ten_rpcs_loses_none_of_the_actions_that_flight_defines() {
    let served = ["CancelFlightInfo", "RenewFlightEndpoint", "SetSessionOptions", "GetSessionOptions"];
    assert_loses_nothing(Typed::default, &served).await;
}
