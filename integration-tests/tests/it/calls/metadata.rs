//! Headers and trailers, both ways: ASCII, binary, repeated; too late, or not allowed.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::HeaderMap;
use peregrine::client::FlightCallOptions;
use peregrine::proto::{
    Action, ActionResult, Criteria, FlightDescriptor, FlightError, FlightErrorKind, FlightInfo, HandshakeRequest,
    HandshakeResponse, Ticket, metadata_values,
};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::{FlightDataStream, MessageStream};
use peregrine_testkit::one_rpc::{DoAction, DoGet, GetFlightInfo};
use peregrine_testkit::waiting::{Once, soon};
use peregrine_testkit::{Pair, batches};
use tokio::sync::{mpsc, oneshot};

/// Names and values that no one else may use, or that cannot be sent.
const REFUSED: [(&str, &[u8]); 11] = [
    ("", b"x"),
    ("two words", b"x"),
    ("größe", b"x"),
    (":path", b"x"),
    ("grpc-timeout", b"1S"),
    ("grpc-anything", b"x"),
    ("Content-Type", b"text/html"),
    ("te", b"x"),
    ("connection", b"close"),
    ("x-line", b"a\r\nb: c"),
    ("x-bytes", b"\xff"),
];

fn texts(values: Vec<Bytes>) -> Vec<String> {
    values.into_iter().map(|value| String::from_utf8(value.into()).unwrap()).collect()
}

