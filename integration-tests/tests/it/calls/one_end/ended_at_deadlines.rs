//! Calls that their deadline ends, on a paused clock.

use std::time::Duration;

use futures_util::stream;
use http::Request;
use peregrine::client::{FlightCallOptions, FlightClient};
use peregrine::proto::{Code, FlightDescriptor, FlightError, FlightMessage, FlightMethod, Ticket};
use peregrine::stream::FlightDataStream;
use peregrine_testkit::batches;
use peregrine_testkit::one_rpc::DoGet;
use peregrine_testkit::waiting::{idle, soon};
use tokio::time::Instant;

use crate::support::bare_http::{BareClient, prefixed};
use crate::support::recorded::{Ends, Recorded};
use crate::support::stuck::{STUCK_METHODS, Stuck, StuckCall};

const LIMIT: Duration = Duration::from_secs(5);
/// How much later than at its deadline a call may end: a server lets it say so first.
const GRACE: Duration = Duration::from_secs(1);

fn limited(calls: &Recorded) -> FlightClient {
    calls.client.with(FlightCallOptions::new().with_timeout(LIMIT))
}

#[track_caller]
fn assert_timed_out(ends: &Ends, method: FlightMethod, answered: bool) {
    let client = ends.client.client_call(method.name(), answered);
    let server = ends.server.server_call(method.name(), answered);
    for outcome in [client, server] {
        assert_eq!(outcome.code, Code::DeadlineExceeded, "{method}");
        assert!((LIMIT..LIMIT + GRACE).contains(&outcome.elapsed), "{method}: {:?}", outcome.elapsed);
    }
}

#[tokio::test(start_paused = true)]
async fn the_handler_never_responds_or_never_goes_on() {
    for method in STUCK_METHODS {
        for stuck in [Stuck::AtOnce, Stuck::BehindOne] {
            let calls = Recorded::new(stuck);
            let error = match soon(StuckCall::begin(&limited(&calls), method)).await {
                Ok(mut call) => soon(call.read()).await.unwrap_err(),
                Err(error) => error,
            };
            assert_eq!(Code::from(error.kind()), Code::DeadlineExceeded, "{method} {stuck:?}: {error}");
            assert_timed_out(&calls.finish().await, method, stuck.responds());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_reads_the_call() {
    for method in STUCK_METHODS {
        let calls = Recorded::new(Stuck::BehindOne);
        let mut call = StuckCall::begin(&limited(&calls), method).await.unwrap();
        tokio::time::sleep(LIMIT + GRACE).await;
        // Both ends know it before anyone reads.
        let seen = calls.seen();
        assert_eq!(seen.server.server_call(method.name(), true).code, Code::DeadlineExceeded, "{method}");
        assert_eq!(seen.client.client_call(method.name(), true).code, Code::DeadlineExceeded, "{method}");
        assert!(call.read().await.is_err());
        let ends = calls.finish().await;
        assert_eq!(ends.client.client_call(method.name(), true).code, Code::DeadlineExceeded, "{method}");
        drop(call);
    }
}

fn endless() -> FlightDataStream {
    let batch = batches::int64(10_000);
    FlightDataStream::from_stream(batch.schema(), stream::repeat_with(move || Ok::<_, FlightError>(batch.clone())))
}

#[tokio::test(start_paused = true)]
async fn the_client_opens_no_window() {
    let calls = Recorded::new(DoGet(|_, _| async { Ok(endless()) }));
    let mut reader = soon(limited(&calls).do_get(Ticket::new(""))).await.unwrap();
    assert_eq!(reader.read_next().await.unwrap().unwrap().num_rows(), 10_000);
    tokio::time::sleep(LIMIT + GRACE).await;
    let error = soon(reader.read_all()).await.unwrap_err();
    assert_eq!(Code::from(error.kind()), Code::DeadlineExceeded);
    let ends = calls.finish().await;
    let (client, server) = ends.answered("DoGet");
    assert_eq!((client.code, server.code), (Code::DeadlineExceeded, Code::DeadlineExceeded));
    assert!(server.elapsed < LIMIT + GRACE, "{:?}", server.elapsed);
    assert!(server.sent.rows > client.received.rows && client.received.rows == 10_000);
}

#[tokio::test(start_paused = true)]
async fn a_bare_peer_opens_no_window() {
    let calls = Recorded::new(DoGet(|_, _| async { Ok(endless()) }));
    let client = BareClient::connect(&calls.pair).await;
    let request = Request::post(format!("http://localhost{}", FlightMethod::DoGet.path()));
    let request = request.header("content-type", "application/grpc").header("grpc-timeout", "5S");
    let (response, mut upload) = client.open(request).await;
    upload.send_data(prefixed(&Ticket::new("").serialize()), true).unwrap();
    let _held = soon(response).await.unwrap().into_body();
    idle().await;
    assert_eq!(calls.seen().server.events("DoGet").len(), 5, "it runs, and has not ended");
    tokio::time::sleep(LIMIT + GRACE).await;
    let server = calls.seen().server;
    assert_eq!(server.server_call("DoGet", true).code, Code::DeadlineExceeded);
    calls.finish().await;
}

#[tokio::test(start_paused = true)]
async fn the_server_opens_no_window() {
    for stuck in [Stuck::AtOnce, Stuck::BehindOne] {
        let (calls, started) = (Recorded::new(stuck), Instant::now());
        let (path, schema) = (FlightDescriptor::for_path(["x"]), batches::int64(0).schema());
        let (mut writer, reader) = limited(&calls).do_put(path, schema).await.unwrap();
        let error = soon(async {
            loop {
                if let Err(error) = writer.write_batch(&batches::int64(10_000)).await {
                    break error;
                }
            }
        });
        assert_eq!(Code::from(error.await.kind()), Code::DeadlineExceeded, "{stuck:?}");
        assert!((LIMIT..LIMIT + GRACE).contains(&started.elapsed()));
        let ends = calls.finish().await;
        assert_eq!(ends.client.client_call("DoPut", stuck.responds()).code, Code::DeadlineExceeded);
        assert_eq!(ends.server.server_call("DoPut", stuck.responds()).code, Code::DeadlineExceeded);
        drop((writer, reader));
    }
}
