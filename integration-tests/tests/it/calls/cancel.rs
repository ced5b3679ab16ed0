//! Cancellation of a DoGet: what the client drops, the server drops.

use std::future::pending;
use std::sync::Arc;

use arrow_array::RecordBatch;
use futures_util::{StreamExt, stream};
use peregrine::client::FlightClient;
use peregrine::proto::{FlightError, FlightErrorKind, Location, MessageLimits, Ticket};
use peregrine::server::ServerCallContext;
use peregrine::stream::FlightDataStream;
use peregrine_testkit::one_rpc::DoGet;
use peregrine_testkit::waiting::{Dropped, OnDrop, Once, soon};
use peregrine_testkit::{Pair, batches};
use tokio::sync::oneshot;

/// What tells that a call was cancelled.
struct Told {
    /// The stream was dropped.
    stream: Dropped,
    /// A task of its own that waits for `cancelled` went on.
    task: oneshot::Receiver<bool>,
}

impl Told {
    async fn wait(self) {
        self.stream.wait().await;
        assert!(soon(self.task).await.unwrap(), "then the context says so too");
    }
}

/// Serves one call whose stream never ends: it fills the window, or waits behind its first batch.
fn endless(fills_window: bool) -> (Pair, Told) {
    endless_of(batches::int64(10_000), fills_window)
}

fn endless_of(batch: RecordBatch, fills_window: bool) -> (Pair, Told) {
    let (guard, dropped) = OnDrop::new();
    let (sender, told) = oneshot::channel();
    let once = Once::new((guard, sender));
    let pair = Pair::new(DoGet(move |context: ServerCallContext, _| {
        let (guard, sender) = once.take();
        let waits = context.clone();
        tokio::spawn(async move {
            waits.cancelled().await;
            let _ = sender.send(waits.is_cancelled());
        });
        let (schema, batch) = (batch.schema(), batch.clone());
        let first = stream::iter([Ok::<_, FlightError>(batch.clone())]);
        let rest = match fills_window {
            true => stream::repeat_with(move || Ok(batch.clone())).boxed(),
            false => stream::pending().boxed(),
        };
        let guard = Arc::new(guard);
        let batches = first.chain(rest).inspect(move |_| drop(guard.clone()));
        async { Ok(FlightDataStream::from_stream(schema, batches)) }
    }));
    (pair, Told { stream: dropped, task: told })
}

#[tokio::test(start_paused = true)]
async fn dropping_the_reader_drops_the_stream_and_tells_the_context() {
    for fills_window in [true, false] {
        let (pair, told) = endless(fills_window);
        let mut reader = pair.client().do_get(Ticket::new("")).await.unwrap();
        assert!(reader.read_next().await.unwrap().is_some());
        drop(reader);
        told.wait().await;
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_a_reader_that_never_read_a_batch_does_too() {
    let (pair, told) = endless(true);
    drop(pair.client().do_get(Ticket::new("")).await.unwrap());
    told.wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_decoded_ends_the_call_though_its_reader_is_held() {
    let (pair, told) = endless_of(batches::dictionaries().remove(0), false);
    let limits = MessageLimits { dictionaries: 1, ..MessageLimits::default() };
    let client = FlightClient::builder(Location::reuse_connection()).unwrap().connector(pair.connector());
    let client = client.message_limits(limits).build().unwrap();
    let mut reader = client.do_get(Ticket::new("")).await.unwrap();
    assert_eq!(reader.read_next().await.unwrap_err().kind(), FlightErrorKind::ResourceExhausted);
    told.wait().await;
    assert!(reader.read_next().await.unwrap().is_none(), "and is at its end");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_waits_for_cancellation_goes_on_when_the_call_ends_well() {
    let (sender, told) = oneshot::channel();
    let once = Once::new(sender);
    let pair = Pair::new(DoGet(move |context: ServerCallContext, _| {
        let sender = once.take();
        tokio::spawn(async move {
            context.cancelled().await;
            let _ = sender.send(context.is_cancelled());
        });
        async { Ok(FlightDataStream::from_batches(batches::int64(1).schema(), [batches::int64(1)])) }
    }));
    pair.client().do_get(Ticket::new("")).await.unwrap().read_all().await.unwrap();
    assert!(!soon(told).await.unwrap(), "the call was not cancelled");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_reader_says_so_and_the_server_is_told() {
    let (pair, told) = endless(false);
    let mut reader = pair.client().do_get(Ticket::new("")).await.unwrap();
    assert!(reader.read_next().await.unwrap().is_some());
    reader.cancel();
    assert_eq!(soon(reader.read_next()).await.unwrap_err().kind(), FlightErrorKind::Cancelled);
    told.wait().await;
    assert_eq!(reader.read_next().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn the_token_of_a_reader_wakes_whoever_reads() {
    let (pair, told) = endless(false);
    let mut reader = pair.client().do_get(Ticket::new("")).await.unwrap();
    assert!(reader.read_next().await.unwrap().is_some());
    let token = reader.token().expect("the reader of a call").clone();
    let reading = tokio::spawn(async move { reader.read_next().await });
    tokio::task::yield_now().await;
    token.cancel(peregrine::transport::Status::new(peregrine::proto::Code::Cancelled, "enough"));
    assert_eq!(soon(reading).await.unwrap().unwrap_err().message(), "enough");
    told.wait().await;
}

#[tokio::test(start_paused = true)]
async fn dropping_the_call_before_its_answer_drops_the_handler() {
    let (guard, dropped) = OnDrop::new();
    let (entered, is_entered) = oneshot::channel();
    let once = Once::new((guard, entered));
    let pair = Pair::new(DoGet(move |_, _| {
        let (guard, entered) = once.take();
        async move {
            let _guard = guard;
            let _ = entered.send(());
            pending().await
        }
    }));
    let client = pair.client().clone();
    let call = tokio::spawn(async move { client.do_get(Ticket::new("")).await.map(drop) });
    soon(is_entered).await.unwrap();
    call.abort();
    dropped.wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_went_well_was_not_cancelled() {
    let (sender, told) = oneshot::channel();
    let once = Once::new(sender);
    let pair = Pair::new(DoGet(move |context: ServerCallContext, _| {
        let sender = once.take();
        let _ = sender.send(context);
        async { Ok(FlightDataStream::from_batches(batches::int64(0).schema(), [batches::int64(7)])) }
    }));
    pair.client().do_get(Ticket::new("")).await.unwrap().read_all().await.unwrap();
    let context = told.await.unwrap();
    assert!(!context.is_cancelled());
    drop(pair);
    assert!(!context.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_gone_cancels_its_calls() {
    let (pair, told) = endless(true);
    // A connection of its own, which ends with its client.
    let client = peregrine::client::FlightClient::builder(pair.client().location().clone()).unwrap();
    let client = client.connector(pair.connector()).build().unwrap();
    let reader = client.do_get(Ticket::new("")).await.unwrap();
    drop((client, reader));
    told.wait().await;
}
