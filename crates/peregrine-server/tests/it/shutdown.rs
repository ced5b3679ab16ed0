//! The end of a server: calls that run come to their end, new ones are refused, and a deadline cuts what is left.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use peregrine_proto::{FlightError, FlightErrorKind, Ticket};
use peregrine_stream::FlightDataStream;
use peregrine_testkit::one_rpc::DoGet;
use peregrine_testkit::waiting::{Dropped, OnDrop, Once, idle, soon};
use peregrine_testkit::{MemoryService, Pair, batches};
use peregrine_transport::Shutdown;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A server whose stream gives a batch, waits until it may go on, and gives another.
fn gated() -> (Pair, Arc<Notify>) {
    let gate = Arc::new(Notify::new());
    let waits = gate.clone();
    let pair = Pair::new(DoGet(move |_, _| {
        let waits = waits.clone();
        let batches = stream::iter([1, 2]).then(move |rows| {
            let waits = waits.clone();
            async move {
                if rows == 2 {
                    waits.notified().await;
                }
                Ok::<_, FlightError>(batches::int64(rows))
            }
        });
        async { Ok(FlightDataStream::from_stream(batches::int64(0).schema(), batches)) }
    }));
    (pair, gate)
}

/// A server of one call, whose stream gives a batch and then nothing.
fn stuck() -> (Pair, Dropped) {
    let (guard, dropped) = OnDrop::new();
    let once = Once::new(guard);
    let pair = Pair::new(DoGet(move |_, _| {
        let guard = once.take();
        let first = stream::iter([Ok::<_, FlightError>(batches::int64(1))]);
        let batches = first.chain(stream::pending()).inspect(move |_| {
            let _held = &guard;
        });
        async { Ok(FlightDataStream::from_stream(batches::int64(0).schema(), batches)) }
    }));
    (pair, dropped)
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_lets_a_running_stream_finish_and_refuses_new_calls() {
    let (pair, gate) = gated();
    let mut running = pair.client().do_get(Ticket::new("")).await.unwrap();
    assert_eq!(running.read_next().await.unwrap(), Some(batches::int64(1)));
    let server = pair.server().clone();
    let shutdown = tokio::spawn(async move { server.shutdown(Duration::from_secs(3600)).await });
    idle().await;
    assert!(!shutdown.is_finished(), "it waits for the stream");

    let error = soon(pair.client().do_get(Ticket::new(""))).await.unwrap_err();
    assert_eq!(error.kind(), FlightErrorKind::Unavailable, "{error}");

    gate.notify_one();
    assert_eq!(soon(running.read_next()).await.unwrap(), Some(batches::int64(2)));
    assert_eq!(soon(running.read_next()).await.unwrap(), None);
    assert_eq!(soon(shutdown).await.unwrap(), Shutdown::Drained);
    soon(pair.server().wait()).await;
}

#[tokio::test(start_paused = true)]
async fn a_deadline_cuts_a_stream_that_never_ends() {
    let (pair, dropped) = stuck();
    let mut running = pair.client().do_get(Ticket::new("")).await.unwrap();
    assert_eq!(running.read_next().await.unwrap(), Some(batches::int64(1)));
    let started = Instant::now();
    let server = pair.server().clone();
    let shutdown = tokio::spawn(async move { server.shutdown(Duration::from_secs(5)).await });
    let error = soon(running.read_next()).await.unwrap_err();
    assert_eq!(error.kind(), FlightErrorKind::Unavailable, "{error}");
    assert_eq!(soon(shutdown).await.unwrap(), Shutdown::Cut);
    dropped.wait().await;
    assert!((5..7).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_goes_away_ends_the_wait() {
    let (pair, dropped) = stuck();
    let mut running = pair.client().do_get(Ticket::new("")).await.unwrap();
    running.read_next().await.unwrap();
    let server = pair.server().clone();
    let shutdown = tokio::spawn(async move { server.shutdown(Duration::from_secs(3600)).await });
    idle().await;
    drop(running);
    assert_eq!(soon(shutdown).await.unwrap(), Shutdown::Drained);
    dropped.wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_without_calls_ends_at_once() {
    let pair = Pair::new(MemoryService::with("trips", batches::one_per_type()));
    pair.client().do_get(Ticket::new("trips")).await.unwrap().read_all().await.unwrap();
    let started = Instant::now();
    assert_eq!(pair.server().shutdown(Duration::from_secs(3600)).await, Shutdown::Drained);
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(pair.server().shutdown(Duration::ZERO).await, Shutdown::Drained, "once more does nothing");
}

#[tokio::test(start_paused = true)]
async fn a_server_whose_handle_is_dropped_gives_its_calls_ten_seconds() {
    let (pair, mut dropped) = stuck();
    let client = pair.client().clone();
    let mut running = client.do_get(Ticket::new("")).await.unwrap();
    running.read_next().await.unwrap();
    drop(pair);
    let started = Instant::now();
    idle().await;
    assert!(dropped.is_yet_to_come());
    dropped.wait().await;
    assert!((10..12).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    assert_eq!(soon(client.do_get(Ticket::new(""))).await.unwrap_err().kind(), FlightErrorKind::Unavailable);
}
