//! Services mounted beside the handler: what reaches them, what comes of their failures, and how their calls end.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use h2::Reason;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use peregrine_proto::{Code, Peer, PeerAddress};
use peregrine_transport::{ChannelConfig, Http2Config, IncomingBody, Mounts, ServeConfig, Shutdown, Status};
use tokio::sync::{mpsc, oneshot};
use tower_service::Service;

use crate::pair::{OnDrop, Once, Pair, ask_all, echo, pair_with};
use crate::raw::{header, open_with, prefixed, raw_client, read_body, read_response, request, trailers};

type Answer = Result<Response<Frames>, Status>;

/// A service made of a closure.
#[derive(Clone)]
struct Mounted<F>(F);

impl<F, A> Service<Request<IncomingBody>> for Mounted<F>
where
    F: Fn(Request<IncomingBody>) -> A,
    A: Future<Output = Answer> + Send + 'static,
{
    type Response = Response<Frames>;
    type Error = Status;
    type Future = BoxFuture<'static, Answer>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<IncomingBody>) -> Self::Future {
        Box::pin((self.0)(request))
    }
}

/// A body made of a stream.
struct Frames(BoxStream<'static, Result<Frame<Bytes>, Status>>);

impl Body for Frames {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.0.poll_next_unpin(cx)
    }
}

fn answer(frames: impl Stream<Item = Result<Frame<Bytes>, Status>> + Send + 'static) -> Answer {
    Ok(Response::builder().header("content-type", "application/grpc").body(Frames(frames.boxed())).unwrap())
}

fn data(bytes: impl Into<Bytes>) -> Result<Frame<Bytes>, Status> {
    Ok(Frame::data(bytes.into()))
}

/// A server whose handler echoes, with a service at `/mounted.Service`.
fn beside<F, A>(service: F) -> Pair
where
    F: Fn(Request<IncomingBody>) -> A + Clone + Send + 'static,
    A: Future<Output = Answer> + Send + 'static,
{
    let mut mounts = Mounts::default();
    mounts.add("/mounted.Service", Mounted(service));
    pair_with(echo, ServeConfig { mounts, ..ServeConfig::default() }, ChannelConfig::default())
}

/// A call of the mounted service.
fn mounted() -> http::request::Builder {
    request().uri("http://localhost/mounted.Service/Method?query")
}

/// Reads a request to its end.
async fn read_request(mut body: IncomingBody) -> Result<(Vec<u8>, Option<HeaderMap>), Status> {
    let mut bytes = Vec::new();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        match frame?.into_data() {
            Ok(data) => bytes.extend_from_slice(&data),
            Err(frame) => return Ok((bytes, frame.into_trailers().ok())),
        }
    }
    Ok((bytes, None))
}

#[tokio::test]
async fn a_service_gets_the_requests_below_its_prefix_as_they_came_and_the_handler_the_others() {
    let pair = beside(|request| async move {
        let (head, body) = request.into_parts();
        assert_eq!(head.uri.path_and_query().unwrap(), "/mounted.Service/Method?query");
        assert_eq!(head.headers["content-type"], "application/grpc");
        assert_eq!(head.headers["te"], "trailers");
        assert_eq!(head.headers["grpc-timeout"], "1H");
        assert_eq!(head.extensions.get::<Peer>().unwrap().address, PeerAddress::InMemory);
        let (bytes, request_trailers) = read_request(body).await?;
        let checksum = request_trailers.unwrap().remove("x-checksum").unwrap();
        let end = trailers(&[("grpc-status", "0"), ("x-checksum", checksum.to_str().unwrap())]);
        answer(stream::iter([data(bytes), data(Bytes::new()), Ok(Frame::trailers(end))]))
    });
    let (client, _task) = raw_client(&pair.connector).await;
    let (response, mut upload) = open_with(&client, mounted().header("grpc-timeout", "1H")).await;
    upload.send_data("one".into(), false).unwrap();
    upload.send_data("two".into(), false).unwrap();
    upload.send_trailers(trailers(&[("x-checksum", "7")])).unwrap();
    let (head, ended) = read_response(response).await;
    assert_eq!(header(&head, "content-type"), "application/grpc");
    assert_eq!(ended.data, "onetwo");
    assert_eq!(ended.frames, [6], "no empty frame");
    assert_eq!(ended.status(), "0");
    assert_eq!(ended.trailers.unwrap()["x-checksum"], "7");

    assert_eq!(ask_all(&pair.channel, "hello").await.unwrap(), ["hello"]);
    let (response, mut upload) = open_with(&client, request().uri("http://localhost/mounted.ServiceToo/Method")).await;
    upload.send_data(prefixed(0, b"hello"), true).unwrap();
    assert_eq!(read_response(response).await.1.data, prefixed(0, b"hello"));
}

