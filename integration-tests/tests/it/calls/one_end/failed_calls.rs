//! Calls that their handler fails: by errors, by panics, or because there is none.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use http::HeaderMap;
use peregrine::client::FlightClient;
use peregrine::proto::{
    Action, ActionResult, Code, FlightDescriptor, FlightError, FlightErrorKind, FlightInfo, Location, Outcome, Ticket,
};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::{
    FlightDataStream, FlightMetadataWriter, FlightStreamReader, FlightStreamWriter, MessageStream,
};
use peregrine::transport::{CallObserver, CallStart, Channel, ChannelConfig, Mutex, Outgoing, Status, frame_message};
use peregrine_testkit::one_rpc::{DoAction, DoExchange, DoGet, DoPut, GetFlightInfo};
use peregrine_testkit::{Pair, batches};

use crate::support::marked::mark;
use crate::support::recorded::{Decisions, Ends, Recorded, recording_client};
use crate::support::recorder::{Record, headers};

fn torn() -> FlightError {
    FlightError::failed("torn").with_extra_info(&b"page 7"[..])
}

/// The trailers are those that were sent, at both ends. Those of the error are among them.
#[track_caller]
fn assert_marked(client: &Outcome, server: &Outcome) {
    assert_eq!(client.trailers, server.trailers);
    assert_eq!(["x-tenant", "x-started-by"].map(|name| &client.trailers[name]), ["north", "inner"]);
    assert!(!client.trailers.contains_key("grpc-status") && !client.trailers.contains_key("grpc-message"));
}

#[track_caller]
fn assert_torn(method: &str, ends: &Ends) {
    let (client, server) = ends.answered(method);
    for outcome in [client, server] {
        let error = outcome.error.as_ref().unwrap();
        assert_eq!((outcome.code, error.kind(), error.message()), (Code::Unknown, FlightErrorKind::Failed, "torn"));
        assert_eq!(error.extra_info(), "page 7");
        let marks = [("x-caller", "secret"), ("x-outer", "was here"), ("x-inner", "was here")];
        assert_eq!(outcome.headers, headers(marks), "{method}");
    }
    assert_marked(client, server);
    assert_eq!((client.sent, client.received), (server.received, server.sent), "{method}");
}

#[tokio::test(start_paused = true)]
async fn an_error_before_the_first_message() {
    let calls = Recorded::new(DoGet(|context: ServerCallContext, _| async move {
        mark(&context)?;
        Err::<FlightDataStream, _>(torn())
    }));
    assert_eq!(calls.client.do_get(Ticket::new("")).await.unwrap_err().message(), "torn");
    let ends = calls.finish().await;
    assert_torn("DoGet", &ends);
    assert_eq!(ends.answered("DoGet").0.received.messages, 0);
}

#[tokio::test(start_paused = true)]
async fn an_error_behind_some_messages() {
    let calls = Recorded::new(DoGet(|context: ServerCallContext, _| async move {
        mark(&context)?;
        let items = stream::iter([Ok(batches::int64(1)), Ok(batches::int64(2)), Err(torn())]);
        Ok(FlightDataStream::from_stream(batches::int64(0).schema(), items))
    }));
    let mut reader = calls.client.do_get(Ticket::new("")).await.unwrap();
    assert_eq!(reader.read_all().await.unwrap_err().message(), "torn");
    let ends = calls.finish().await;
    assert_torn("DoGet", &ends);
    let received = ends.answered("DoGet").0.received;
    assert_eq!((received.messages, received.rows), (3, 3));
}

async fn acknowledge_one(
    context: ServerCallContext,
    mut reader: FlightStreamReader,
    mut writer: FlightMetadataWriter,
) -> Result<(), FlightError> {
    mark(&context)?;
    reader.read_next().await?;
    writer.write("one").await?;
    Err(torn())
}

#[tokio::test(start_paused = true)]
async fn an_error_of_an_upload() {
    let calls = Recorded::new(DoPut(acknowledge_one));
    let (path, schema) = (FlightDescriptor::for_path(["x"]), batches::int64(0).schema());
    let (mut writer, mut reader) = calls.client.do_put(path, schema).await.unwrap();
    writer.write_batch(&batches::int64(5)).await.unwrap();
    assert_eq!(reader.read().await.unwrap().unwrap(), "one");
    assert_eq!(reader.read().await.unwrap_err().message(), "torn");
    assert_eq!(writer.close().await.unwrap_err().message(), "torn");
    let ends = calls.finish().await;
    assert_torn("DoPut", &ends);
    assert_eq!(ends.answered("DoPut").1.received.rows, 5);
}

async fn echo_one(
    context: ServerCallContext,
    mut reader: FlightStreamReader,
    mut writer: FlightStreamWriter,
) -> Result<(), FlightError> {
    mark(&context)?;
    writer.begin(reader.schema().await?).await?;
    writer.write_batch(&reader.read_next().await?.unwrap()).await?;
    Err(torn())
}

#[tokio::test(start_paused = true)]
async fn an_error_of_an_exchange() {
    let calls = Recorded::new(DoExchange(echo_one));
    let (mut writer, mut reader) = calls.client.do_exchange(FlightDescriptor::for_path(["x"])).await.unwrap();
    writer.begin(batches::int64(0).schema()).await.unwrap();
    writer.write_batch(&batches::int64(5)).await.unwrap();
    assert_eq!(reader.read_next().await.unwrap().unwrap(), batches::int64(5));
    assert_eq!(reader.read_next().await.unwrap_err().message(), "torn");
    assert_torn("DoExchange", &calls.finish().await);
}

