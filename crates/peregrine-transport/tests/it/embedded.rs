//! The tower face within a server of HTTP/2 that is not ours: the edges and rules are those of the native one.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use h2::Reason;
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use http_body::{Body, Frame};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use peregrine_proto::{Code, Peer, PeerAddress};
use peregrine_transport::{
    CallHandler, CallToken, EmbeddedBody, EmbeddedService, Http2Config, IncomingCall, Reply, ReplyFrame, Rope,
    ServeConfig, Status,
};
use tokio::sync::mpsc;
use tower_service::Service;

use crate::pair::{OnDrop, Once, echo, framed, reporting_echo};
use crate::raw::{header, open, open_with, prefixed, raw_client_on, read_response, request, trailers};

/// A connection to a host in which a handler is embedded.
async fn hosted(handler: impl CallHandler) -> SendRequest<Bytes> {
    let service = embedded(handler);
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let service = service_fn(move |request| service.clone().call(request));
    tokio::spawn(http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(theirs), service));
    raw_client_on(ours).await.0
}

fn embedded(handler: impl CallHandler) -> EmbeddedService {
    EmbeddedService::new(handler, &ServeConfig::default())
}

#[tokio::test]
async fn messages_go_both_ways() {
    let client = hosted(echo).await;
    let (response, mut upload) = open(&client).await;
    upload.send_data(prefixed(0, b"one"), false).unwrap();
    upload.send_data(prefixed(0, &vec![7; 3 << 20]), true).unwrap();
    let (head, ended) = read_response(response).await;
    assert_eq!(header(&head, "content-type"), "application/grpc");
    assert_eq!(ended.data, [prefixed(0, b"one"), prefixed(0, &vec![7; 3 << 20])].concat());
    assert_eq!(ended.status(), "0");

    let (response, mut upload) = open(&client).await;
    upload.send_data(prefixed(0, b"one"), false).unwrap();
    upload.send_trailers(trailers(&[("x-checksum", "1")])).unwrap();
    assert_eq!(read_response(response).await.1.data, prefixed(0, b"one"), "trailers end a request too");
}

#[tokio::test]
async fn what_is_no_call_is_refused_as_grpc_asks() {
    let client = hosted(echo).await;
    let refused = async |request| read_response(open_with(&client, request).await.0).await.0;
    assert_eq!(refused(Request::get("http://localhost/a/b")).await.status, 405);
    assert_eq!(refused(Request::post("http://localhost/a/b")).await.status, 415);
    let head = refused(request().header("grpc-timeout", "3x")).await;
    assert_eq!((head.status.as_u16(), header(&head, "grpc-status")), (200, "13"));
}

#[tokio::test]
async fn a_message_over_the_limit_is_an_error() {
    let config = ServeConfig { message_limit: 10, ..ServeConfig::default() };
    let mut service = EmbeddedService::new(echo, &config);
    let request = request().body(String::from("\0\0\0\0\u{b}")).unwrap();
    let response = service.call(request).await.unwrap();
    assert_eq!(response.headers()["grpc-status"], "8");
}

#[tokio::test]
async fn a_request_that_is_reset_whatever_the_code_is_cancelled_and_never_an_end() {
    for reason in [Reason::NO_ERROR, Reason::CANCEL] {
        for sent in [prefixed(0, b"whole"), prefixed(0, b"cut short").slice(..9)] {
            let (handler, mut reports) = reporting_echo();
            let client = hosted(handler).await;
            let (_response, mut upload) = open(&client).await;
            upload.send_data(sent, false).unwrap();
            echo_of(&client).await;
            upload.send_reset(reason);
            let error = reports.recv().await.unwrap().unwrap_err();
            assert_eq!(error.code(), Code::Cancelled, "{error}");
        }
    }
}

/// A request body of one message, whose end is one or not.
struct OneMessage {
    message: Option<Bytes>,
    ended: bool,
}

impl Body for OneMessage {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.message.take().map(|message| Ok(Frame::data(message))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended && self.message.is_none()
    }
}

#[tokio::test]
async fn a_body_that_does_not_say_that_it_has_ended_was_cut() {
    for (ended, status) in [(true, None), (false, Some("1"))] {
        let body = OneMessage { message: Some(prefixed(0, b"whole")), ended };
        let response = embedded(echo).call(request().body(body).unwrap()).await.unwrap();
        let status_alone = response.headers().get("grpc-status").map(|value| value.to_str().unwrap());
        assert_eq!(status_alone, status);
        let (data, _) = read_frames(response.into_body()).await;
        assert_eq!(data.concat(), if ended { prefixed(0, b"whole") } else { Bytes::new() });
    }
}

/// A call to its end: what was sent before it has been seen by the server.
async fn echo_of(client: &SendRequest<Bytes>) {
    let (response, mut upload) = open_with(client, Request::get("http://localhost/")).await;
    upload.send_data(Bytes::new(), true).unwrap();
    read_response(response).await;
}

/// A handler that hangs, or whose reply does. The token of its call is sent, and the guard dropped with it.
fn hanging(
    replies: bool,
) -> (impl CallHandler, mpsc::UnboundedReceiver<CallToken>, tokio::sync::oneshot::Receiver<()>) {
    let (guard, dropped) = OnDrop::new();
    let (guard, (tokens, token)) = (Once::new(guard), mpsc::unbounded_channel());
    let handler = move |call: IncomingCall| {
        let guard = guard.take();
        tokens.send(call.token.clone()).unwrap();
        async move {
            if !replies {
                let _guard = (guard, call);
                return pending().await;
            }
            let first = stream::iter([ReplyFrame::Data(framed("first"))]);
            Reply::stream(
                HeaderMap::new(),
                first.chain(stream::pending()).inspect(move |_| {
                    let _ = (&guard, &call);
                }),
            )
        }
    };
    (handler, token, dropped)
}

