//! How servers and channels begin and end.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::HeaderMap;
use peregrine_proto::{Code, Location};
use peregrine_transport::{
    Backoff, CallToken, Channel, ChannelConfig, Connect, Connecting, InMemoryConnect, IncomingCall, Listener, Outgoing,
    Reply, ReplyFrame, Rope, ServeConfig, Shutdown, SocketConnect, Status, serve,
};
use tokio::sync::{Notify, mpsc};

use crate::pair::{ask, ask_all, call, echo, framed, open_reply, pair, read_all};
use crate::raw::raw_listener;
use crate::wire::{Wire, frame, headers};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_shutdown_lets_a_running_call_finish_and_takes_no_other() {
    let (senders, mut sender) = mpsc::unbounded_channel();
    let pair = pair(move |_| {
        let (sender, reply) = open_reply();
        sender.send(ReplyFrame::Data(framed("first"))).unwrap();
        senders.send(sender).unwrap();
        async move { reply }
    });
    let mut running = call(&pair.channel, ask("x")).await.unwrap();
    assert_eq!(running.next_message().await.unwrap().unwrap(), "first");
    let server = pair.server.clone();
    let shutdown = tokio::spawn(async move { server.shutdown(MINUTE).await });
    // The paused clock moves on when all wait: the server has drained by then what it could.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let refused = ask_all(&pair.channel, "x").await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused}");
    let sender = sender.recv().await.unwrap();
    sender.send(ReplyFrame::Data(framed("second"))).unwrap();
    sender.send(ReplyFrame::End(Status::ok())).unwrap();
    assert_eq!(read_all(&mut running).await.unwrap(), ["second"]);
    assert_eq!(shutdown.await.unwrap(), Shutdown::Drained);
    pair.server.wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_cuts_what_runs_at_its_deadline() {
    let (tokens, mut token) = mpsc::unbounded_channel::<CallToken>();
    let pair = pair(move |call: IncomingCall| {
        tokens.send(call.token.clone()).unwrap();
        pending::<Reply>()
    });
    let channel = pair.channel.clone();
    let hanging = tokio::spawn(async move { ask_all(&channel, "x").await });
    let token = token.recv().await.unwrap();
    let start = tokio::time::Instant::now();
    assert_eq!(pair.server.shutdown(MINUTE).await, Shutdown::Cut);
    assert!(start.elapsed() >= MINUTE && start.elapsed() < 2 * MINUTE);
    assert_eq!(token.cancelled().await.code(), Code::Cancelled);
    assert_eq!(hanging.await.unwrap().unwrap_err().code(), Code::Unavailable);
    pair.server.wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_cuts_a_client_that_never_reads() {
    let pair = pair(|_| async {
        let frames = futures_util::stream::repeat_with(|| ReplyFrame::Data(framed(vec![0; 1 << 20])));
        Reply::stream(HeaderMap::new(), frames)
    });
    let _unread = call(&pair.channel, Outgoing::whole(Rope::new())).await.unwrap();
    assert_eq!(pair.server.shutdown(MINUTE).await, Shutdown::Cut);
}

#[tokio::test(start_paused = true)]
async fn an_idle_server_shuts_down_at_once_whatever_is_connected() {
    let pair = pair(echo);
    assert_eq!(ask_all(&pair.channel, "x").await.unwrap(), ["x"]);
    let _silent = pair.connector.open().unwrap();
    let start = tokio::time::Instant::now();
    assert_eq!(pair.server.shutdown(MINUTE).await, Shutdown::Drained);
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(pair.server.shutdown(MINUTE).await, Shutdown::Drained, "twice is no harm");
}

/// A socket that is closed with bytes unread resets its connection, and the peer loses what it has not read.
#[tokio::test(start_paused = true)]
async fn a_closing_server_reads_on_until_its_peer_closes() {
    let pair = pair(echo);
    let mut peer = Wire::connect(pair.connector.open().unwrap(), 1 << 20).await;
    let server = pair.server.clone();
    peer.read_until(frame::SETTINGS).await;
    let shutdown = tokio::spawn(async move { server.shutdown(MINUTE).await });
    peer.answer_ping().await;
    peer.read_to_close().await;
    peer.write(frame::WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes()).await;
    assert!(!shutdown.is_finished());
    drop(peer);
    assert_eq!(shutdown.await.unwrap(), Shutdown::Drained);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_ends_the_server() {
    let (tokens, mut token) = mpsc::unbounded_channel::<CallToken>();
    let pair = pair(move |call: IncomingCall| {
        tokens.send(call.token.clone()).unwrap();
        pending::<Reply>()
    });
    let channel = pair.channel.clone();
    let hanging = tokio::spawn(async move { ask_all(&channel, "x").await });
    let token = token.recv().await.unwrap();
    let clone = pair.server.clone();
    drop(pair.server);
    assert!(!token.is_ended());
    drop(clone);
    token.cancelled().await;
    assert_eq!(hanging.await.unwrap().unwrap_err().code(), Code::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn connections_that_fail_to_come_neither_end_the_server_nor_hold_it_up() {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let listener = Listener::from_stream("mine", futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx)));
    assert_eq!(listener.local_addr().to_string(), "mine");
    let _server = serve(listener, echo, ServeConfig::default()).unwrap();
    let start = tokio::time::Instant::now();
    for _ in 0..100 {
        sender.send(Err(std::io::Error::other("a handshake of TLS failed"))).unwrap();
    }
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    sender.send(Ok(theirs)).unwrap();
    let connector = Prepared(std::sync::Mutex::new(Some(ours)));
    let channel = Channel::new(Location::reuse_connection(), connector, ChannelConfig::default()).unwrap();
    assert_eq!(ask_all(&channel, "x").await.unwrap(), ["x"]);
    assert_eq!(start.elapsed(), Duration::ZERO, "of the paused clock");
}

/// Hands out one connection.
struct Prepared(std::sync::Mutex<Option<tokio::io::DuplexStream>>);

impl Connect for Prepared {
    fn connect<'a>(&'a self, _: &'a Location) -> Connecting<'a> {
        let io = self.0.lock().unwrap().take();
        Box::pin(async { io.map(|io| Box::new(io) as _).ok_or_else(|| std::io::Error::other("only one")) })
    }

    fn authority(&self, _: &Location) -> String {
        "mine".to_owned()
    }

    fn address(&self, _: &Location) -> String {
        "mine".to_owned()
    }
}

/// Counts connections, and makes them when it is told to.
struct Gated {
    inner: InMemoryConnect,
    gate: Arc<Notify>,
    connections: Arc<AtomicUsize>,
}

impl Connect for Gated {
    fn connect<'a>(&'a self, location: &'a Location) -> Connecting<'a> {
        self.connections.fetch_add(1, Ordering::Relaxed);
        Box::pin(async {
            self.gate.notified().await;
            self.inner.connect(location).await
        })
    }

    fn authority(&self, _: &Location) -> String {
        self.inner.authority(&Location::reuse_connection())
    }

    fn address(&self, _: &Location) -> String {
        self.inner.address(&Location::reuse_connection())
    }
}

#[tokio::test]
async fn calls_share_one_connection_even_if_the_first_is_given_up() {
    let (listener, inner) = Listener::in_memory();
    let _server = serve(listener, echo, ServeConfig::default()).unwrap();
    let (gate, connections) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let connector = Gated { inner, gate: Arc::clone(&gate), connections: Arc::clone(&connections) };
    let channel = Channel::new(Location::reuse_connection(), connector, ChannelConfig::default()).unwrap();
    assert_eq!(connections.load(Ordering::Relaxed), 0, "lazy");
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let channel = channel.clone();
            tokio::spawn(async move { ask_all(&channel, "x").await })
        })
        .collect();
    tokio::task::yield_now().await;
    calls[0].abort();
    gate.notify_one();
    for call in calls.into_iter().skip(1) {
        assert_eq!(call.await.unwrap().unwrap(), ["x"]);
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_connection_survives_what_still_comes_for_cancelled_calls() {
    let (connector, mut connections) = raw_listener();
    let channel = Channel::new(Location::reuse_connection(), connector, ChannelConfig::default()).unwrap();
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let channel = channel.clone();
            tokio::spawn(async move { call(&channel, ask("x")).await })
        })
        .collect();
    let mut wire = Wire::serve(connections.recv().await.unwrap()).await;
    let mut streams = Vec::new();
    for _ in 0..calls.len() {
        let stream = wire.read_until(frame::HEADERS).await;
        wire.write(frame::HEADERS, frame::END_HEADERS, stream, &headers(&[])).await;
        streams.push(stream);
    }
    for call in calls {
        drop(call.await.unwrap().unwrap());
    }
    for _ in &streams {
        wire.read_until(frame::RST_STREAM).await;
    }
    // 3000 frames for calls of which h2 by itself remembers 50; it closes the connection after 1024 for others.
    for stream in streams.iter().cycle().take(3000) {
        wire.write(frame::DATA, 0, *stream, &[0; 300]).await;
    }
    let last = tokio::spawn(async move { ask_all(&channel, "x").await });
    let stream = wire.read_until(frame::HEADERS).await;
    let end = frame::END_HEADERS | frame::END_STREAM;
    wire.write(frame::HEADERS, end, stream, &headers(&[("grpc-status", "0")])).await;
    assert!(last.await.unwrap().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_takes_too_long_is_unavailable() {
    let (_listener, inner) = Listener::in_memory();
    let connector = Gated { inner, gate: Arc::default(), connections: Arc::default() };
    let channel = Channel::new(Location::reuse_connection(), connector, ChannelConfig::default()).unwrap();
    let start = tokio::time::Instant::now();
    let error = ask_all(&channel, "x").await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.message().contains("20s"), "{error}");
    assert_eq!(start.elapsed(), Duration::from_secs(20));
}

#[tokio::test]
async fn an_error_of_connecting_names_the_address() {
    let port = {
        // Nobody listens there any more.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let channel =
        Channel::new(Location::for_grpc_tcp("127.0.0.1", port), SocketConnect, ChannelConfig::default()).unwrap();
    let error = ask_all(&channel, "x").await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.message().contains(&format!("127.0.0.1:{port}")), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let channel =
        Channel::new(Location::for_grpc_unix(folder.path().join("no.sock")), SocketConnect, ChannelConfig::default())
            .unwrap();
    let error = ask_all(&channel, "x").await.unwrap_err();
    assert!(error.message().contains("no.sock"), "{error}");

    let (listener, connector) = Listener::in_memory();
    drop(listener);
    let channel = Channel::new(Location::reuse_connection(), connector, ChannelConfig::default()).unwrap();
    assert_eq!(ask_all(&channel, "x").await.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn a_server_that_is_gone_and_back_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flight.sock");
    let backoff = Backoff { initial: Duration::ZERO, ..Backoff::default() };
    let config = ChannelConfig { backoff, ..ChannelConfig::default() };
    let channel = Channel::new(Location::for_grpc_unix(&path), SocketConnect, config).unwrap();
    for round in 0..3 {
        let server = serve(Listener::unix(&path).unwrap(), echo, ServeConfig::default()).unwrap();
        let message = format!("round {round}");
        assert_eq!(ask_all(&channel, message.clone()).await.unwrap(), [message]);
        server.shutdown(MINUTE).await;
        let error = ask_all(&channel, "nobody").await.unwrap_err();
        assert_eq!(error.code(), Code::Unavailable);
    }
}

#[tokio::test]
async fn a_channel_closes_its_connection_when_it_is_dropped() {
    let (connector, mut connections) = raw_listener();
    let channel = Channel::new(Location::reuse_connection(), connector, ChannelConfig::default()).unwrap();
    let calling = channel.clone();
    let reply = tokio::spawn(async move { call(&calling, ask("x")).await });
    let (mut calls, task) = crate::raw::raw_server(&mut connections).await;
    let mut raw = calls.recv().await.unwrap();
    let mut answer = raw.answer();
    let mut reply = reply.await.unwrap().unwrap();
    drop(channel);
    // The call goes on without its channel.
    answer.send_data(crate::raw::prefixed(0, b"late"), false).unwrap();
    assert_eq!(reply.next_message().await.unwrap().unwrap(), "late");
    drop(reply);
    drop((raw, answer));
    task.await.unwrap();
}

#[tokio::test]
async fn settings_that_http2_does_not_allow_are_errors() {
    let http2 = peregrine_transport::Http2Config { max_frame_size: 1, ..peregrine_transport::Http2Config::server() };
    let (listener, connector) = Listener::in_memory();
    let config = ServeConfig { http2: http2.clone(), ..ServeConfig::default() };
    assert!(serve(listener, echo, config).unwrap_err().message().contains("max_frame_size"));
    assert!(
        Channel::new(Location::reuse_connection(), connector, ChannelConfig { http2, ..ChannelConfig::default() })
            .is_err()
    );
}
