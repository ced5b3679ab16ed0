//! What a client makes of answers that are not as they should be.

use bytes::Bytes;
use h2::Reason;
use http::Response;
use peregrine_proto::{Code, Location};
use peregrine_transport::{CallStart, Channel, ChannelConfig, MessageReader, Status};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::pair::{ask, call, read_all};
use crate::raw::{RawCall, prefixed, raw_listener, raw_server, trailers};

/// Our client with one call on its way, and the bare server that got it.
struct Started {
    reply: JoinHandle<Result<MessageReader, Status>>,
    call: RawCall,
    channel: Channel,
    connections: mpsc::UnboundedReceiver<tokio::io::DuplexStream>,
    task: JoinHandle<()>,
}

async fn start() -> Started {
    start_with(ChannelConfig::default()).await
}

async fn start_with(config: ChannelConfig) -> Started {
    let (connector, mut connections) = raw_listener();
    let channel = Channel::new(Location::reuse_connection(), connector, config).unwrap();
    let calling = channel.clone();
    let reply = tokio::spawn(async move { call(&calling, ask("question")).await });
    let (mut calls, task) = raw_server(&mut connections).await;
    let call = calls.recv().await.unwrap();
    Started { reply, call, channel, connections, task }
}

async fn read(reply: JoinHandle<Result<MessageReader, Status>>) -> Result<Vec<Bytes>, Status> {
    read_all(&mut reply.await.unwrap()?).await
}

#[tokio::test]
async fn a_request_says_what_grpc_asks_for() {
    let Started { call, .. } = start().await;
    let header = |name: &str| call.head.headers[name].to_str().unwrap().to_owned();
    assert_eq!(call.head.method, "POST");
    assert_eq!(call.head.uri, "http://raw/test.Service/Method");
    assert_eq!(header("te"), "trailers");
    assert_eq!(header("content-type"), "application/grpc");
    assert_eq!(header("grpc-accept-encoding"), "identity");
    assert_eq!(header("user-agent"), concat!("peregrine/", env!("CARGO_PKG_VERSION")));
    assert!(!call.head.headers.contains_key("content-length"));
    let ended = crate::raw::read_body(call.body).await;
    assert_eq!(ended.frames, [13], "one DATA frame with the half-close");
}

#[tokio::test]
async fn a_reset_in_the_middle_of_a_response_is_mapped_by_its_code() {
    let cases = [
        (Reason::NO_ERROR, Code::Internal),
        (Reason::PROTOCOL_ERROR, Code::Internal),
        (Reason::INTERNAL_ERROR, Code::Internal),
        (Reason::REFUSED_STREAM, Code::Unavailable),
        (Reason::CANCEL, Code::Cancelled),
        (Reason::ENHANCE_YOUR_CALM, Code::ResourceExhausted),
        (Reason::INADEQUATE_SECURITY, Code::PermissionDenied),
    ];
    for (reason, code) in cases {
        for cut in [8, 6] {
            let mut started = start().await;
            let mut answer = started.call.answer();
            answer.send_data(prefixed(0, b"abc").slice(..cut), false).unwrap();
            let mut reply = started.reply.await.unwrap().unwrap();
            reply.next_part().await.unwrap().unwrap();
            answer.send_reset(reason);
            let error = read_all(&mut reply).await.unwrap_err();
            assert_eq!(error.code(), code, "{reason:?}: {error}");
            assert!(reply.next_part().await.is_none(), "an error is the end");
        }
    }
}

