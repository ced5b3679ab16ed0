//! Calls that a stage refuses, at the server or before they are sent.

use std::time::Duration;

use peregrine::client::FlightCallOptions;
use peregrine::proto::{Code, FlightError, FlightMethod};
use peregrine_testkit::fault::Faults;
use peregrine_testkit::waiting::soon;

use crate::support::recorded::{Decisions, Recorded, recording_client};
use crate::support::recorder::{Decides, Record, refusal};
use crate::support::stuck::{STUCK_METHODS, Stuck, StuckCall};

fn with(decisions: Decisions) -> Recorded {
    Recorded::with(decisions, Stuck::BehindOne, &Faults::new())
}

/// Makes a call, whose error comes at once.
async fn make(calls: &Recorded, method: FlightMethod) -> FlightError {
    match soon(StuckCall::begin(&calls.client, method)).await {
        Ok(_) => panic!("{method} went well"),
        Err(error) => error,
    }
}

#[track_caller]
fn assert_refused(error: &FlightError, stage: &str) {
    let expected = refusal(stage);
    assert_eq!((error.kind(), error.message()), (expected.kind(), expected.message()));
    assert_eq!(error.extra_info(), expected.extra_info());
}

#[tokio::test(start_paused = true)]
async fn by_the_authentication_of_the_server() {
    for method in STUCK_METHODS {
        let calls = with(Decisions { server_auth: Decides::Refuses, ..Decisions::default() });
        assert_refused(&make(&calls, method).await, "auth");
        let ends = calls.finish().await;
        let client = ends.client.client_call(method.name(), false);
        let server = ends.server.outcome(method.name(), &["auth", "observer sees the end"]);
        for outcome in [client, server] {
            assert_eq!(outcome.code, Code::Unauthenticated);
            assert_refused(outcome.error.as_ref().unwrap(), "auth");
        }
        assert_eq!(server.sent.messages, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn by_the_second_middleware_of_the_server() {
    for method in STUCK_METHODS {
        let calls = with(Decisions { server_inner: Decides::Refuses, ..Decisions::default() });
        assert_refused(&make(&calls, method).await, "inner");
        let ends = calls.finish().await;
        let expected =
            ["auth", "outer starts", "inner starts", "outer sends headers", "outer ends", "observer sees the end"];
        let server = ends.server.outcome(method.name(), &expected);
        let client = ends.client.client_call(method.name(), true);
        for outcome in [client, server] {
            assert_refused(outcome.error.as_ref().unwrap(), "inner");
            assert_eq!(outcome.headers.keys().collect::<Vec<_>>(), ["x-outer"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn by_the_authentication_of_the_client() {
    for method in STUCK_METHODS {
        let calls = with(Decisions { client_auth: Decides::Refuses, ..Decisions::default() });
        assert_refused(&make(&calls, method).await, "auth");
        let ends = calls.finish().await;
        assert_eq!(ends.client.events(method.name()), ["auth"], "no middleware has started");
        assert_eq!(ends.server.len(), 0, "nothing was sent");
    }
}

#[tokio::test(start_paused = true)]
async fn by_the_second_middleware_of_the_client() {
    for method in STUCK_METHODS {
        let calls = with(Decisions { client_inner: Decides::Refuses, ..Decisions::default() });
        assert_refused(&make(&calls, method).await, "inner");
        let ends = calls.finish().await;
        let outcome = ends.client.outcome(method.name(), &["auth", "outer starts", "inner starts", "outer ends"]);
        assert_refused(outcome.error.as_ref().unwrap(), "inner");
        assert_eq!(ends.server.len(), 0, "nothing was sent");
    }
}

#[tokio::test(start_paused = true)]
async fn by_a_panic_of_a_stage_of_the_server() {
    let decisions = Decisions { server_auth: Decides::Panics, ..Decisions::default() };
    let (calls, method) = (with(decisions), FlightMethod::DoGet);
    assert_eq!(Code::from(make(&calls, method).await.kind()), Code::Internal);
    let ends = calls.finish().await;
    assert_eq!(ends.server.outcome("DoGet", &["auth", "observer sees the end"]).code, Code::Internal);
    assert_eq!(ends.client.client_call("DoGet", false).code, Code::Internal);

    let calls = with(Decisions { server_inner: Decides::Panics, ..Decisions::default() });
    assert_eq!(Code::from(make(&calls, method).await.kind()), Code::Internal);
    let ends = calls.finish().await;
    let expected =
        ["auth", "outer starts", "inner starts", "outer sends headers", "outer ends", "observer sees the end"];
    assert_eq!(ends.server.outcome("DoGet", &expected).code, Code::Internal);
}

#[tokio::test(start_paused = true)]
async fn by_a_panic_of_a_stage_of_the_client() {
    for (decisions, expected) in [
        (Decisions { client_auth: Decides::Panics, ..Decisions::default() }, &["auth"][..]),
        (
            Decisions { client_inner: Decides::Panics, ..Decisions::default() },
            &["auth", "outer starts", "inner starts", "outer ends"][..],
        ),
    ] {
        let calls = with(decisions);
        let client = calls.client.clone();
        let call = tokio::spawn(async move { StuckCall::begin(&client, FlightMethod::DoGet).await.is_ok() });
        assert!(call.await.unwrap_err().is_panic(), "the panic is the caller's");
        let ends = calls.finish().await;
        assert_eq!(ends.client.events("DoGet"), expected);
        assert_eq!(ends.server.len(), 0, "nothing was sent");
    }
}

#[tokio::test(start_paused = true)]
async fn middleware_that_leaves_a_call_alone_sees_nothing_of_it() {
    let decisions =
        Decisions { client_inner: Decides::LeavesAlone, server_inner: Decides::LeavesAlone, ..Decisions::default() };
    let calls = with(decisions);
    drop(StuckCall::begin(&calls.client, FlightMethod::DoGet).await.unwrap());
    let ends = calls.finish().await;
    let sent = ["auth", "outer starts", "inner starts", "outer sends headers"];
    ends.client.outcome("DoGet", &[&sent[..], &["outer receives headers", "outer ends"]].concat());
    ends.server.outcome("DoGet", &[&sent[..], &["outer ends", "observer sees the end"]].concat());
}

#[tokio::test(start_paused = true)]
async fn authentication_waits_no_longer_than_the_deadline() {
    let limited = FlightCallOptions::new().with_timeout(Duration::from_secs(5));
    for method in STUCK_METHODS {
        let mut calls = with(Decisions { server_auth: Decides::Waits, ..Decisions::default() });
        calls.client = calls.client.with(limited.clone());
        assert_eq!(Code::from(make(&calls, method).await.kind()), Code::DeadlineExceeded);
        let ends = calls.finish().await;
        let server = ends.server.outcome(method.name(), &["auth", "observer sees the end"]);
        assert_eq!(server.code, Code::DeadlineExceeded);
        assert_eq!(ends.client.client_call(method.name(), false).code, Code::DeadlineExceeded);

        let mut calls = with(Decisions { client_auth: Decides::Waits, ..Decisions::default() });
        calls.client = calls.client.with(limited.clone());
        assert_eq!(Code::from(make(&calls, method).await.kind()), Code::DeadlineExceeded);
        let ends = calls.finish().await;
        assert_eq!((ends.client.events(method.name()), ends.server.len()), (vec!["auth"], 0));
    }
}

#[tokio::test(start_paused = true)]
async fn hooks_that_panic_at_the_end_keep_it_from_no_others() {
    let panics = Decides::PanicsAtEnd;
    for method in STUCK_METHODS {
        let calls = with(Decisions { client_inner: panics, server_inner: panics, ..Decisions::default() });
        drop(StuckCall::begin(&calls.client, method).await.unwrap());
        let ends = calls.finish().await;
        let (client, server) = ends.answered(method.name());
        assert_eq!((client.code, server.code), (Code::Cancelled, Code::Cancelled));
    }
}

#[tokio::test(start_paused = true)]
async fn by_hooks_of_the_server_that_panic_over_headers() {
    let calls = with(Decisions { server_inner: Decides::PanicsAtHeaders, ..Decisions::default() });
    assert_eq!(Code::from(make(&calls, FlightMethod::DoGet).await.kind()), Code::Internal);
    let ends = calls.finish().await;
    assert_eq!(ends.server.server_call("DoGet", true).code, Code::Internal);
    assert_eq!(ends.client.client_call("DoGet", false).code, Code::Internal);
}

#[tokio::test(start_paused = true)]
async fn by_hooks_of_the_client_that_panic_over_headers() {
    let calls = with(Decisions { client_inner: Decides::PanicsAtHeaders, ..Decisions::default() });
    let client = calls.client.clone();
    let call = tokio::spawn(async move { StuckCall::begin(&client, FlightMethod::DoGet).await.is_ok() });
    assert!(call.await.unwrap_err().is_panic(), "the panic is the caller's");
    let ends = calls.finish().await;
    assert_eq!(ends.client.client_call("DoGet", false).code, Code::Cancelled);
    assert_eq!(ends.server.len(), 0, "nothing was sent");
}

#[tokio::test(start_paused = true)]
async fn by_the_client_itself_whose_schema_is_over_its_limit() {
    let calls = with(Decisions::default());
    let record = Record::default();
    let client =
        calls.pair.client_with(|client| recording_client(client, &record, Decisions::default()).write_size_limit(1));
    let error = StuckCall::begin(&client, FlightMethod::DoPut).await.err().expect("no upload of one byte");
    let seen = record.seen();
    let outcome = seen.client_call("DoPut", false);
    assert_eq!((outcome.code, outcome.error.as_ref().unwrap().message()), (Code::from(error.kind()), error.message()));
    assert!(outcome.trailers.is_empty());
    assert_eq!(calls.finish().await.server.len(), 0, "nothing was sent");
}
