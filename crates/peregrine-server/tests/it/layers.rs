//! Layers of tower and tower-http around a server's calls.

use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame};
use peregrine_proto::{Action, Code, FlightError, FlightErrorKind, Peer, PeerAddress, Ticket};
use peregrine_server::{FlightServer, ServerCallContext};
use peregrine_stream::{FlightDataStream, MessageStream};
use peregrine_testkit::one_rpc::{DoAction, DoGet};
use peregrine_testkit::waiting::{OnDrop, Once, soon};
use peregrine_testkit::{MemoryService, Pair, batches};
use peregrine_transport::{CallToken, HttpService, IncomingBody, ResponseBody, Rope, Status};
use tokio::time::Instant;
use tower::{Service, ServiceExt, service_fn};
use tower_http::request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tower_layer::layer_fn;

type BoxError = Box<dyn Error + Send + Sync>;
type Log = Arc<Mutex<Vec<String>>>;

/// Numbers the requests.
#[derive(Clone, Default)]
struct Numbers(Arc<AtomicU32>);

impl MakeRequestId for Numbers {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        Some(RequestId::new(HeaderValue::from(number)))
    }
}

/// Adds the request's `x-request-id` to its trailers.
fn name_request() -> impl peregrine_server::FlightService {
    DoAction(|context: ServerCallContext, _| async move {
        context.add_trailer("x-seen", &context.request_header("x-request-id")?[0])?;
        Ok(MessageStream::from_iter([peregrine_proto::ActionResult::new("x")]))
    })
}

#[tokio::test]
async fn request_ids_of_tower_http() {
    let builder = FlightServer::builder()
        .layer(SetRequestIdLayer::x_request_id(Numbers::default()))
        .layer(PropagateRequestIdLayer::x_request_id());
    let pair = Pair::with_server(builder, name_request());
    let call = async |own: Option<&str>| {
        let options = pair.client().options().clone();
        let options = own.iter().fold(options, |options, id| options.with_header("x-request-id", id).unwrap());
        let mut results = pair.client().with(options).do_action(Action::new("x", "")).await.unwrap();
        while results.read_next().await.unwrap().is_some() {}
        assert_eq!(results.headers()["x-request-id"], results.trailers().unwrap()["x-seen"]);
        results.headers()["x-request-id"].clone()
    };
    assert_eq!([call(None).await, call(None).await, call(Some("mine")).await], ["0", "1", "mine"]);
}

