//! Waiting for a server: one that is there, one that is not ready yet, one that never comes.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::stream;
use peregrine_client::FlightClient;
use peregrine_proto::{FlightError, FlightErrorKind, FlightInfo, Location};
use peregrine_stream::MessageStream;
use peregrine_testkit::one_rpc::{DoGet, ListFlights};
use peregrine_testkit::waiting::{OnDrop, Once};
use peregrine_testkit::{MemoryService, Pair, batches};
use peregrine_transport::{Backoff, Connect, Connecting};
use tokio::time::Instant;

const LIMIT: Duration = Duration::from_secs(5);

#[track_caller]
fn assert_took(started: Instant, least: Duration, most: Duration) {
    let elapsed = started.elapsed();
    assert!((least..=most).contains(&elapsed), "it took {elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_there_is_not_waited_for_whether_it_lists_flights_or_not() {
    let started = Instant::now();
    for pair in [Pair::new(MemoryService::new()), Pair::new(MemoryService::with("trips", batches::one_per_type()))] {
        pair.client().wait_for_available(LIMIT).await.unwrap();
    }
    let without_listings = Pair::new(DoGet(|_, _| pending()));
    without_listings.client().wait_for_available(LIMIT).await.unwrap();
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn one_flight_of_an_endless_listing_is_enough() {
    let (guard, dropped) = OnDrop::new();
    let once = Once::new(guard);
    let pair = Pair::new(ListFlights(move |_, _| {
        let guard = once.take();
        let endless = stream::repeat_with(move || {
            let _held = &guard;
            Ok::<_, FlightError>(FlightInfo::new(&batches::int64(0).schema()))
        });
        async { Ok(MessageStream::from_stream(endless)) }
    }));
    pair.client().wait_for_available(LIMIT).await.unwrap();
    dropped.wait().await;
}

/// A server that answers a number of listings with an error.
fn refusing(times: usize, error: FlightError) -> (Pair, Arc<AtomicUsize>) {
    let listings = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&listings);
    let pair = Pair::new(ListFlights(move |_, _| {
        let answer = match counted.fetch_add(1, Ordering::Relaxed) < times {
            true => Err(error.clone()),
            false => Ok(MessageStream::empty()),
        };
        async { answer }
    }));
    (pair, listings)
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_it_is_unavailable_is_asked_again_ever_more_slowly() {
    let (pair, listings) = refusing(5, FlightError::unavailable("warming up"));
    let started = Instant::now();
    pair.client().wait_for_available(LIMIT).await.unwrap();
    assert_eq!(listings.load(Ordering::Relaxed), 6);
    // 100, 160, 256, 409 and 655 ms, a fifth less or more.
    assert_took(started, Duration::from_millis(1264), Duration::from_millis(1900));

    let (pair, listings) = refusing(usize::MAX, FlightError::unavailable("under repair"));
    let started = Instant::now();
    let error = pair.client().wait_for_available(LIMIT).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (FlightErrorKind::Unavailable, "under repair"));
    assert_took(started, LIMIT, LIMIT);
    assert!((6..=9).contains(&listings.load(Ordering::Relaxed)), "{listings:?}");
}

#[tokio::test(start_paused = true)]
async fn another_error_comes_at_once() {
    for error in [FlightError::unauthenticated("who are you?"), FlightError::failed("the catalogue is torn")] {
        let (pair, listings) = refusing(usize::MAX, error.clone());
        let told = pair.client().wait_for_available(LIMIT).await.unwrap_err();
        assert_eq!((told.kind(), told.message()), (error.kind(), error.message()));
        assert_eq!(listings.load(Ordering::Relaxed), 1);
    }
    let pair = Pair::new(MemoryService::new());
    pair.client().close();
    let error = pair.client().wait_for_available(LIMIT).await.unwrap_err();
    assert_eq!(error.kind(), FlightErrorKind::InvalidArgument);
}

/// A server that cannot be reached, or to which no way ever ends.
struct Nowhere {
    hangs: bool,
    attempts: Arc<AtomicUsize>,
}

impl Connect for Nowhere {
    fn connect<'a>(&'a self, _: &'a Location) -> Connecting<'a> {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        Box::pin(async {
            match self.hangs {
                true => pending().await,
                false => Err(io::Error::other("no such place")),
            }
        })
    }

    fn authority(&self, _: &Location) -> String {
        "nowhere".to_owned()
    }

    fn address(&self, _: &Location) -> String {
        "nowhere".to_owned()
    }
}

fn nowhere(hangs: bool, backoff: Backoff) -> (FlightClient, Arc<AtomicUsize>) {
    let attempts = Arc::new(AtomicUsize::new(0));
    let builder = FlightClient::builder(Location::reuse_connection()).unwrap().backoff(backoff);
    let client = builder.connector(Nowhere { hangs, attempts: Arc::clone(&attempts) }).build().unwrap();
    (client, attempts)
}

#[tokio::test(start_paused = true)]
async fn after_the_timeout_the_last_reason_is_told() {
    for limit in [Duration::from_millis(10), LIMIT, Duration::from_secs(600)] {
        let (client, attempts) = nowhere(false, Backoff::default());
        let started = Instant::now();
        let error = client.wait_for_available(limit).await.unwrap_err();
        assert_eq!(error.kind(), FlightErrorKind::Unavailable);
        assert!(error.message().contains("no such place"), "{error}");
        assert_took(started, limit, limit);
        let most = 12 + limit.as_secs() as usize / 8;
        assert!(attempts.load(Ordering::Relaxed) <= most, "{attempts:?} attempts in {limit:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_backoff_there_is_a_pause_still() {
    let (client, attempts) = nowhere(false, Backoff { initial: Duration::ZERO, max: Duration::ZERO });
    client.wait_for_available(Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(attempts.load(Ordering::Relaxed), 40);
}

#[tokio::test(start_paused = true)]
async fn a_try_without_an_answer_times_out() {
    let (client, _attempts) = nowhere(true, Backoff::default());
    let started = Instant::now();
    assert_eq!(client.wait_for_available(LIMIT).await.unwrap_err().kind(), FlightErrorKind::TimedOut);
    assert_took(started, LIMIT, LIMIT);

    let pair = Pair::new(ListFlights(|_, _| pending()));
    let started = Instant::now();
    assert_eq!(pair.client().wait_for_available(LIMIT).await.unwrap_err().kind(), FlightErrorKind::TimedOut);
    assert_took(started, LIMIT, LIMIT);
}
