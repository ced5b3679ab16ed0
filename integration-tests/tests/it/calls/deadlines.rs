//! Deadlines, on a paused clock: calls end when they should, at both ends, whatever the other end does.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use http::Request;
use peregrine::client::FlightCallOptions;
use peregrine::proto::{
    Action, ActionResult, FlightDescriptor, FlightError, FlightErrorKind, FlightInfo, FlightMessage, FlightMethod,
    Ticket,
};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::{FlightDataStream, MessageStream};
use peregrine_testkit::one_rpc::{DoAction, DoGet};
use peregrine_testkit::waiting::{OnDrop, Once, idle, soon};
use peregrine_testkit::{MemoryService, Pair, batches};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::support::bare_http::{BareClient, prefixed};

const LIMIT: Duration = Duration::from_secs(5);
/// How much later than at its deadline a call may end: a server lets it say so first.
const GRACE: Duration = Duration::from_secs(1);

fn limited() -> FlightCallOptions {
    FlightCallOptions::new().with_timeout(LIMIT)
}

#[track_caller]
fn assert_timed_out<T>(started: Instant, answer: Result<T, FlightError>) {
    let Err(error) = answer else { panic!("the call ended well") };
    assert_eq!(error.kind(), FlightErrorKind::TimedOut, "{error}");
    assert_ended_at(started, LIMIT);
}

#[track_caller]
fn assert_ended_at(started: Instant, limit: Duration) {
    let elapsed = started.elapsed();
    assert!((limit..limit + GRACE).contains(&elapsed), "it ended after {elapsed:?}");
}

/// A service whose handlers never return. Each call leaves a guard at the test's end of the channel.
struct Stuck(mpsc::UnboundedSender<(ServerCallContext, peregrine_testkit::waiting::Dropped)>);

impl Stuck {
    async fn never<T>(&self, context: ServerCallContext) -> Result<T, FlightError> {
        let (_guard, dropped) = OnDrop::new();
        let _ = self.0.send((context, dropped));
        pending().await
    }
}

impl FlightService for Stuck {
    async fn get_flight_info(
        &self,
        context: ServerCallContext,
        _: FlightDescriptor,
    ) -> Result<FlightInfo, FlightError> {
        self.never(context).await
    }

    async fn do_get(&self, context: ServerCallContext, _: Ticket) -> Result<FlightDataStream, FlightError> {
        self.never(context).await
    }