#[tokio::test]
async fn the_trace_of_tower_http() {
    let log = Log::default();
    let (responses, ends, failures) = (log.clone(), log.clone(), log.clone());
    let layer = TraceLayer::new_for_grpc()
        .on_response(move |response: &Response<ResponseBody>, _: Duration, _: &tracing::Span| {
            responses.lock().unwrap().push(format!("response {}", response.status()));
        })
        .on_eos(move |trailers: Option<&HeaderMap>, _: Duration, _: &tracing::Span| {
            ends.lock().unwrap().push(format!("end {:?}", trailers.and_then(|trailers| trailers.get("grpc-status"))));
        })
        .on_failure(move |failure, _: Duration, _: &tracing::Span| {
            failures.lock().unwrap().push(format!("failure {failure}"));
        });
    let pair = Pair::with_server(
        FlightServer::builder().layer(layer),
        DoGet(|_, ticket: Ticket| async move {
            let bad = stream::iter((ticket.ticket() == "bad").then(|| Err(FlightError::internal("torn"))));
            let items = stream::iter([Ok(batches::int64(1))]).chain(bad);
            Ok(FlightDataStream::from_stream(batches::int64(0).schema(), items))
        }),
    );
    let read = async |ticket| pair.client().do_get(Ticket::new(ticket)).await?.read_all().await;
    read("good").await.unwrap();
    read("bad").await.unwrap_err();
    let failure = "failure Status: Internal: torn. Detail: Internal";
    let expected = ["response 200 OK", "end Some(\"0\")", "response 200 OK", failure, "end Some(\"13\")"];
    assert_eq!(*log.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn the_timeout_of_tower_http_sees_a_call_up_to_its_headers() {
    let layer = TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_secs(3));
    let (guard, dropped) = OnDrop::new();
    let once = Once::new(guard);
    let service = DoAction(move |_, action: Action| {
        let guard = (action.action_type() == "stuck").then(|| once.take());
        async move {
            if guard.is_some() {
                std::future::pending::<()>().await;
            }
            let hour = stream::once(async {
                tokio::time::sleep(Duration::from_secs(3600)).await;
                Ok::<_, FlightError>(peregrine_proto::ActionResult::new("late"))
            });
            let first = stream::iter([Ok(peregrine_proto::ActionResult::new("first"))]);
            Ok(MessageStream::from_stream(first.chain(hour)))
        }
    });
    let pair = Pair::with_server(FlightServer::builder().layer(layer), service);
    let started = Instant::now();
    let error = pair.client().do_action(Action::new("stuck", "")).await.unwrap_err();
    assert_eq!((Code::from(error.kind()), started.elapsed().as_secs()), (Code::Unknown, 3), "{error}");
    assert!(error.message().contains("408"), "{error}");
    dropped.wait().await;
    let results = pair.client().do_action(Action::new("slow", "")).await.unwrap();
    assert_eq!(results.read_all().await.unwrap().len(), 2);
}

/// A layer that adds a name to `x-order` of the request and of the response.
fn mark<'a, S>(
    name: &'static str,
) -> impl tower_layer::Layer<
    S,
    Service = impl Service<Request<IncomingBody>, Response = Response<ResponseBody>, Error = S::Error, Future: Send + 'a>
              + Clone
              + Send
              + 'a,
> + Send
+ Sync
where
    S: Service<Request<IncomingBody>, Response = Response<ResponseBody>, Future: Send> + Clone + Send + 'a,
    S::Error: Send + 'a,
{
    layer_fn(move |inner: S| {
        service_fn(move |mut request: Request<IncomingBody>| {
            request.headers_mut().append("x-order", HeaderValue::from_static(name));
            let inner = inner.clone();
            async move {
                let mut response = inner.oneshot(request).await?;
                response.headers_mut().append("x-order", HeaderValue::from_static(name));
                Ok(response)
            }
        })
    })
}

#[tokio::test]
async fn layers_that_were_added_first_are_outermost() {
    let builder = FlightServer::builder().layer(mark::<HttpService>("outer")).layer(mark::<HttpService>("inner"));
    let pair = Pair::with_server(
        builder,
        DoAction(|context: ServerCallContext, _| async move {
            let order = context.request_header("x-order")?;
            Ok(MessageStream::from_iter(order.into_iter().map(peregrine_proto::ActionResult::new)))
        }),
    );
    let mut results = pair.client().do_action(Action::new("x", "")).await.unwrap();
    for name in ["outer", "inner"] {
        assert_eq!(results.read_next().await.unwrap().unwrap().body(), name);
    }
    let order: Vec<_> = results.headers().get_all("x-order").iter().collect();
    assert_eq!(order, ["inner", "outer"]);
}

/// A body that counts its data.
struct Counted {
    body: ResponseBody,
    bytes: Arc<AtomicUsize>,
}

impl Body for Counted {
    type Data = Rope;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Rope>, BoxError>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
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
    let bytes = Arc::new(AtomicUsize::new(0));
    let layer = layer_fn({
        let bytes = bytes.clone();
        move |inner: HttpService| {
            let bytes = bytes.clone();
            inner.map_response(move |response: Response<ResponseBody>| {
                response.map(|body| Counted { body, bytes: bytes.clone() })
            })
        }
    });
    let service = MemoryService::with("trips", batches::one_per_type());
    let pair = Pair::with_server(FlightServer::builder().layer(layer), service);
    let mut reader = pair.client().do_get(Ticket::new("trips")).await.unwrap();
    assert_eq!(reader.read_all().await.unwrap().batches, batches::one_per_type());
    let mut results = pair.client().do_action(Action::new("echo", "abc")).await.unwrap();
    let before = bytes.load(Ordering::Relaxed);
    assert!(before > 10_000, "{before}");
    results.read_next().await.unwrap().unwrap();
    assert_eq!(bytes.load(Ordering::Relaxed), before, "all of it had been sent");
}

