//! Making connections: at the first call, together, in time, and again after a failure.

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::join_all;
use peregrine_client::{FlightCallOptions, FlightClient, FlightClientBuilder};
use peregrine_proto::{FlightError, FlightErrorKind, Location, Ticket};
use peregrine_testkit::waiting::soon;
use peregrine_testkit::{MemoryService, Pair, PairConnector, batches};
use peregrine_transport::{Backoff, Connect, Connecting};
use tokio::time::Instant;

/// What becomes of a connection.
enum Attempt {
    Works,
    Fails,
    Hangs,
}

/// Connects as it was told, attempt by attempt.
struct Scripted {
    connector: PairConnector,
    attempts: Mutex<VecDeque<Attempt>>,
}

impl Connect for Scripted {
    fn connect<'a>(&'a self, location: &'a Location) -> Connecting<'a> {
        let attempt = self.attempts.lock().unwrap().pop_front().expect("no attempt more than needed");
        Box::pin(async move {
            match attempt {
                Attempt::Works => self.connector.connect(location).await,
                Attempt::Fails => Err(io::Error::new(io::ErrorKind::HostUnreachable, "the bridge is up")),
                Attempt::Hangs => pending().await,
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

fn pair() -> Pair {
    Pair::new(MemoryService::with("trips", batches::one_per_type()))
}

fn client(pair: &Pair, attempts: impl IntoIterator<Item = Attempt>) -> FlightClientBuilder {
    let attempts = Mutex::new(attempts.into_iter().collect());
    let builder = FlightClient::builder(Location::reuse_connection()).unwrap();
    builder.connector(Scripted { connector: pair.connector(), attempts })
}

async fn read(client: &FlightClient) -> Result<usize, FlightError> {
    Ok(client.do_get(Ticket::new("trips")).await?.read_all().await?.num_rows())
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_fails_is_unavailable_and_a_call_after_the_pause_tries_again() {
    let pair = pair();
    let client = client(&pair, [Attempt::Fails, Attempt::Fails, Attempt::Works]).build().unwrap();
    for _ in 0..2 {
        for is_in_pause in [false, true, true] {
            let error = soon(read(&client)).await.unwrap_err();
            assert_eq!(error.kind(), FlightErrorKind::Unavailable);
            assert!(error.message().contains("the island"), "the server is named: {error}");
            assert!(error.message().contains("the bridge is up"), "and what the system says: {error}");
            assert_eq!(error.message().contains("the next attempt is in"), is_in_pause, "{error}");
        }
        // The second pause is of 192 ms at most.
        tokio::time::advance(Duration::from_millis(200)).await;
    }
    assert_eq!(soon(read(&client)).await.unwrap(), 107);
}

#[tokio::test(start_paused = true)]
async fn without_backoff_the_next_call_tries_again() {
    let pair = pair();
    let backoff = Backoff { initial: Duration::ZERO, ..Backoff::default() };
    let client = client(&pair, [Attempt::Fails, Attempt::Fails, Attempt::Works]).backoff(backoff).build().unwrap();
    for _ in 0..2 {
        assert_eq!(soon(read(&client)).await.unwrap_err().kind(), FlightErrorKind::Unavailable);
    }
    assert_eq!(soon(read(&client)).await.unwrap(), 107);
}

#[tokio::test(start_paused = true)]
async fn calls_that_start_together_wait_for_one_connection() {
    let pair = pair();
    let good = client(&pair, [Attempt::Works]).build().unwrap();
    assert!(join_all((0..20).map(|_| read(&good))).await.into_iter().all(|rows| rows.unwrap() == 107));
    let bad = client(&pair, [Attempt::Fails]).build().unwrap();
    for answer in join_all((0..20).map(|_| read(&bad))).await {
        assert_eq!(answer.unwrap_err().kind(), FlightErrorKind::Unavailable);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_hangs_is_given_up_at_the_connect_timeout() {
    let pair = pair();
    let builder = client(&pair, [Attempt::Hangs, Attempt::Works]);
    let client = builder.connect_timeout(Duration::from_secs(3)).build().unwrap();
    let started = Instant::now();
    assert_eq!(soon(read(&client)).await.unwrap_err().kind(), FlightErrorKind::Unavailable);
    assert_eq!(started.elapsed().as_secs(), 3);
    assert_eq!(soon(read(&client)).await.unwrap(), 107);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_a_connection_ends_at_its_own_timeout() {
    let pair = pair();
    let client = client(&pair, [Attempt::Hangs]).build().unwrap();
    let started = Instant::now();
    let options = FlightCallOptions::new().with_timeout(Duration::from_secs(1));
    let error = soon(client.with(options.clone()).do_get(Ticket::new("trips"))).await.unwrap_err();
    assert_eq!((error.kind(), started.elapsed().as_secs()), (FlightErrorKind::TimedOut, 1));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_does_not_take_the_connection_with_it() {
    let pair = pair();
    let client = client(&pair, [Attempt::Works]).build().unwrap();
    let mut first = Box::pin(read(&client));
    assert!(futures_util::poll!(&mut first).is_pending());
    drop(first);
    assert_eq!(soon(read(&client)).await.unwrap(), 107);
}