#[tokio::test]
async fn large_data_of_a_service_is_cut_at_the_cap() {
    let mut mounts = Mounts::default();
    mounts.add("/mounted.Service", Mounted(|_| async { answer(stream::iter([data(vec![7; 2500])])) }));
    let http2 = Http2Config { max_data_frame: 1000, ..Http2Config::server() };
    let pair = pair_with(echo, ServeConfig { mounts, http2, ..ServeConfig::default() }, ChannelConfig::default());
    let (client, _task) = raw_client(&pair.connector).await;
    let (response, _upload) = open_with(&client, mounted()).await;
    let (_, ended) = read_response(response).await;
    assert_eq!(ended.frames.iter().sum::<usize>(), 2500);
    assert!(ended.frames.iter().all(|frame| *frame <= 1000), "{:?}", ended.frames);
}

#[tokio::test]
async fn panics_and_errors_of_a_service_fail_its_call_and_nothing_else() {
    let first = || stream::iter([data("first")]);
    let pair = beside(move |request| {
        let how = request.headers()["x-how"].to_str().unwrap().to_owned();
        assert_ne!(how, "panic in call", "a secret");
        async move {
            match how.as_str() {
                "panic in future" => panic!("a secret"),
                "error" => Err(Status::new(Code::NotFound, "a secret")),
                "panic in body" => answer(first().chain(stream::poll_fn(|_| panic!("a secret")))),
                "error in body" => answer(first().chain(stream::iter([Err(Status::new(Code::NotFound, "a secret"))]))),
                _ => answer(stream::pending()),
            }
        }
    });
    let (client, _task) = raw_client(&pair.connector).await;
    let (other, _upload) = open_with(&client, mounted().header("x-how", "stay")).await;
    let mut other = other.await.unwrap().into_body();

    for how in ["panic in call", "panic in future", "error"] {
        let (head, _) = read_response(open_with(&client, mounted().header("x-how", how)).await.0).await;
        assert_eq!(header(&head, "grpc-status"), "13", "{how}");
        let message = header(&head, "grpc-message");
        assert!(message.contains("/mounted.Service") && !message.contains("secret"), "{how}: {message}");
        let http = Request::get("http://localhost/mounted.Service/Method").header("x-how", how);
        let (head, _) = read_response(open_with(&client, http).await.0).await;
        assert_eq!(head.status, 500, "{how}");
    }
    for how in ["panic in body", "error in body"] {
        let (_, ended) = read_response(open_with(&client, mounted().header("x-how", how)).await.0).await;
        assert_eq!(ended.data, "first");
        assert_eq!(ended.status(), "13", "{how}");
        let http = Request::get("http://localhost/mounted.Service/Method").header("x-how", how);
        let reset = match open_with(&client, http).await.0.await {
            Ok(response) => read_body(response.into_body()).await.trailers.unwrap_err(),
            // The headers had not gone out yet.
            Err(error) => error.reason().unwrap(),
        };
        assert_eq!(reset, Reason::INTERNAL_ERROR, "{how}");
    }
    assert!(futures_util::poll!(std::future::poll_fn(|cx| other.poll_data(cx))).is_pending(), "still there");
    assert_eq!(ask_all(&pair.channel, "hello").await.unwrap(), ["hello"]);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_a_call_of_a_service() {
    for how in ["future", "body"] {
        let (guard, dropped) = OnDrop::new();
        let guard = Once::new(guard);
        let pair = beside(move |_| {
            let guard = guard.take();
            async move {
                if how == "future" {
                    let _guard = guard;
                    return pending().await;
                }
                answer(stream::iter([data("first")]).chain(stream::pending()).inspect(move |_| {
                    let _ = &guard;
                }))
            }
        });
        let (client, _task) = raw_client(&pair.connector).await;
        let (response, _upload) = open_with(&client, mounted().header("grpc-timeout", "3S")).await;
        let (head, ended) = read_response(response).await;
        match how {
            "future" => assert_eq!(header(&head, "grpc-status"), "4"),
            _ => assert_eq!(ended.status(), "4"),
        }
        dropped.await.unwrap();
    }
    let pair = beside(|_| async { answer(stream::empty()) });
    let (client, _task) = raw_client(&pair.connector).await;
    let (head, _) = read_response(open_with(&client, mounted().header("grpc-timeout", "3x")).await.0).await;
    assert_eq!(header(&head, "grpc-status"), "13", "a timeout that cannot be read");
}

/// How reading a request went.
type ReadRequest = Result<Vec<u8>, Status>;

/// A server whose service reads its request in a task of its own, reports how that went, and answers with a first
/// piece and no more. The guard is in the answer.
fn reading() -> (Pair, mpsc::UnboundedReceiver<ReadRequest>, oneshot::Receiver<()>) {
    let (guard, dropped) = OnDrop::new();
    let guard = Once::new(guard);
    let (reports, report) = mpsc::unbounded_channel();
    let pair = beside(move |request| {
        let (guard, reports) = (guard.take(), reports.clone());
        async move {
            tokio::spawn(async move {
                let _ = reports.send(read_request(request.into_body()).await.map(|(bytes, _)| bytes));
            });
            answer(stream::iter([data("first")]).chain(stream::pending()).inspect(move |_| {
                let _ = &guard;
            }))
        }
    });
    (pair, report, dropped)
}

#[tokio::test]
async fn a_reset_whatever_its_code_drops_the_answer_and_is_no_end_of_the_request() {
    for reason in [Reason::NO_ERROR, Reason::CANCEL, Reason::INTERNAL_ERROR] {
        let (pair, mut report, dropped) = reading();
        let (client, _task) = raw_client(&pair.connector).await;
        let (response, mut upload) = open_with(&client, mounted()).await;
        upload.send_data("half of it".into(), false).unwrap();
        let mut body = response.await.unwrap().into_body();
        assert_eq!(body.data().await.unwrap().unwrap(), "first");
        upload.send_reset(reason);
        let status = report.recv().await.unwrap().unwrap_err();
        assert_eq!(status.code(), Code::Cancelled, "{reason:?}: {status}");
        dropped.await.unwrap();
    }
}

#[tokio::test]
async fn a_service_that_reads_when_the_reset_comes_takes_it_for_no_end() {
    let (reports, mut report) = mpsc::unbounded_channel();
    let pair = beside(move |request| {
        let reports = reports.clone();
        async move {
            // hyper looks for resets after this future, so the body's end is seen here first.
            let _ = reports.send(read_request(request.into_body()).await);
            answer(stream::empty())
        }
    });
    let (client, _task) = raw_client(&pair.connector).await;
    let (_response, mut upload) = open_with(&client, mounted()).await;
    upload.send_data("half of it".into(), false).unwrap();
    ask_all(&pair.channel, "a turn for the service").await.unwrap();
    upload.send_reset(Reason::NO_ERROR);
    assert_eq!(report.recv().await.unwrap().unwrap_err().code(), Code::Cancelled);
}

#[tokio::test]
async fn a_shutdown_waits_for_the_calls_of_services() {
    let (sender, receiver) = mpsc::unbounded_channel();
    let receiver = Arc::new(Mutex::new(Some(receiver)));
    let pair = beside(move |_| {
        let mut receiver: mpsc::UnboundedReceiver<Result<Frame<Bytes>, Status>> =
            receiver.lock().unwrap().take().unwrap();
        async move { answer(stream::poll_fn(move |cx| receiver.poll_recv(cx))) }
    });
    let (client, _task) = raw_client(&pair.connector).await;
    let (response, _upload) = open_with(&client, mounted()).await;
    let body = response.await.unwrap().into_body();
    let server = pair.server.clone();
    let shutdown = tokio::spawn(async move { server.shutdown(Duration::from_secs(3600)).await });
    pair.server.draining().await;
    sender.send(data("still here")).unwrap();
    sender.send(Ok(Frame::trailers(trailers(&[("grpc-status", "0")])))).unwrap();
    let ended = read_body(body).await;
    assert_eq!(ended.data, "still here");
    assert_eq!(ended.status(), "0");
    assert_eq!(shutdown.await.unwrap(), Shutdown::Drained);
}

#[tokio::test(start_paused = true)]
async fn the_cut_of_a_shutdown_drops_the_calls_of_services() {
    let (pair, mut report, dropped) = reading();
    let (client, _task) = raw_client(&pair.connector).await;
    let (response, _upload) = open_with(&client, mounted()).await;
    let _body = response.await.unwrap().into_body();
    assert_eq!(pair.server.shutdown(Duration::from_secs(5)).await, Shutdown::Cut);
    dropped.await.unwrap();
    assert_eq!(report.recv().await.unwrap().unwrap_err().code(), Code::Cancelled);
}

#[tokio::test]
async fn a_request_that_a_service_does_not_read_holds_up_no_other() {
    let pair = beside(|request| async move {
        drop(request);
        answer(stream::iter([Ok(Frame::trailers(trailers(&[("grpc-status", "0")])))]))
    });
    let (client, _task) = raw_client(&pair.connector).await;
    for _ in 0..8 {
        let (response, mut upload) = open_with(&client, mounted()).await;
        upload.send_data(vec![0; 16 << 20].into(), true).unwrap();
        assert_eq!(read_response(response).await.1.status(), "0");
    }
    assert_eq!(ask_all(&pair.channel, "hello").await.unwrap(), ["hello"]);
}

/// A service whose answers are strings and that cannot fail: what hand-written services look like.
#[derive(Clone)]
struct Plain;

impl Service<Request<IncomingBody>> for Plain {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<IncomingBody>) -> Self::Future {
        std::future::ready(Ok(Response::new(request.uri().path().to_owned())))
    }
}

#[tokio::test]
async fn a_service_need_not_speak_grpc() {
    let mut mounts = Mounts::default();
    mounts.add("/plain", Plain);
    let pair = pair_with(echo, ServeConfig { mounts, ..ServeConfig::default() }, ChannelConfig::default());
    let (client, _task) = raw_client(&pair.connector).await;
    let (head, ended) = read_response(open_with(&client, Request::get("http://localhost/plain/a")).await.0).await;
    assert_eq!((head.status.as_u16(), &ended.data[..]), (200, &b"/plain/a"[..]));
    let (head, _) = read_response(open_with(&client, Request::get("http://localhost/other")).await.0).await;
    assert_eq!(head.status, 405, "what is not mounted keeps to gRPC");
}