#[tokio::test]
async fn a_layer_may_end_the_call_before_and_behind_its_headers() {
    let layer = layer_fn(|inner: HttpService| {
        service_fn(move |request: Request<IncomingBody>| {
            let token = request.extensions().get::<CallToken>().cloned().expect("the token of the call");
            let behind = request.headers().contains_key("x-behind");
            let inner = inner.clone();
            async move {
                let end = || token.cancel(Status::from(FlightError::resource_exhausted("enough")));
                if !behind {
                    end();
                }
                let response = inner.oneshot(request).await;
                end();
                response
            }
        })
    });
    let pair = Pair::with_server(
        FlightServer::builder().layer(layer),
        DoGet(|context: ServerCallContext, _| async move {
            assert!(context.request_headers().contains_key("x-behind"), "a call that has ended reaches no handler");
            let items = stream::iter([Ok::<_, FlightError>(batches::int64(1))]).chain(stream::pending());
            Ok(FlightDataStream::from_stream(batches::int64(0).schema(), items))
        }),
    );
    let behind = pair.client().options().clone().with_header("x-behind", "yes").unwrap();
    for client in [pair.client().clone(), pair.client().with(behind)] {
        let read = async { client.do_get(Ticket::new("")).await?.read_all().await };
        let error = soon(read).await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (FlightErrorKind::ResourceExhausted, "enough"));
    }
}

#[tokio::test]
async fn a_layer_that_fails_fails_the_call() {
    let layer = layer_fn(|inner: HttpService| {
        service_fn(move |request: Request<IncomingBody>| {
            let inner = inner.clone();
            async move {
                match request.headers().get("x-how").map(|how| how.to_str().unwrap()) {
                    Some("flight") => Err(BoxError::from(FlightError::not_found("nothing here"))),
                    Some("status") => Err(Status::new(Code::DataLoss, "lost").into()),
                    Some("foreign") => Err("a secret".into()),
                    Some("panic") => panic!("a secret"),
                    _ => inner.oneshot(request).await.map_err(|never: Infallible| match never {}),
                }
            }
        })
    });
    let pair = Pair::with_server(FlightServer::builder().layer(layer), MemoryService::new());
    for (how, kind, message) in [
        ("flight", FlightErrorKind::NotFound, "nothing here"),
        ("status", FlightErrorKind::DataLoss, "lost"),
        ("foreign", FlightErrorKind::Unavailable, "a layer of the server failed"),
        ("panic", FlightErrorKind::Internal, "a layer of the server panicked"),
    ] {
        let options = pair.client().options().clone().with_header("x-how", how).unwrap();
        let error = soon(pair.client().with(options).list_actions()).await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (kind, message), "{how}");
        soon(pair.client().list_actions()).await.unwrap();
    }
}

#[tokio::test]
async fn a_layer_finds_the_peer_and_may_respond_by_itself() {
    let layer = layer_fn(|inner: HttpService| {
        service_fn(move |request: Request<IncomingBody>| {
            assert_eq!(request.extensions().get::<Peer>().unwrap().address, PeerAddress::InMemory);
            let inner = inner.clone();
            async move {
                if request.headers().contains_key("x-teapot") {
                    let mut response = Response::<ResponseBody>::default();
                    *response.status_mut() = StatusCode::IM_A_TEAPOT;
                    return Ok(response);
                }
                inner.oneshot(request).await
            }
        })
    });
    let pair = Pair::with_server(FlightServer::builder().layer(layer), MemoryService::new());
    let options = pair.client().options().clone().with_header("x-teapot", "yes").unwrap();
    let error = soon(pair.client().with(options).list_actions()).await.unwrap_err();
    assert_eq!(Code::from(error.kind()), Code::Unknown, "{error}");
    assert!(error.message().contains("418"), "{error}");
    soon(pair.client().list_actions()).await.unwrap();
}
