//! Limits: what is too large fails its own call and nothing else.

use std::future::pending;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;
use peregrine_proto::{Code, FlightError, FlightErrorKind, Location};
use peregrine_transport::{
    CallStart, CallToken, Channel, ChannelConfig, Http2Config, IncomingCall, Reply, ReplyFrame, ServeConfig, Status,
};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::pair::{ask, ask_all, call, echo, framed, open_request, pair, pair_with, read_all};
use crate::raw::{header, open, open_with, prefixed, raw_client, raw_listener, read_response, request};
use crate::wire::{self, Wire, frame};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_message_over_the_limit_fails_its_call_and_the_others_go_on() {
    let serve_config = ServeConfig { message_limit: 1000, ..ServeConfig::default() };
    let pair = pair_with(echo, serve_config, ChannelConfig::default());
    let (client, _task) = raw_client(&pair.connector).await;
    let (other, mut other_upload) = open(&client).await;
    other_upload.send_data(prefixed(0, b"one"), false).unwrap();

    let (response, mut upload) = open(&client).await;
    // The prefix alone is enough: the bytes never come.
    let forged = Bytes::from_static(&[0, 0xff, 0xff, 0xff, 0xff]);
    upload.send_data(forged, false).unwrap();
    let (head, _) = read_response(response).await;
    assert_eq!(header(&head, "grpc-status"), "8");
    let message = header(&head, "grpc-message");
    assert!(message.contains("4294967295") && message.contains("1000"), "{message}");

    other_upload.send_data(prefixed(0, &[1; 1000]), true).unwrap();
    let (_, ended) = read_response(other).await;
    assert_eq!(ended.status(), "0");
    assert_eq!(ended.data.len(), 5 + 3 + 5 + 1000);
}

#[tokio::test]
async fn a_client_has_a_limit_too_and_can_change_it_for_a_call() {
    let config = ChannelConfig { message_limit: 1000, ..ChannelConfig::default() };
    let pair = pair_with(echo, ServeConfig::default(), config);
    let error = ask_all(&pair.channel, vec![0; 1001]).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted);
    assert!(error.message().contains("1001"), "{error}");
    assert_eq!(FlightError::from(error).kind(), FlightErrorKind::ResourceExhausted);
    assert_eq!(ask_all(&pair.channel, vec![0; 1000]).await.unwrap()[0].len(), 1000);
    let mut reply = call(&pair.channel, ask(vec![0; 2000])).await.unwrap();
    reply.set_message_limit(2000);
    assert_eq!(read_all(&mut reply).await.unwrap()[0].len(), 2000);
}

#[tokio::test]
async fn headers_that_are_too_large_fail_their_call_alone() {
    let serve_config = ServeConfig {
        http2: Http2Config { max_header_list_size: 4096, ..Http2Config::server() },
        ..ServeConfig::default()
    };
    let pair = pair_with(echo, serve_config, ChannelConfig::default());
    let (client, _task) = raw_client(&pair.connector).await;
    let (response, mut upload) = open_with(&client, request().header("x-large", "a".repeat(8000))).await;
    upload.send_data(Bytes::new(), true).ok();
    assert_eq!(response.await.unwrap().status(), 431);
    let (response, mut upload) = open(&client).await;
    upload.send_data(prefixed(0, b"fine"), true).unwrap();
    assert_eq!(read_response(response).await.1.status(), "0");

    let mut metadata = HeaderMap::new();
    metadata.insert("x-large", "a".repeat(8000).parse().unwrap());
    let error = pair.channel.call(CallStart { metadata, ..CallStart::new("/a/b") }, ask("x")).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted, "{error}");
    assert_eq!(ask_all(&pair.channel, "fine").await.unwrap(), ["fine"]);
}