#[tokio::test]
async fn headers_of_the_call_reach_the_context() {
    let pair = Pair::new(DoAction(|context: ServerCallContext, _| async move {
        let mut seen = texts(context.request_header("x-tenant")?);
        seen.extend(context.request_header("trace-bin")?.iter().map(|value| format!("{value:?}")));
        seen.push(format!("{:?}", context.request_headers().get("X-Tenant")));
        seen.push(format!("{:?}", context.request_header("x-nothing")?));
        seen.push(format!("{}", context.request_headers().contains_key("grpc-timeout")));
        Ok(MessageStream::from_iter(seen.into_iter().map(ActionResult::new)))
    }));
    let options = FlightCallOptions::new()
        .with_header("X-Tenant", "north")
        .and_then(|options| options.with_header("x-tenant", "south, and more"))
        .and_then(|options| options.with_header("trace-bin", b"\0\xff,"))
        .and_then(|options| options.with_header("trace-bin", b""))
        .unwrap()
        .with_timeout(std::time::Duration::from_secs(60));
    let results =
        pair.client().with(options.clone()).do_action(Action::new("x", "")).await.unwrap().read_all().await.unwrap();
    let seen = texts(results.into_iter().map(|result| result.body().clone()).collect());
    let expected = ["north", "south, and more", r#"b"\0\xff,""#, r#"b"""#, r#"Some("north")"#, "[]", "false"];
    assert_eq!(seen, expected);

    let results = pair.client().do_action(Action::new("x", "")).await.unwrap().read_all().await.unwrap();
    assert_eq!(results[0], ActionResult::new("None"), "headers belong to one call");
}

/// Answers every RPC, with headers and trailers.
struct Labelled;

fn label(context: &ServerCallContext) -> Result<(), FlightError> {
    context.add_header("X-Served-By", "rack 7")?;
    context.add_header("x-served-by", "rack 8")?;
    context.add_header("cache-bin", [0, 255])?;
    context.add_trailer("x-rows", "17")?;
    context.add_trailer("x-rows", "18")?;
    context.add_trailer("digest-bin", [1, 2, 3])
}

fn assert_labelled(headers: &HeaderMap, trailers: Option<&HeaderMap>) {
    assert_eq!(metadata_values(headers, "x-served-by").unwrap(), ["rack 7", "rack 8"]);
    assert_eq!(metadata_values(headers, "cache-bin").unwrap(), [&[0, 255][..]]);
    assert!(!headers.contains_key("x-rows") && !headers.contains_key("content-type"), "{headers:?}");
    let trailers = trailers.expect("the stream is at its end");
    assert_eq!(metadata_values(trailers, "x-rows").unwrap(), ["17", "18"]);
    assert_eq!(metadata_values(trailers, "digest-bin").unwrap(), [&[1, 2, 3][..]]);
    assert!(!trailers.contains_key("x-served-by") && !trailers.contains_key("grpc-status"), "{trailers:?}");
}

impl FlightService for Labelled {
    async fn handshake(
        &self,
        context: ServerCallContext,
        _requests: MessageStream<HandshakeRequest>,
    ) -> Result<MessageStream<HandshakeResponse>, FlightError> {
        label(&context)?;
        Ok(MessageStream::from_iter([HandshakeResponse::new("x")]))
    }

    async fn list_flights(
        &self,
        context: ServerCallContext,
        _criteria: Criteria,
    ) -> Result<MessageStream<FlightInfo>, FlightError> {
        label(&context)?;
        Ok(MessageStream::empty())
    }

    async fn do_get(&self, context: ServerCallContext, _ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        label(&context)?;
        Ok(FlightDataStream::from_batches(batches::int64(0).schema(), [batches::int64(3)]))
    }

    async fn do_action(
        &self,
        context: ServerCallContext,
        _action: Action,
    ) -> Result<MessageStream<ActionResult>, FlightError> {
        label(&context)?;
        Ok(MessageStream::from_iter(["x"].map(ActionResult::new)))
    }
}

#[tokio::test]
async fn headers_and_trailers_of_the_answer_reach_the_client() {
    let pair = Pair::new(Labelled);

    let mut reader = pair.client().do_get(Ticket::new("")).await.unwrap();
    assert!(reader.trailers().is_none(), "trailers come at the end");
    while reader.read_next().await.unwrap().is_some() {}
    assert_labelled(reader.headers(), reader.trailers());

    let mut results = pair.client().do_action(Action::new("x", "")).await.unwrap();
    assert!(results.trailers().is_none(), "trailers come at the end");
    while results.read_next().await.unwrap().is_some() {}
    assert_labelled(results.headers(), results.trailers());

    let mut flights = pair.client().list_flights(Criteria::default()).await.unwrap();
    assert_eq!(flights.read_next().await.unwrap(), None);
    assert_labelled(flights.headers(), flights.trailers());

    let mut answers = pair.client().handshake(stream::iter([HandshakeRequest::new("x")])).await.unwrap();
    while answers.read_next().await.unwrap().is_some() {}
    assert_labelled(answers.headers(), answers.trailers());
}

#[tokio::test]
async fn headers_and_trailers_come_with_an_error_in_the_middle() {
    let pair = Pair::new(DoGet(|context: ServerCallContext, _| async move {
        label(&context)?;
        let items = stream::iter([Ok(batches::int64(1)), Err(FlightError::failed("torn"))]);
        Ok(FlightDataStream::from_stream(batches::int64(0).schema(), items))
    }));
    let mut reader = pair.client().do_get(Ticket::new("")).await.unwrap();
    reader.read_next().await.unwrap();
    assert_eq!(reader.read_next().await.unwrap_err().kind(), FlightErrorKind::Failed);
    assert_labelled(reader.headers(), reader.trailers());
}

#[tokio::test(start_paused = true)]
async fn a_trailer_may_be_added_until_the_end_and_a_header_until_the_first_message() {
    let (go_on, waits) = mpsc::unbounded_channel::<()>();
    let (sender, told) = oneshot::channel();
    let once = Once::new((waits, sender));
    let pair = Pair::new(DoAction(move |context: ServerCallContext, _| {
        let (mut waits, sender) = once.take();
        let first = stream::once({
            let context = context.clone();
            async move { context.add_header("x-early", "yes").map(|()| ActionResult::new("first")) }
        });
        let second = stream::once(async move {
            waits.recv().await;
            let _ = sender.send(context.add_header("x-late", "no"));
            context.add_trailer("x-last", "yes").map(|()| ActionResult::new("second"))
        });
        async { Ok(MessageStream::from_stream(first.chain(second))) }
    }));
    let mut results = soon(pair.client().do_action(Action::new("x", ""))).await.unwrap();
    assert_eq!(soon(results.read_next()).await.unwrap(), Some(ActionResult::new("first")));
    go_on.send(()).unwrap();
    assert_eq!(soon(results.read_next()).await.unwrap(), Some(ActionResult::new("second")));
    assert_eq!(soon(results.read_next()).await.unwrap(), None);
    let late = told.await.unwrap().unwrap_err();
    assert!(late.message().contains("x-late") && late.message().contains("too late"), "{late}");
    assert_eq!(results.headers().get("x-early").unwrap(), "yes");
    assert!(results.headers().get("x-late").is_none());
    assert_eq!(results.trailers().unwrap()["x-last"], "yes");
}

#[tokio::test]
async fn names_and_values_that_cannot_be_sent_are_refused_at_both_ends() {
    for (name, value) in REFUSED {
        let error = FlightCallOptions::new().with_header(name, value).unwrap_err();
        assert_eq!(error.kind(), FlightErrorKind::InvalidArgument, "{name}");
        assert!(error.message().contains(name), "{name}: {error}");
    }
    let pair = Pair::new(GetFlightInfo(|context: ServerCallContext, descriptor| async move {
        for (name, value) in REFUSED {
            let refused = |answer: Result<(), FlightError>| {
                answer.err().filter(|error| error.kind() == FlightErrorKind::InvalidArgument)
            };
            refused(context.add_header(name, value)).ok_or_else(|| FlightError::internal(name))?;
            refused(context.add_trailer(name, value)).ok_or_else(|| FlightError::internal(name))?;
        }
        Ok(FlightInfo::new(&batches::int64(0).schema()).with_descriptor(descriptor))
    }));
    pair.client().get_flight_info(FlightDescriptor::for_path(["x"])).await.unwrap();
}