    async fn do_action(
        &self,
        context: ServerCallContext,
        _: Action,
    ) -> Result<MessageStream<ActionResult>, FlightError> {
        self.never(context).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_never_returns_is_dropped_at_the_deadline_and_its_caller_told() {
    let (sender, mut calls) = mpsc::unbounded_channel();
    let pair = Pair::new(Stuck(sender));
    // The clock jumps from call to call: a deadline counts on tokio's clock.
    for method in ["get_flight_info", "do_get", "do_action", "do_get"] {
        let started = Instant::now();
        let answer = match method {
            "do_get" => pair.client().with(limited().clone()).do_get(Ticket::new("")).await.map(drop),
            "do_action" => pair.client().with(limited().clone()).do_action(Action::new("x", "")).await.map(drop),
            _ => {
                pair.client().with(limited().clone()).get_flight_info(FlightDescriptor::for_path(["x"])).await.map(drop)
            }
        };
        assert_timed_out(started, answer);
        let (context, dropped) = calls.recv().await.unwrap();
        dropped.wait().await;
        soon(context.cancelled()).await;
        assert!(context.is_cancelled(), "{method}");
        assert_ended_at(started, LIMIT);
    }
}

#[tokio::test(start_paused = true)]
async fn the_server_knows_the_deadline() {
    let pair = Pair::new(DoAction(|context: ServerCallContext, _| async move {
        let left = context.deadline().map(|deadline| Instant::from_std(deadline).duration_since(Instant::now()));
        Ok(MessageStream::from_iter([ActionResult::new(format!("{:?}", left.map(|left| left.as_secs_f64().round())))]))
    }));
    let ask = async |options: &FlightCallOptions| {
        let mut results = pair.client().with(options.clone()).do_action(Action::new("x", "")).await.unwrap();
        results.read_next().await.unwrap().unwrap()
    };
    assert_eq!(ask(&limited()).await, ActionResult::new("Some(5.0)"));
    assert_eq!(ask(&FlightCallOptions::new()).await, ActionResult::new("None"));
    tokio::time::advance(Duration::from_secs(1000)).await;
    assert_eq!(ask(&limited()).await, ActionResult::new("Some(5.0)"));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_stalls_ends_at_the_deadline_behind_its_batches() {
    let (guard, dropped) = OnDrop::new();
    let (sender, told) = oneshot::channel();
    let once = Once::new((guard, sender));
    let pair = Pair::new(DoGet(move |context: ServerCallContext, _| {
        let (guard, sender) = once.take();
        tokio::spawn(async move {
            context.cancelled().await;
            let _ = sender.send(context.is_cancelled());
        });
        let stalls = stream::iter([Ok::<_, FlightError>(batches::int64(9))]).chain(stream::pending());
        let guard = Arc::new(guard);
        let stalls = stalls.inspect(move |_| drop(guard.clone()));
        async { Ok(FlightDataStream::from_stream(batches::int64(0).schema(), stalls)) }
    }));
    let started = Instant::now();
    let mut reader = pair.client().with(limited().clone()).do_get(Ticket::new("")).await.unwrap();
    assert_eq!(reader.read_next().await.unwrap(), Some(batches::int64(9)));
    assert_timed_out(started, reader.read_next().await);
    assert_eq!(reader.read_next().await.unwrap(), None);
    dropped.wait().await;
    assert!(soon(told).await.unwrap());
}

/// A stream that goes on for ever as fast as the peer takes it.
fn endless(guard: OnDrop) -> FlightDataStream {
    let batch = batches::int64(10_000);
    let batches = stream::repeat_with(move || {
        let _held = &guard;
        Ok::<_, FlightError>(batch.clone())
    });
    FlightDataStream::from_stream(batches::int64(0).schema(), batches)
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_reads_is_ended_at_its_deadline() {
    let (guard, mut dropped) = OnDrop::new();
    let once = Once::new(guard);
    let pair = Pair::new(DoGet(move |_, _| {
        let stream = endless(once.take());
        async { Ok(stream) }
    }));
    let started = Instant::now();
    let mut reader = pair.client().with(limited().clone()).do_get(Ticket::new("")).await.unwrap();
    idle().await;
    assert!(dropped.is_yet_to_come(), "the window is full and the deadline is to come");
    dropped.wait().await;
    assert_ended_at(started, LIMIT);
    let error = loop {
        match reader.read_next().await {
            Ok(batch) => assert!(batch.is_some(), "the stream ended well"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), FlightErrorKind::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_keeps_its_window_shut_is_reset_at_its_deadline() {
    let (guard, mut dropped) = OnDrop::new();
    let once = Once::new(guard);
    let pair = Pair::new(DoGet(move |_, _| {
        let stream = endless(once.take());
        async { Ok(stream) }
    }));
    let client = BareClient::connect(&pair).await;
    let request = Request::post(format!("http://localhost{}", FlightMethod::DoGet.path()));
    let request = request.header("content-type", "application/grpc").header("grpc-timeout", "5S");
    let started = Instant::now();
    let (response, mut upload) = client.open(request).await;
    upload.send_data(prefixed(&Ticket::new("").serialize()), true).unwrap();
    let mut body = soon(response).await.unwrap().into_body();
    idle().await;
    assert!(dropped.is_yet_to_come());
    dropped.wait().await;
    assert_ended_at(started, LIMIT);
    // What was in the window comes first; no credit is given back for it.
    let reset = loop {
        match soon(body.data()).await {
            Some(Ok(_)) => {}
            Some(Err(error)) => break error.reason(),
            None => break None,
        }
    };
    assert!(reset.is_some(), "a peer that takes no trailers is told by a reset");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_done_in_time_is_not_touched() {
    let pair = Pair::new(MemoryService::with("trips", batches::one_per_type()));
    let mut reader = pair.client().with(limited().clone()).do_get(Ticket::new("trips")).await.unwrap();
    let mut read = Vec::new();
    while let Some(batch) = reader.read_next().await.unwrap() {
        read.push(batch);
    }
    tokio::time::advance(LIMIT * 2).await;
    assert_eq!(read, batches::one_per_type());
    assert_eq!(reader.read_next().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_may_be_nothing_or_for_ever() {
    let pair = Pair::new(MemoryService::with("trips", batches::one_per_type()));
    let none = FlightCallOptions::new().with_timeout(Duration::ZERO);
    let error = pair.client().with(none.clone()).do_get(Ticket::new("trips")).await.unwrap_err();
    assert_eq!(error.kind(), FlightErrorKind::TimedOut);
    for long in [Duration::MAX, Duration::from_secs(u64::from(u32::MAX)), Duration::from_secs(86_400 * 365 * 100)] {
        let options = FlightCallOptions::new().with_timeout(long);
        let mut reader = pair.client().with(options.clone()).do_get(Ticket::new("trips")).await.unwrap();
        assert_eq!(reader.read_all().await.unwrap().batches.len(), 3, "{long:?}");
    }
}
