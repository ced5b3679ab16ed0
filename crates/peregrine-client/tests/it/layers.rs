//! Layers of tower and tower-http around a client's calls.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame};
use peregrine_client::{FlightCallOptions, FlightClient, FlightClientBuilder};
use peregrine_proto::{
    Action, ActionResult, Code, FlightDescriptor, FlightError, FlightErrorKind, FlightMessage, Location, Ticket,
};
use peregrine_stream::FlightDataStream;
use peregrine_testkit::fault::Direction::{ToClient, ToServer};
use peregrine_testkit::fault::{ErrorCode, Fault, Faults, Frame as HttpFrame};
use peregrine_testkit::one_rpc::DoGet;
use peregrine_testkit::waiting::{OnDrop, Once, idle, soon};
use peregrine_testkit::{MemoryService, Pair, batches};
use peregrine_transport::{
    CallToken, HttpChannel, InMemoryConnect, IncomingCall, Listener, Outgoing, ReceivedBody, Reply, Rope, ServeConfig,
    ServeHandle, Status, frame_message, serve,
};
use tokio::time::Instant;
use tower::{ServiceExt, service_fn};
use tower_http::request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_layer::layer_fn;

type BoxError = Box<dyn Error + Send + Sync>;

/// A server that responds with the values of a header of the request, and what connects to it.
fn repeats(name: &'static str) -> (ServeHandle, InMemoryConnect) {
    let (listener, connector) = Listener::in_memory();
    let handler = move |call: IncomingCall| {
        let mut frames = Rope::new();
        for value in call.info.header(name).unwrap() {
            frames.append(frame_message(ActionResult::new(value).serialize()).unwrap());
        }
        async { Reply::complete(HeaderMap::new(), frames, Status::ok()) }
    };
    (serve(listener, handler, ServeConfig::default()).unwrap(), connector)
}

fn client(connector: &InMemoryConnect) -> FlightClientBuilder {
    FlightClient::builder(Location::reuse_connection()).unwrap().connector(connector.clone())
}

#[derive(Clone)]
struct Always;

impl MakeRequestId for Always {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
        Some(RequestId::new(HeaderValue::from_static("seventeen")))
    }
}

async fn values(client: &FlightClient) -> Vec<Bytes> {
    let results = client.do_action(Action::new("x", "")).await.unwrap().read_all().await.unwrap();
    results.into_iter().map(|result| result.body().clone()).collect()
}

#[tokio::test]
async fn request_ids_of_tower_http() {
    let (_server, connector) = repeats("x-request-id");
    let builder = client(&connector).layer(SetRequestIdLayer::x_request_id(Always));
    let client = builder.layer(PropagateRequestIdLayer::x_request_id()).build().unwrap();
    assert_eq!(values(&client).await, ["seventeen"]);
    let mut results = client.do_action(Action::new("x", "")).await.unwrap();
    assert!(results.read_next().await.unwrap().is_some());
    assert_eq!(results.headers()["x-request-id"], "seventeen");
}

#[tokio::test]
async fn layers_that_were_added_first_are_outermost() {
    let (_server, connector) = repeats("x-order");
    let mark = |name: &'static str| {
        layer_fn(move |inner: HttpChannel| {
            inner.map_request(move |mut request: Request<Outgoing>| {
                request.headers_mut().append("x-order", HeaderValue::from_static(name));
                request
            })
        })
    };
    let marked = client(&connector).layer(mark("outer")).layer(mark("inner")).build().unwrap();
    assert_eq!(values(&marked).await, ["outer", "inner"]);
    let own = FlightCallOptions::new().with_header("x-order", "own").unwrap();
    assert_eq!(values(&marked.with(own)).await, ["own", "outer", "inner"]);
    assert_eq!(values(&client(&connector).build().unwrap()).await.len(), 0, "layers are the client's own");
}

#[tokio::test(start_paused = true)]
async fn a_layer_sees_a_call_once_however_often_it_is_attempted() {
    let faults = Faults::new();
    let pair = Pair::with_faults(Default::default(), MemoryService::new(), &faults);
    let log = Arc::new(Mutex::new(Vec::new()));
    let layer = layer_fn({
        let log = log.clone();
        move |inner: HttpChannel| {
            let log = log.clone();
            service_fn(move |request: Request<Outgoing>| {
                let (inner, log) = (inner.clone(), log.clone());
                async move {
                    log.lock().unwrap().push("request".to_owned());
                    let response = inner.oneshot(request).await?;
                    log.lock().unwrap().push(response.status().to_string());
                    Ok::<_, BoxError>(response)
                }
            })
        }
    });
    let client = pair.client_with(|client| client.layer(layer));
    drop(client.list_actions().await.unwrap());
    log.lock().unwrap().clear();
    faults.now(ToServer, Fault::Stall);
    let call = tokio::spawn(async move { client.list_actions().await.map(drop) });
    idle().await;
    faults.now(ToClient, Fault::Frame(HttpFrame::go_away(1, ErrorCode::NoError)));
    soon(call).await.unwrap().unwrap();
    assert_eq!(faults.newest_stream(), Some(1), "of a new connection");
    assert_eq!(*log.lock().unwrap(), ["request", "200 OK"]);
}

/// A body that counts its data.
struct Counted {
    body: ReceivedBody,
    bytes: Arc<AtomicUsize>,
}

