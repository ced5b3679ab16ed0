//! Calls that one side gives up, or that are lost on the way.

use std::time::Duration;

use http::HeaderMap;
use peregrine::client::FlightClient;
use peregrine::proto::{Code, FlightDescriptor, FlightMethod};
use peregrine_testkit::batches;
use peregrine_testkit::fault::Direction::ToServer;
use peregrine_testkit::fault::{ErrorCode, Fault, Faults};
use peregrine_testkit::waiting::{idle, soon};

use crate::support::recorded::{Decisions, Ends, Recorded};
use crate::support::stuck::{STUCK_METHODS, Stuck, StuckCall};

#[track_caller]
fn assert_ended(ends: &Ends, method: FlightMethod, stuck: Stuck, client: Code, server: Code) {
    let name = method.name();
    let at_client = ends.client.client_call(name, stuck.responds());
    let at_server = ends.server.server_call(name, stuck.responds());
    assert_eq!((at_client.code, at_server.code), (client, server), "{method} {stuck:?}");
    assert!(at_client.error.is_some() && at_server.error.is_some());
    assert_eq!(at_client.headers.is_empty(), !stuck.responds(), "{method}");
    assert_eq!(at_client.headers, at_server.headers, "{method}");
    assert_eq!((&at_client.trailers, &at_server.trailers), (&HeaderMap::new(), &HeaderMap::new()), "{method}");
}

/// A call that is stuck, in a task.
fn begin(client: &FlightClient, method: FlightMethod) -> tokio::task::JoinHandle<Result<StuckCall, Code>> {
    let client = client.clone();
    tokio::spawn(async move { StuckCall::begin(&client, method).await.map_err(|error| Code::from(error.kind())) })
}

#[tokio::test(start_paused = true)]
async fn whatever_holds_a_call_is_dropped() {
    for (method, stuck) in cases() {
        let calls = Recorded::new(stuck);
        let call = begin(&calls.client, method);
        idle().await;
        match stuck {
            Stuck::AtOnce => call.abort(),
            Stuck::BehindOne => drop(soon(call).await.unwrap().unwrap()),
        }
        assert_ended(&calls.finish().await, method, stuck, Code::Cancelled, Code::Cancelled);
    }
}

fn cases() -> impl Iterator<Item = (FlightMethod, Stuck)> {
    STUCK_METHODS.into_iter().flat_map(|method| [(method, Stuck::AtOnce), (method, Stuck::BehindOne)])
}

#[tokio::test(start_paused = true)]
async fn a_writer_alone_is_dropped_before_it_is_done() {
    for method in [FlightMethod::DoPut, FlightMethod::DoExchange] {
        let calls = Recorded::new(Stuck::BehindOne);
        let call = StuckCall::begin(&calls.client, method).await.unwrap();
        // The readers are held and not read.
        let _held = match call {
            StuckCall::Put(writer, reader) => {
                drop(writer);
                (Some(reader), None)
            }
            StuckCall::Exchange(writer, reader) => {
                drop(writer);
                (None, Some(reader))
            }
            StuckCall::Get(_) | StuckCall::Action(_) => unreachable!("they have no writer"),
        };
        let ends = calls.finish().await;
        assert_ended(&ends, method, Stuck::BehindOne, Code::Cancelled, Code::Cancelled);
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_is_done_runs_on_without_its_handles() {
    let calls = Recorded::new(peregrine_testkit::MemoryService::new());
    let (path, schema) = (FlightDescriptor::for_path(["x"]), batches::int64(0).schema());
    let (mut writer, reader) = calls.client.do_put(path, schema).await.unwrap();
    writer.write_batch(&batches::int64(5)).await.unwrap();
    writer.done_writing().await.unwrap();
    drop((writer, reader));
    let ends = calls.finish().await;
    let (client, server) = ends.answered("DoPut");
    assert_eq!((client.code, server.code, server.received.rows), (Code::Ok, Code::Ok, 5));
}

#[tokio::test(start_paused = true)]
async fn the_stream_is_reset_on_the_way() {
    for (code, at_client) in [(ErrorCode::Cancel, Code::Cancelled), (ErrorCode::InternalError, Code::Internal)] {
        for (method, stuck) in cases() {
            let faults = Faults::new();
            let calls = Recorded::with(Decisions::default(), stuck, &faults);
            let call = begin(&calls.client, method);
            idle().await;
            let stream = faults.newest_stream().unwrap();
            faults.now(ToServer, Fault::ResetStream { stream, code });
            lost(call, at_client).await;
            assert_ended(&calls.finish().await, method, stuck, at_client, Code::Cancelled);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_connection_is_lost() {
    for (method, stuck) in cases() {
        let faults = Faults::new();
        let calls = Recorded::with(Decisions::default(), stuck, &faults);
        let call = begin(&calls.client, method);
        idle().await;
        faults.cut();
        lost(call, Code::Unavailable).await;
        assert_ended(&calls.finish().await, method, stuck, Code::Unavailable, Code::Cancelled);
    }
}

/// Reads a call that is lost, wherever it is.
async fn lost(call: tokio::task::JoinHandle<Result<StuckCall, Code>>, expected: Code) {
    let code = match soon(call).await.unwrap() {
        Ok(mut call) => Code::from(soon(call.read()).await.unwrap_err().kind()),
        Err(code) => code,
    };
    assert_eq!(code, expected);
}

#[tokio::test(start_paused = true)]
async fn the_client_is_closed() {
    for (method, stuck) in cases() {
        let calls = Recorded::new(stuck);
        let call = begin(&calls.client, method);
        idle().await;
        calls.client.close();
        // The end is there at once, though the call was not read since.
        let seen = calls.seen().client;
        assert_eq!(seen.client_call(method.name(), stuck.responds()).code, Code::Cancelled);
        assert!(StuckCall::begin(&calls.client, method).await.is_err());
        let ends = calls.finish().await;
        assert_eq!(ends.client.len(), seen.len(), "a call that comes later does not begin");
        assert_ended(&ends, method, stuck, Code::Cancelled, Code::Cancelled);
        drop(call);
    }
}

#[tokio::test(start_paused = true)]
async fn the_server_cuts_its_calls() {
    for (method, stuck) in cases() {
        let calls = Recorded::new(stuck);
        let call = begin(&calls.client, method);
        idle().await;
        calls.pair.server().shutdown(Duration::from_secs(5)).await;
        lost(call, Code::Unavailable).await;
        assert_ended(&calls.finish().await, method, stuck, Code::Unavailable, Code::Cancelled);
    }
}