#[tokio::test]
async fn a_peer_that_resets_drops_the_handler_or_its_reply_and_fires_the_token() {
    for replies in [false, true] {
        let (handler, mut token, dropped) = hanging(replies);
        let client = hosted(handler).await;
        let (response, mut upload) = open(&client).await;
        let token = token.recv().await.unwrap();
        assert!(!token.is_ended());
        if replies {
            response.await.unwrap();
        }
        upload.send_reset(Reason::CANCEL);
        dropped.await.unwrap();
        assert_eq!(token.cancelled().await.code(), Code::Cancelled);
    }
}

#[tokio::test]
async fn dropping_the_future_or_the_response_cancels_the_call() {
    for replies in [false, true] {
        let (handler, mut token, dropped) = hanging(replies);
        let mut future = pin!(embedded(handler).call(request().body(Never).unwrap()));
        let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        assert_eq!(polled.is_ready(), replies);
        let token = token.recv().await.unwrap();
        assert!(!token.is_ended());
        drop(polled);
        if !replies {
            future.set(embedded(echo).call(request().body(Never).unwrap()));
        }
        dropped.await.unwrap();
        assert_eq!(token.cancelled().await.code(), Code::Cancelled);
    }
}

/// A request body that never comes.
struct Never;

impl Body for Never {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_drops_the_handler_or_its_reply_and_tells_the_caller() {
    for replies in [false, true] {
        let (handler, mut token, dropped) = hanging(replies);
        let client = hosted(handler).await;
        let start = tokio::time::Instant::now();
        let (response, _upload) = open_with(&client, request().header("grpc-timeout", "3S")).await;
        let (head, ended) = read_response(response).await;
        match replies {
            true => assert_eq!(ended.status(), "4"),
            false => assert_eq!(header(&head, "grpc-status"), "4"),
        }
        assert!((3..4).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
        dropped.await.unwrap();
        assert_eq!(token.recv().await.unwrap().cancelled().await.code(), Code::DeadlineExceeded);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_drops_a_reply_that_its_host_does_not_poll() {
    let (handler, _token, dropped) = hanging(true);
    let request = request().header("grpc-timeout", "3S").body(Never).unwrap();
    let response = embedded(handler).call(request).await.unwrap();
    // As a host does that waits for the peer's window.
    dropped.await.unwrap();
    let (data, end) = read_frames(response.into_body()).await;
    assert!(data.is_empty());
    assert_eq!(end.unwrap()["grpc-status"], "4");
}

#[tokio::test(start_paused = true)]
async fn nothing_watches_a_deadline_when_its_call_has_ended() {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let request = || request().header("grpc-timeout", "1H").body(String::from("\0\0\0\0\0")).unwrap();
    let response = embedded(echo).call(request()).await.unwrap();
    assert_eq!(tasks(), before + 1);
    assert_eq!(read_frames(response.into_body()).await.1.unwrap()["grpc-status"], "0");
    tokio::task::yield_now().await;
    assert_eq!(tasks(), before);

    let (handler, _token, dropped) = hanging(true);
    let response = embedded(handler).call(request()).await.unwrap();
    assert_eq!(tasks(), before + 1);
    drop(response);
    dropped.await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!(tasks(), before);
}

/// The data frames of a response, and its trailers.
async fn read_frames(mut body: EmbeddedBody) -> (Vec<Bytes>, Option<HeaderMap>) {
    let mut data = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        match frame.unwrap().into_data() {
            Ok(frame) => data.push(frame),
            Err(frame) => {
                assert!(body.is_end_stream());
                return (data, frame.into_trailers().ok());
            }
        }
    }
    (data, None)
}

#[tokio::test]
async fn large_parts_of_a_reply_are_not_copied_and_none_is_over_the_cap() {
    let large = Bytes::from(vec![7; 2500 << 10]);
    let part = large.clone();
    let handler = move |_: IncomingCall| {
        let rope: Rope = [Bytes::from_static(b"head"), part.clone()].into_iter().collect();
        async { Reply::complete(HeaderMap::new(), rope, Status::ok()) }
    };
    let http2 = Http2Config { max_data_frame: 1 << 20, ..Http2Config::server() };
    let mut service = EmbeddedService::new(handler, &ServeConfig { http2, ..ServeConfig::default() });
    let response = service.call(request().body(String::new()).unwrap()).await.unwrap();
    let (frames, end) = read_frames(response.into_body()).await;
    assert_eq!(frames.concat(), [b"head", &large[..]].concat());
    assert!(frames.iter().all(|frame| frame.len() <= 1 << 20));
    assert_eq!(frames[1].as_ptr(), large.as_ptr());
    assert_eq!(end.unwrap()["grpc-status"], "0");
}

#[tokio::test]
async fn the_peer_is_the_one_that_the_host_tells() {
    let (peers, mut seen) = mpsc::unbounded_channel();
    let mut service = embedded(move |call: IncomingCall| {
        peers.send(call.info.peer().address.to_string()).unwrap();
        async { Reply::end(HeaderMap::new(), Status::ok()) }
    });
    let told = Peer::new(PeerAddress::Tcp("127.0.0.1:4711".parse().unwrap()));
    let request = || request().body(String::new()).unwrap();
    service.call(request()).await.unwrap();
    let mut with_peer = request();
    with_peer.extensions_mut().insert(told);
    service.call(with_peer).await.unwrap();
    assert_eq!(seen.recv().await.unwrap(), "unknown:");
    assert_eq!(seen.recv().await.unwrap(), "ipv4:127.0.0.1:4711");
}