#[tokio::test]
async fn a_reset_before_the_headers_is_mapped_too() {
    for (reason, code) in [(Reason::ENHANCE_YOUR_CALM, Code::ResourceExhausted), (Reason::CANCEL, Code::Cancelled)] {
        let mut started = start().await;
        started.call.respond.send_reset(reason);
        assert_eq!(read(started.reply).await.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn answers_without_grpc_status_are_mapped_by_their_http_status() {
    let cases = [
        (400, Code::Internal),
        (401, Code::Unauthenticated),
        (403, Code::PermissionDenied),
        (404, Code::Unimplemented),
        (429, Code::Unavailable),
        (431, Code::ResourceExhausted),
        (502, Code::Unavailable),
        (503, Code::Unavailable),
        (504, Code::Unavailable),
        (500, Code::Unknown),
        (302, Code::Unknown),
    ];
    for (http, code) in cases {
        let mut started = start().await;
        let head = Response::builder().status(http).header("content-type", "text/html");
        let mut answer = started.call.respond.send_response(head.body(()).unwrap(), false).unwrap();
        answer.send_data("<html>".into(), false).unwrap();
        let error = read(started.reply).await.unwrap_err();
        assert_eq!(error.code(), code, "{http}");
        assert!(error.message().contains(&http.to_string()));
        // The rest of the page is not waited for.
        assert_eq!(std::future::poll_fn(|cx| answer.poll_reset(cx)).await.unwrap(), Reason::CANCEL);
    }
}

#[tokio::test]
async fn a_web_page_is_not_taken_for_an_answer() {
    let mut started = start().await;
    let head = Response::builder().status(200).header("content-type", "text/html");
    started.call.respond.send_response(head.body(()).unwrap(), true).unwrap();
    let error = read(started.reply).await.unwrap_err();
    assert_eq!(error.code(), Code::Unknown);
    assert!(error.message().contains("text/html"), "{error}");
}

#[tokio::test]
async fn an_end_without_grpc_status_is_unknown() {
    let mut started = start().await;
    let mut answer = started.call.answer();
    answer.send_data(prefixed(0, b"abc"), true).unwrap();
    let error = read(started.reply).await.unwrap_err();
    assert_eq!(error.code(), Code::Unknown);
    assert!(error.message().contains("grpc-status"));

    let mut started = start().await;
    let mut answer = started.call.answer();
    answer.send_trailers(trailers(&[("x-other", "1")])).unwrap();
    assert_eq!(read(started.reply).await.unwrap_err().code(), Code::Unknown);
}

#[tokio::test]
async fn a_status_that_grpc_does_not_have_is_unknown() {
    for status in ["17", "-1", "banana", "256", ""] {
        let mut started = start().await;
        let mut answer = started.call.answer();
        answer.send_trailers(trailers(&[("grpc-status", status)])).unwrap();
        assert_eq!(read(started.reply).await.unwrap_err().code(), Code::Unknown, "{status:?}");
    }
}

#[tokio::test]
async fn a_status_that_comes_with_the_headers_is_the_answer() {
    let mut started = start().await;
    let head = Response::builder()
        .header("content-type", "application/grpc")
        .header("grpc-status", "5")
        .header("grpc-message", "nicht da: %C3%BC%25 100% %zz")
        .header("x-own", "1");
    started.call.respond.send_response(head.body(()).unwrap(), true).unwrap();
    let error = started.reply.await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    assert_eq!(error.message(), "nicht da: ü% 100% %zz");
    assert_eq!(error.metadata()["x-own"], "1");

    let mut started = start().await;
    let head =
        Response::builder().header("content-type", "application/grpc").header("grpc-status", "0").header("x-own", "1");
    started.call.respond.send_response(head.body(()).unwrap(), true).unwrap();
    let mut reply = started.reply.await.unwrap().unwrap();
    assert!(read_all(&mut reply).await.unwrap().is_empty());
    assert_eq!(reply.trailers().unwrap()["x-own"], "1");
}

#[tokio::test]
async fn trailers_of_a_good_end_and_of_a_bad_one_are_there() {
    for (status, code) in [("0", None), ("9", Some(Code::FailedPrecondition))] {
        let mut started = start().await;
        let mut answer = started.call.answer();
        answer.send_data(prefixed(0, b"abc"), false).unwrap();
        answer.send_trailers(trailers(&[("grpc-status", status), ("x-own", "1")])).unwrap();
        let mut reply = started.reply.await.unwrap().unwrap();
        assert_eq!(reply.next_message().await.unwrap().unwrap(), "abc");
        match (reply.next_message().await, code) {
            (None, None) => assert_eq!(reply.trailers().unwrap()["x-own"], "1"),
            (Some(Err(error)), Some(code)) => {
                assert_eq!(error.code(), code);
                assert_eq!(error.metadata()["x-own"], "1");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_good_status_inside_a_message_is_an_error_and_a_bad_one_wins() {
    for (status, code) in [("0", Code::Internal), ("8", Code::ResourceExhausted)] {
        let mut started = start().await;
        let mut answer = started.call.answer();
        answer.send_data(prefixed(0, b"abcdef").slice(..8), false).unwrap();
        answer.send_trailers(trailers(&[("grpc-status", status)])).unwrap();
        assert_eq!(read(started.reply).await.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn a_connection_that_dies_inside_a_message_is_unavailable_and_the_next_call_has_a_new_one() {
    let mut started = start().await;
    let mut answer = started.call.answer();
    answer.send_data(prefixed(0, b"abcdef").slice(..8), false).unwrap();
    let mut reply = started.reply.await.unwrap().unwrap();
    reply.next_part().await.unwrap().unwrap();
    started.task.abort();
    let error = read_all(&mut reply).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "{error}");

    let channel = started.channel.clone();
    let next = tokio::spawn(async move { call(&channel, ask("again")).await });
    let (mut calls, _task) = raw_server(&mut started.connections).await;
    let mut again = calls.recv().await.unwrap();
    again.answer().send_trailers(trailers(&[("grpc-status", "0")])).unwrap();
    assert!(read(next).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_compressed_answer_is_unimplemented() {
    let mut started = start().await;
    let head = Response::builder().header("content-type", "application/grpc").header("grpc-encoding", "zstd");
    let mut answer = started.call.respond.send_response(head.body(()).unwrap(), false).unwrap();
    answer.send_data(prefixed(1, b"abc"), false).unwrap();
    let error = read(started.reply).await.unwrap_err();
    assert_eq!(error.code(), Code::Unimplemented);
    assert!(error.message().contains("zstd"));
    assert_eq!(std::future::poll_fn(|cx| answer.poll_reset(cx)).await.unwrap(), Reason::CANCEL);
}

#[tokio::test]
async fn a_method_or_a_path_that_cannot_be_sent_is_an_error() {
    let (connector, _connections) = raw_listener();
    let channel = Channel::new(Location::reuse_connection(), connector, ChannelConfig::default()).unwrap();
    let error = channel.call(CallStart::new("no path"), ask("x")).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
}