#[tokio::test(start_paused = true)]
async fn a_response_of_trailers_alone() {
    let (record, pair) = (
        Record::default(),
        Pair::new(DoGet(|context: ServerCallContext, _| async move {
            context.add_trailer("x-why", "because")?;
            Err::<FlightDataStream, _>(torn())
        })),
    );
    let client = pair.client_with(|client| recording_client(client, &record, Decisions::default()));
    client.do_get(Ticket::new("")).await.unwrap_err();
    let seen = record.seen();
    let outcome = seen.client_call("DoGet", false);
    assert_eq!((&outcome.headers, &outcome.trailers["x-why"]), (&HeaderMap::new(), &"because".parse().unwrap()));
    assert_eq!(outcome.error.as_ref().unwrap().extra_info(), "page 7");
}

/// A client's call below Flight, which may name any method.
#[derive(Default)]
struct Watched(Mutex<Vec<String>>);

impl CallObserver for Watched {
    fn on_headers(&self, headers: &HeaderMap) {
        self.0.lock().push(format!("headers {:?}", headers.get("x-inner")));
    }

    fn on_end(&self, status: &Status) {
        self.0.lock().push(format!("ended {}: {}", status.code(), status.message()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_method_that_does_not_exist() {
    for path in ["/arrow.flight.protocol.FlightService/DoNothing", "/other.Service/DoNothing"] {
        let calls = Recorded::new(DoGet(|_, _| async { Err::<FlightDataStream, _>(torn()) }));
        let location = Location::reuse_connection();
        let channel = Channel::new(location, calls.pair.connector(), ChannelConfig::default()).unwrap();
        let watched = Arc::new(Watched::default());
        let start = CallStart { observer: Some(watched.clone()), ..CallStart::new(path) };
        let request = Outgoing::whole(frame_message(bytes::Bytes::from("x")).unwrap());
        let mut messages = channel.call(start, request).await.unwrap();
        let status = messages.next_message().await.unwrap().unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented);
        let message = format!("no method {path}");
        let expected = ["headers Some(\"was here\")".to_owned(), format!("ended UNIMPLEMENTED: {message}")];
        assert_eq!(*watched.0.lock(), expected);
        let ends = calls.finish().await;
        let server = ends.server.server_call("DoNothing", true);
        assert_eq!((server.code, server.error.as_ref().unwrap().message()), (Code::Unimplemented, &*message));
    }
}

/// Panics where the ticket says.
struct Panics;

impl FlightService for Panics {
    async fn do_get(&self, context: ServerCallContext, ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        mark(&context)?;
        assert_ne!(ticket.ticket(), "handler", "a secret");
        let items = stream::iter([Ok::<_, FlightError>(batches::int64(1))]);
        let items = items.chain(stream::once(async { panic!("a secret") }));
        Ok(FlightDataStream::from_stream(batches::int64(0).schema(), items))
    }

    async fn do_put(
        &self,
        context: ServerCallContext,
        mut reader: FlightStreamReader,
        _: FlightMetadataWriter,
    ) -> Result<(), FlightError> {
        mark(&context)?;
        reader.read_next().await?;
        panic!("a secret")
    }
}

#[track_caller]
fn assert_panicked(method: &str, ends: &Ends) {
    let (client, server) = ends.answered(method);
    for outcome in [client, server] {
        assert_eq!(outcome.code, Code::Internal, "{method}");
        assert_eq!(outcome.error.as_ref().unwrap().message(), "the handler of this call panicked");
    }
    assert_marked(client, server);
}

async fn read(client: &FlightClient, ticket: &'static str) -> Result<(), FlightError> {
    client.do_get(Ticket::new(ticket)).await?.read_all().await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn panics_of_handlers_and_of_their_streams() {
    for ticket in ["handler", "stream"] {
        let calls = Recorded::new(Panics);
        assert_eq!(read(&calls.client, ticket).await.unwrap_err().kind(), FlightErrorKind::Internal);
        assert_panicked("DoGet", &calls.finish().await);
    }
    let calls = Recorded::new(Panics);
    let (path, schema) = (FlightDescriptor::for_path(["x"]), batches::int64(0).schema());
    let (mut writer, _reader) = calls.client.do_put(path, schema).await.unwrap();
    writer.write_batch(&batches::int64(1)).await.unwrap();
    assert_eq!(writer.close().await.unwrap_err().kind(), FlightErrorKind::Internal);
    assert_panicked("DoPut", &calls.finish().await);
}

#[tokio::test(start_paused = true)]
async fn an_error_in_a_stream_of_messages() {
    let calls = Recorded::new(DoAction(|context: ServerCallContext, _| async move {
        mark(&context)?;
        Ok(MessageStream::from_stream(stream::iter([Ok(ActionResult::new("one")), Err(torn())])))
    }));
    let mut results = calls.client.do_action(Action::new("x", "")).await.unwrap();
    assert_eq!(results.read_next().await.unwrap().unwrap(), ActionResult::new("one"));
    assert_eq!(results.read_next().await.unwrap_err().message(), "torn");
    assert_torn("DoAction", &calls.finish().await);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_unary_call() {
    let calls = Recorded::new(GetFlightInfo(|context: ServerCallContext, _| async move {
        mark(&context)?;
        Err::<FlightInfo, _>(torn())
    }));
    let error = calls.client.get_flight_info(FlightDescriptor::for_path(["x"])).await.unwrap_err();
    assert_eq!(error.message(), "torn");
    assert_torn("GetFlightInfo", &calls.finish().await);
}
