//! Deadlines, on both sides and against peers that do not care. The clock is paused: time passes when all wait.

use std::future::pending;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use h2::Reason;
use http::HeaderMap;
use peregrine_proto::{Code, Location};
use peregrine_transport::{CallStart, Channel, ChannelConfig, IncomingCall, Outgoing, Reply, ReplyFrame, Status};
use tokio::time::Instant;

use crate::pair::{OnDrop, Once, ask, framed, open_request, pair, read_all};
use crate::raw::{
    header, open_with, prefixed, raw_client, raw_client_with, raw_listener, raw_server, read_body, read_response,
    request,
};

fn after(timeout: Duration) -> Option<std::time::Instant> {
    Some((Instant::now() + timeout).into_std())
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_handler_that_hangs_is_dropped_and_its_caller_told() {
    let (guard, dropped) = OnDrop::new();
    let guard = Once::new(guard);
    let pair = pair(move |call: IncomingCall| {
        let guard = guard.take();
        async move {
            let _guard = guard;
            assert_eq!(call.info.deadline(), call.token.deadline());
            pending::<Reply>().await
        }
    });
    let (client, _task) = raw_client(&pair.connector).await;
    let start = Instant::now();
    let (response, mut upload) = open_with(&client, request().header("grpc-timeout", "3S")).await;
    upload.send_data(prefixed(0, b"x"), true).unwrap();
    let (head, _) = read_response(response).await;
    assert_eq!(header(&head, "grpc-status"), "4");
    assert!(start.elapsed() >= 3 * SECOND && start.elapsed() < 4 * SECOND);
    dropped.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_stalls_ends_with_trailers_at_the_deadline() {
    let (guard, dropped) = OnDrop::new();
    let guard = Once::new(guard);
    let pair = pair(move |call: IncomingCall| {
        let guard = guard.take();
        async move {
            let first = stream::iter([ReplyFrame::Data(framed("first"))]);
            let frames = stream::StreamExt::chain(first, stream::pending());
            let frames = stream::StreamExt::map(frames, move |frame| {
                let _ = (&guard, &call);
                frame
            });
            Reply::stream(HeaderMap::new(), frames)
        }
    });
    let (client, _task) = raw_client(&pair.connector).await;
    let (response, mut upload) = open_with(&client, request().header("grpc-timeout", "3S")).await;
    upload.send_data(prefixed(0, b"x"), true).unwrap();
    let (_, ended) = read_response(response).await;
    assert_eq!(&ended.data[5..], b"first");
    assert_eq!(ended.status(), "4");
    dropped.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_reads_gets_a_reset_at_the_deadline() {
    let (guard, dropped) = OnDrop::new();
    let guard = Once::new(guard);
    let pair = pair(move |call: IncomingCall| {
        let guard = guard.take();
        async move {
            let frames = stream::repeat_with(move || {
                let _ = (&guard, &call.token);
                ReplyFrame::Data(framed(vec![0; 1 << 20]))
            });
            Reply::stream(HeaderMap::new(), frames)
        }
    });
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(0);
    let (client, _task) = raw_client_with(&pair.connector, &builder).await;
    let (response, mut upload) = open_with(&client, request().header("grpc-timeout", "3S")).await;
    upload.send_data(prefixed(0, b"x"), true).unwrap();
    let start = Instant::now();
    let ended = read_body(response.await.unwrap().into_body()).await;
    assert_eq!(ended.trailers.unwrap_err(), Reason::CANCEL);
    assert!(ended.data.is_empty());
    assert!(start.elapsed() >= 3 * SECOND && start.elapsed() < 5 * SECOND);
    dropped.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_is_read_elsewhere_is_reset_at_the_deadline_too() {
    let (reports, mut reported) = tokio::sync::mpsc::unbounded_channel();
    let pair = pair(move |mut call: IncomingCall| {
        let reports = reports.clone();
        async move {
            tokio::spawn(async move { reports.send(read_all(&mut call.messages).await).unwrap() });
            Reply::stream(HeaderMap::new(), stream::repeat_with(|| ReplyFrame::Data(framed(vec![0; 1 << 20]))))
        }
    });
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(0);
    let (client, _task) = raw_client_with(&pair.connector, &builder).await;
    let (response, upload) = open_with(&client, request().header("grpc-timeout", "3S")).await;
    let ended = read_body(response.await.unwrap().into_body()).await;
    assert_eq!(ended.trailers.unwrap_err(), Reason::CANCEL);
    assert_eq!(reported.recv().await.unwrap().unwrap_err().code(), Code::DeadlineExceeded);
    drop(upload);
}

#[tokio::test(start_paused = true)]
async fn a_client_keeps_its_own_deadline_where_the_server_hangs() {
    for answers in [false, true] {
        let (connector, mut connections) = raw_listener();
        let channel = Channel::new(Location::reuse_connection(), connector, ChannelConfig::default()).unwrap();
        let (_frames, request) = open_request();
        let calling = channel.clone();
        let start = Instant::now();
        let outcome = tokio::spawn(async move {
            let mut reply =
                calling.call(CallStart { deadline: after(3 * SECOND), ..CallStart::new("/a/b") }, request).await?;
            read_all(&mut reply).await
        });
        let (mut calls, _task) = raw_server(&mut connections).await;
        let mut call = calls.recv().await.unwrap();
        let timeout = call.head.headers["grpc-timeout"].to_str().unwrap();
        assert_eq!(timeout, "3000000u");
        let answer = answers.then(|| call.answer());
        assert_eq!(outcome.await.unwrap().unwrap_err().code(), Code::DeadlineExceeded);
        assert!(start.elapsed() >= 3 * SECOND && start.elapsed() < 4 * SECOND);
        let ended = read_body(call.body).await;
        assert_eq!(ended.trailers.unwrap_err(), Reason::CANCEL);
        drop(answer);
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_counts_while_connecting_and_when_it_has_passed() {
    let (connector, mut connections) = raw_listener();
    let config = ChannelConfig { connect_timeout: 60 * SECOND, ..ChannelConfig::default() };
    let channel = Channel::new(Location::reuse_connection(), connector, config).unwrap();
    // The server takes the connection and never says a word: the request waits for nothing, the answer never comes.
    let error =
        channel.call(CallStart { deadline: after(SECOND), ..CallStart::new("/a/b") }, ask("x")).await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
    let error = channel
        .call(CallStart { deadline: after(Duration::ZERO), ..CallStart::new("/a/b") }, ask("x"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
    connections.recv().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_that_the_server_does_not_read_is_reset_at_the_deadline() {
    let (connector, mut connections) = raw_listener();
    let channel = Channel::new(Location::reuse_connection(), connector, ChannelConfig::default()).unwrap();
    let (guard, dropped) = OnDrop::new();
    let frames = stream::repeat_with(move || {
        let _ = &guard;
        Ok(framed(vec![0; 1 << 20]))
    });
    let reply = tokio::spawn(async move {
        channel
            .call(CallStart { deadline: after(3 * SECOND), ..CallStart::new("/a/b") }, Outgoing::stream(frames))
            .await
    });
    let (mut calls, _task) = raw_server(&mut connections).await;
    let mut call = calls.recv().await.unwrap();
    let _answer = call.answer();
    // Nobody reads the reply either: the deadline does not wait for a reader.
    let _reply = reply.await.unwrap().unwrap();
    dropped.await.unwrap();
    assert_eq!(read_body(call.body).await.trailers.unwrap_err(), Reason::CANCEL);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_too_long_for_any_clock_is_no_deadline() {
    let pair = pair(|call: IncomingCall| async move {
        assert!(call.messages.token().cancelled_with().is_none());
        Reply::complete(HeaderMap::new(), framed("done"), Status::ok())
    });
    let (client, _task) = raw_client(&pair.connector).await;
    let (response, mut upload) = open_with(&client, request().header("grpc-timeout", "99999999H")).await;
    upload.send_data(Bytes::new(), true).unwrap();
    assert_eq!(read_response(response).await.1.status(), "0");
    let far = std::time::Instant::now().checked_add(Duration::from_secs(1 << 33));
    let mut reply = pair.channel.call(CallStart { deadline: far, ..CallStart::new("/a/b") }, ask("x")).await.unwrap();
    assert_eq!(read_all(&mut reply).await.unwrap(), ["done"]);
}