impl Body for Counted {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.bytes.fetch_add(data.len(), Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}

#[tokio::test]
async fn a_layer_may_wrap_the_body_of_the_response() {
    let pair = Pair::new(MemoryService::with("trips", batches::one_per_type()));
    let bytes = Arc::new(AtomicUsize::new(0));
    let layer = layer_fn({
        let bytes = bytes.clone();
        move |inner: HttpChannel| {
            let bytes = bytes.clone();
            inner.map_response(move |response: Response<ReceivedBody>| {
                response.map(|body| Counted { body, bytes: bytes.clone() })
            })
        }
    });
    // Two, for a body within a body.
    let client = pair.client_with(|client| client.layer(layer.clone()).layer(layer));
    assert_eq!(client.do_get(Ticket::new("trips")).await.unwrap().read_all().await.unwrap().num_rows(), 107);
    let counted = bytes.load(Ordering::Relaxed);
    assert!(counted > 10_000 && counted.is_multiple_of(2), "{counted}");

    let schema = batches::int64(0).schema();
    let path = FlightDescriptor::for_path(["new"]);
    let (mut writer, mut reader) = client.do_put(path, schema).await.unwrap();
    writer.write_with_metadata(&batches::int64(3), "mine").await.unwrap();
    assert_eq!(reader.read().await.unwrap().unwrap(), "mine");
    writer.close().await.unwrap();
    assert!(bytes.load(Ordering::Relaxed) > counted);
}

#[tokio::test(start_paused = true)]
async fn behind_a_layer_a_call_is_reset_when_its_reader_is_dropped_and_ends_at_its_deadline() {
    let (guard, dropped) = OnDrop::new();
    let once = Once::new(Some(guard));
    let pair = Pair::new(DoGet(move |_, ticket: Ticket| {
        let guard = (ticket.ticket() == "first").then(|| once.take());
        let items = futures_util::StreamExt::chain(
            futures_util::stream::iter([Ok::<_, FlightError>(batches::int64(1))]),
            futures_util::stream::poll_fn(move |_| {
                let _held = &guard;
                Poll::Pending
            }),
        );
        async { Ok(FlightDataStream::from_stream(batches::int64(0).schema(), items)) }
    }));
    let client = pair.client_with(|client| client.layer(layer_fn(|inner: HttpChannel| inner)));
    let mut reader = client.do_get(Ticket::new("first")).await.unwrap();
    assert!(reader.read_next().await.unwrap().is_some());
    drop(reader);
    dropped.wait().await;

    let started = Instant::now();
    let limited = client.with(FlightCallOptions::new().with_timeout(Duration::from_secs(5)));
    let mut reader = limited.do_get(Ticket::new("second")).await.unwrap();
    assert_eq!(reader.read_all().await.unwrap_err().kind(), FlightErrorKind::TimedOut);
    assert_eq!(started.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_in_a_layer_ends_at_its_deadline() {
    let pair = Pair::new(MemoryService::new());
    let client = pair.client_with(|client| client.layer(tower::limit::ConcurrencyLimitLayer::new(0)));
    let started = Instant::now();
    let limited = client.with(FlightCallOptions::new().with_timeout(Duration::from_secs(5)));
    let error = soon(limited.list_actions()).await.unwrap_err();
    assert_eq!((error.kind(), started.elapsed().as_secs()), (FlightErrorKind::TimedOut, 5));
    let schema = batches::int64(0).schema();
    let path = FlightDescriptor::for_path(["new"]);
    let (_writer, mut reader) = limited.do_put(path, schema).await.unwrap();
    assert_eq!(soon(reader.read()).await.unwrap_err().kind(), FlightErrorKind::TimedOut);
}

#[tokio::test]
async fn a_layer_that_fails_fails_the_call_and_one_may_end_it_or_respond_by_itself() {
    let pair = Pair::new(MemoryService::new());
    let layer = layer_fn(|inner: HttpChannel| {
        service_fn(move |request: Request<Outgoing>| {
            let inner = inner.clone();
            async move {
                let token = request.extensions().get::<CallToken>().expect("the token of the call").clone();
                match request.headers().get("x-how").map(|how| how.to_str().unwrap()) {
                    Some("flight") => return Err(BoxError::from(FlightError::not_found("nothing here"))),
                    Some("status") => return Err(Status::new(Code::DataLoss, "lost").into()),
                    Some("foreign") => return Err(io::Error::other("the proxy is down").into()),
                    Some("token") => token.cancel(Status::new(Code::ResourceExhausted, "enough")),
                    Some("http") => {
                        let mut response = inner.oneshot(request).await?;
                        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                        response.headers_mut().clear();
                        return Ok(response);
                    }
                    _ => {}
                }
                inner.oneshot(request).await
            }
        })
    });
    let client = pair.client_with(|client| client.layer(layer));
    for (how, kind, message) in [
        ("flight", FlightErrorKind::NotFound, "nothing here"),
        ("status", FlightErrorKind::DataLoss, "lost"),
        ("foreign", FlightErrorKind::Failed, "a layer of the client failed: the proxy is down"),
        ("token", FlightErrorKind::ResourceExhausted, "enough"),
        (
            "http",
            FlightErrorKind::Unavailable,
            "the peer responded with HTTP status 503 Service Unavailable and without grpc-status",
        ),
    ] {
        let client = client.with(FlightCallOptions::new().with_header("x-how", how).unwrap());
        let error = soon(client.list_actions()).await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (kind, message), "{how}");
    }
    soon(client.list_actions()).await.unwrap();
}