#[tokio::test]
async fn calls_over_the_limit_of_a_connection_wait_their_turn() {
    let serve_config = ServeConfig {
        http2: Http2Config { max_concurrent_streams: 1, ..Http2Config::server() },
        ..ServeConfig::default()
    };
    let pair = pair_with(echo, serve_config, ChannelConfig::default());
    assert_eq!(ask_all(&pair.channel, "warm").await.unwrap(), ["warm"]);
    let (frames, request) = open_request();
    let channel = pair.channel.clone();
    let first = tokio::spawn(async move { read_all(&mut call(&channel, request).await?).await });
    tokio::task::yield_now().await;
    let channel = pair.channel.clone();
    let second = tokio::spawn(async move { ask_all(&channel, "second").await });
    frames.send(Ok(framed("first"))).unwrap();
    drop(frames);
    assert_eq!(first.await.unwrap().unwrap(), ["first"]);
    assert_eq!(second.await.unwrap().unwrap(), ["second"]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_is_closed_and_gives_its_place_free() {
    let serve_config = ServeConfig { max_connections: 1, ..ServeConfig::default() };
    let pair = pair_with(echo, serve_config, ChannelConfig::default());
    let mut silent = pair.connector.open().unwrap();
    let mut read = Vec::new();
    let start = Instant::now();
    // hyper greets first; then the connection ends.
    silent.read_to_end(&mut read).await.ok();
    assert!(start.elapsed() >= Duration::from_secs(10));
    assert_eq!(ask_all(&pair.channel, "fine").await.unwrap(), ["fine"]);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_pings_is_dropped() {
    let (tokens, mut token) = mpsc::unbounded_channel::<CallToken>();
    let pair = pair(move |call: IncomingCall| {
        tokens.send(call.token.clone()).unwrap();
        pending::<Reply>()
    });
    let (client, task) = raw_client(&pair.connector).await;
    let _open = open(&client).await;
    let token = token.recv().await.unwrap();
    let silent = Wire::connect(pair.connector.open().unwrap(), 1 << 16).await;
    let start = Instant::now();
    silent.read_to_end().await;
    assert!(start.elapsed() >= Duration::from_secs(80), "{:?}", start.elapsed());
    // The one that answers is still there.
    assert!(!token.is_cancelled());
    task.abort();
    token.cancelled().await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_its_socket_is_dropped() {
    let endless = |call: IncomingCall| async move {
        if call.info.path() != "/a/b" {
            return echo(call).await;
        }
        let frames = stream::repeat_with(|| ReplyFrame::Data(framed(vec![0; 1 << 20])));
        Reply::stream(HeaderMap::new(), frames)
    };
    let serve_config = ServeConfig { max_connections: 1, ..ServeConfig::default() };
    let pair =
        pair_with(endless, serve_config, ChannelConfig { connect_timeout: MINUTE * 5, ..ChannelConfig::default() });
    let mut frozen = Wire::connect(pair.connector.open().unwrap(), 0x7000_0000).await;
    frozen.write(frame::HEADERS, frame::END_HEADERS | frame::END_STREAM, 1, &wire::request()).await;
    let start = Instant::now();
    // Nothing can be written any more, not even that the connection ends; its place comes free all the same.
    assert_eq!(ask_all(&pair.channel, "x").await.unwrap(), ["x"]);
    assert!(start.elapsed() >= Duration::from_secs(80), "{:?}", start.elapsed());
    frozen.read_to_end().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_greets_is_unavailable() {
    let (connector, mut connections) = raw_listener();
    let channel = Channel::new(Location::reuse_connection(), connector, ChannelConfig::default()).unwrap();
    let error = ask_all(&channel, "x").await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.message().contains("did not speak HTTP/2 within 20s"), "{error}");
    connections.recv().await.unwrap();
}

#[tokio::test]
async fn trailers_stay_under_their_limit_and_say_what_is_missing() {
    let pair = pair(|_| async {
        let error = FlightError::not_found("ü".repeat(10_000)).with_extra_info(vec![7; 20_000]);
        Reply::end(HeaderMap::new(), Status::from(error))
    });
    let error = ask_all(&pair.channel, "x").await.unwrap_err();
    let (client, _task) = raw_client(&pair.connector).await;
    let (response, _upload) = open(&client).await;
    let (head, _) = read_response(response).await;
    let size: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
    let size = size + ":status".len() + "200".len() + 32;
    assert!((7 << 10..8 << 10).contains(&size), "{size} bytes of trailers alone");
    let error = FlightError::from(error);
    assert_eq!(error.kind(), FlightErrorKind::NotFound);
    assert!(error.extra_info().is_empty());
    assert!(error.message().starts_with('ü') && error.message().contains("extra_info"), "{}", error.message());
}
