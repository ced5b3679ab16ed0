//! tower's limit on concurrency as a layer of a server.

use std::time::Duration;

use peregrine_proto::{FlightError, FlightErrorKind, Ticket};
use peregrine_server::{FlightServer, ServerCallContext};
use peregrine_stream::{FlightDataStream, FlightStreamReader};
use peregrine_testkit::one_rpc::DoGet;
use peregrine_testkit::waiting::{idle, soon};
use peregrine_testkit::{Pair, batches};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tower::limit::ConcurrencyLimitLayer;

/// A call that has reached its handler, which waits until this is sent something.
type Entered = oneshot::Sender<()>;

/// A server that takes one call at a time, up to its headers.
fn limited() -> (Pair, mpsc::UnboundedReceiver<Entered>) {
    let (sender, entered) = mpsc::unbounded_channel();
    let service = DoGet(move |_: ServerCallContext, _| {
        let (go, waits) = oneshot::channel();
        sender.send(go).unwrap();
        async move {
            waits.await.map_err(|_| FlightError::failed("given up"))?;
            let endless = futures_util::stream::pending::<Result<_, FlightError>>();
            Ok(FlightDataStream::from_stream(batches::int64(0).schema(), endless))
        }
    });
    (Pair::with_server(FlightServer::builder().layer(ConcurrencyLimitLayer::new(1)), service), entered)
}

fn call(pair: &Pair, timeout: Option<Duration>) -> JoinHandle<Result<FlightStreamReader, FlightError>> {
    let mut options = pair.client().options().clone();
    options.timeout = timeout;
    let client = pair.client().with(options);
    tokio::spawn(async move { client.do_get(Ticket::new("")).await })
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_until_the_one_before_has_its_headers() {
    let (pair, mut entered) = limited();
    let first = call(&pair, None);
    let go = soon(entered.recv()).await.unwrap();
    let second = call(&pair, None);
    idle().await;
    assert!(entered.try_recv().is_err(), "the second waits");
    go.send(()).unwrap();
    let _first = soon(first).await.unwrap().unwrap();
    soon(entered.recv()).await.unwrap().send(()).unwrap();
    let _second = soon(second).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_ends_at_its_deadline_and_leaves_no_permit_behind() {
    let (pair, mut entered) = limited();
    let _first = call(&pair, None);
    let go = soon(entered.recv()).await.unwrap();
    let started = Instant::now();
    let error = soon(call(&pair, Some(Duration::from_secs(5)))).await.unwrap().unwrap_err();
    assert_eq!((error.kind(), started.elapsed().as_secs()), (FlightErrorKind::TimedOut, 5));
    go.send(()).unwrap();
    let _third = call(&pair, None);
    soon(entered.recv()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_reset_leave_no_permit_behind() {
    let (pair, mut entered) = limited();
    let first = call(&pair, None);
    let _go = soon(entered.recv()).await.unwrap();
    let second = call(&pair, None);
    idle().await;
    second.abort();
    idle().await;
    assert!(entered.try_recv().is_err(), "the second never got there");
    // That of the call that runs comes back too.
    first.abort();
    let _third = call(&pair, None);
    soon(entered.recv()).await.unwrap();
}
