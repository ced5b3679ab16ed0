//! When a channel connects again, and when it does not yet.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use peregrine_proto::{Code, Location};
use peregrine_transport::{
    Backoff, Channel, ChannelConfig, Connect, Connecting, InMemoryConnect, Io, Listener, ServeConfig, ServeHandle,
    serve,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::{Instant, advance};

use crate::pair::{ask_all, echo};

const MINUTE: Duration = Duration::from_secs(60);

/// A server that may be out of reach, and the times at which it was sought.
#[derive(Clone)]
struct Island {
    connector: InMemoryConnect,
    can_be_reached: Arc<AtomicBool>,
    attempts: Arc<Mutex<Vec<Instant>>>,
}

impl Island {
    fn new() -> (Self, ServeHandle) {
        let (listener, connector) = Listener::in_memory();
        let server = serve(listener, echo, ServeConfig::default()).unwrap();
        (Self { connector, can_be_reached: Arc::default(), attempts: Arc::default() }, server)
    }

    fn channel(&self) -> Channel {
        Channel::new(Location::reuse_connection(), self.clone(), ChannelConfig::default()).unwrap()
    }

    fn open(&self, can_be_reached: bool) {
        self.can_be_reached.store(can_be_reached, Ordering::Relaxed);
    }

    fn attempts(&self) -> Vec<Instant> {
        self.attempts.lock().unwrap().clone()
    }
}

impl Connect for Island {
    fn connect<'a>(&'a self, location: &'a Location) -> Connecting<'a> {
        self.attempts.lock().unwrap().push(Instant::now());
        Box::pin(async {
            match self.can_be_reached.load(Ordering::Relaxed) {
                true => self.connector.connect(location).await,
                false => Err(io::Error::other("the bridge is up")),
            }
        })
    }

    fn authority(&self, _: &Location) -> String {
        "island".to_owned()
    }

    fn address(&self, _: &Location) -> String {
        "the island".to_owned()
    }
}

/// The pause that is left, which the channel must have.
fn pause(channel: &Channel) -> Duration {
    Instant::from_std(channel.next_attempt().expect("a pause")).duration_since(Instant::now())
}

/// The pauses that a number of failures may bring, in milliseconds.
fn bounds(failures: i32) -> Range<f64> {
    let exact = (100.0 * 1.6_f64.powi(failures - 1)).min(10_000.0);
    0.8 * exact..1.2 * exact + 1.0
}

#[tokio::test(start_paused = true)]
async fn a_thousand_calls_make_one_attempt() {
    let (island, _server) = Island::new();
    let channel = island.channel();
    assert_eq!(channel.next_attempt(), None);
    for answer in join_all((0..1000).map(|_| ask_all(&channel, "x"))).await {
        assert_eq!(answer.unwrap_err().code(), Code::Unavailable);
    }
    for _ in 0..1000 {
        let error = ask_all(&channel, "x").await.unwrap_err();
        assert_eq!(error.code(), Code::Unavailable);
        assert!(error.message().contains("the island") && error.message().contains("the bridge is up"), "{error}");
        assert!(error.message().contains("the next attempt is in"), "{error}");
    }
    assert_eq!(island.attempts().len(), 1);
    assert!(bounds(1).contains(&(pause(&channel).as_secs_f64() * 1000.0)));
}

#[tokio::test(start_paused = true)]
async fn attempts_come_ever_more_slowly_up_to_a_limit() {
    let (island, _server) = Island::new();
    let channel = island.channel();
    let started = Instant::now();
    while started.elapsed() < 2 * MINUTE {
        ask_all(&channel, "x").await.unwrap_err();
        advance(Duration::from_millis(10)).await;
    }
    let attempts = island.attempts();
    assert!((15..30).contains(&attempts.len()), "{} attempts in two minutes", attempts.len());
    for (at, pair) in attempts.windows(2).enumerate() {
        let Range { start, end } = bounds(at as i32 + 1);
        let between = (pair[1] - pair[0]).as_secs_f64() * 1000.0;
        assert!((start..end + 10.0).contains(&between), "attempt {at} and the next: {between} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_comes_back_is_found_and_the_pauses_begin_anew() {
    let (island, server) = Island::new();
    let channel = island.channel();
    for failures in 1..8 {
        ask_all(&channel, "x").await.unwrap_err();
        let pause = pause(&channel);
        assert!(bounds(failures).contains(&(pause.as_secs_f64() * 1000.0)), "{failures} failures, {pause:?}");
        advance(pause).await;
    }
    island.open(true);
    assert_eq!(ask_all(&channel, "x").await.unwrap(), ["x"]);
    assert_eq!(channel.next_attempt(), None);

    server.shutdown(MINUTE).await;
    ask_all(&channel, "x").await.unwrap_err();
    let pause = pause(&channel);
    assert!(bounds(1).contains(&(pause.as_secs_f64() * 1000.0)), "{pause:?}");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_took_longer_than_its_pause_brings_none() {
    struct Hanging;
    impl Connect for Hanging {
        fn connect<'a>(&'a self, _: &'a Location) -> Connecting<'a> {
            Box::pin(std::future::pending())
        }

        fn authority(&self, _: &Location) -> String {
            "nowhere".to_owned()
        }

        fn address(&self, _: &Location) -> String {
            "nowhere".to_owned()
        }
    }
    let config = ChannelConfig { connect_timeout: Duration::from_secs(1), ..ChannelConfig::default() };
    let channel = Channel::new(Location::reuse_connection(), Hanging, config).unwrap();
    ask_all(&channel, "x").await.unwrap_err();
    assert_eq!(channel.next_attempt(), None);
}

#[tokio::test(start_paused = true)]
async fn without_a_pause_each_call_connects() {
    let (island, _server) = Island::new();
    let backoff = Backoff { initial: Duration::ZERO, ..Backoff::default() };
    let channel = Channel::new(
        Location::reuse_connection(),
        island.clone(),
        ChannelConfig { backoff, ..ChannelConfig::default() },
    )
    .unwrap();
    for _ in 0..3 {
        let error = ask_all(&channel, "x").await.unwrap_err();
        assert!(!error.message().contains("next attempt"), "{error}");
    }
    assert_eq!(island.attempts().len(), 3);
    island.open(true);
    assert_eq!(ask_all(&channel, "x").await.unwrap(), ["x"]);
}

/// Peers that take a connection and do not speak HTTP/2.
#[derive(Clone)]
struct Foreign {
    says: &'static [u8],
    attempts: Arc<Mutex<usize>>,
}

impl Connect for Foreign {
    fn connect<'a>(&'a self, _: &'a Location) -> Connecting<'a> {
        *self.attempts.lock().unwrap() += 1;
        Box::pin(async {
            let (ours, mut theirs) = duplex(1 << 16);
            let says = self.says;
            tokio::spawn(async move {
                theirs.read_exact(&mut [0; 24]).await.unwrap();
                theirs.write_all(says).await.unwrap();
            });
            Ok(Box::new(ours) as Box<dyn Io>)
        })
    }

    fn authority(&self, _: &Location) -> String {
        "abroad".to_owned()
    }

    fn address(&self, _: &Location) -> String {
        "abroad".to_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_never_spoke_http2_has_failed() {
    for says in [&b""[..], b"SSH", b"HTTP/1.1 400 Bad Request\r\n\r\n", &[0, 0, 6, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6]]
    {
        let attempts = Arc::default();
        let foreign = Foreign { says, attempts: Arc::clone(&attempts) };
        let channel = Channel::new(Location::reuse_connection(), foreign, ChannelConfig::default()).unwrap();
        for _ in 0..100 {
            assert_eq!(ask_all(&channel, "x").await.unwrap_err().code(), Code::Unavailable, "{says:?}");
        }
        let error = ask_all(&channel, "x").await.unwrap_err();
        assert!(error.message().contains("abroad") && error.message().contains("spoke HTTP/2"), "{says:?}: {error}");
        assert_eq!(*attempts.lock().unwrap(), 1, "{says:?}");
        advance(pause(&channel)).await;
        ask_all(&channel, "x").await.unwrap_err();
        assert_eq!(*attempts.lock().unwrap(), 2, "{says:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_lost_after_it_worked_is_made_anew_at_once() {
    let (listener, connector) = Listener::in_memory();
    let mut server = serve(listener, echo, ServeConfig::default()).unwrap();
    let current = Arc::new(Mutex::new(connector));
    let channel =
        Channel::new(Location::reuse_connection(), Moving(Arc::clone(&current)), ChannelConfig::default()).unwrap();
    let started = Instant::now();
    for _ in 0..5 {
        assert_eq!(ask_all(&channel, "x").await.unwrap(), ["x"]);
        server.shutdown(MINUTE).await;
        let (listener, connector) = Listener::in_memory();
        server = serve(listener, echo, ServeConfig::default()).unwrap();
        *current.lock().unwrap() = connector;
    }
    assert_eq!(started.elapsed(), Duration::ZERO);
}

/// A server that moves.
struct Moving(Arc<Mutex<InMemoryConnect>>);

impl Connect for Moving {
    fn connect<'a>(&'a self, location: &'a Location) -> Connecting<'a> {
        let connector = self.0.lock().unwrap().clone();
        Box::pin(async move { connector.connect(location).await })
    }

    fn authority(&self, _: &Location) -> String {
        "moving".to_owned()
    }

    fn address(&self, _: &Location) -> String {
        "moving".to_owned()
    }
}
