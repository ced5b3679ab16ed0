//! Calls that are made again on a new connection: one call at the client, however many attempts it took.

use std::io;
use std::sync::Mutex;

use h2::Reason;
use peregrine::client::FlightClient;
use peregrine::proto::{Code, FlightDescriptor, FlightMethod, Location};
use peregrine::server::FlightServer;
use peregrine::transport::{Connect, Connecting, Http2Config};
use peregrine_testkit::fault::Direction::{ToClient, ToServer};
use peregrine_testkit::fault::{ErrorCode, Fault, Faults, Frame};
use peregrine_testkit::waiting::{idle, soon};
use peregrine_testkit::{MemoryService, Pair, batches};

use crate::support::bare_http::BareServer;
use crate::support::marked::Marked;
use crate::support::recorded::{Decisions, Recorded, recording_client};
use crate::support::recorder::Record;
use crate::support::stuck::{Stuck, StuckCall};

fn trips() -> Marked {
    Marked(MemoryService::with("trips", vec![batches::int64(7)]))
}

async fn info(client: FlightClient) -> Result<(), peregrine::proto::FlightError> {
    client.get_flight_info(FlightDescriptor::for_path(["trips"])).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn a_goaway_leaves_the_call_out() {
    let faults = Faults::new();
    let calls = Recorded::with(Decisions::default(), trips(), &faults);
    info(calls.client.clone()).await.unwrap();
    let before = calls.seen();
    faults.now(ToServer, Fault::Stall);
    let call = tokio::spawn(info(calls.client.clone()));
    idle().await;
    assert_eq!(faults.newest_stream(), Some(1), "the second is on its way");
    faults.now(ToClient, Fault::Frame(Frame::go_away(1, ErrorCode::NoError)));
    soon(call).await.unwrap().unwrap();
    assert_eq!(faults.newest_stream(), Some(1), "of a new connection");
    let ends = calls.finish().await;
    // Each saw one call more.
    assert_eq!((ends.client.len(), ends.server.len()), (2 * before.client.len(), 2 * before.server.len()));
}

#[tokio::test(start_paused = true)]
async fn the_server_refuses_the_stream() {
    let faults = Faults::new();
    let calls = Recorded::with(Decisions::default(), trips(), &faults);
    // The head of the connection gets through, and of the call nothing.
    drop(calls.client.list_actions().await.unwrap());
    idle().await;
    faults.now(ToServer, Fault::Stall);
    let call = tokio::spawn(info(calls.client.clone()));
    idle().await;
    faults.now(ToClient, Fault::Frame(Frame::reset_stream(3, ErrorCode::RefusedStream)));
    idle().await;
    faults.lift(ToServer);
    soon(call).await.unwrap().unwrap();
    let ends = calls.finish().await;
    assert_eq!(ends.client.client_call("GetFlightInfo", true).code, Code::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_its_turn_outlives_the_connection() {
    let faults = Faults::new();
    let record = Record::default();
    let http2 = Http2Config { max_concurrent_streams: 1, ..Http2Config::server() };
    let pair = Pair::with_faults(FlightServer::builder().http2(http2), Stuck::BehindOne, &faults);
    let client = pair.client_with(|client| recording_client(client, &record, Decisions::default()));
    let mut running = StuckCall::begin(&client, FlightMethod::DoGet).await.unwrap();
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { StuckCall::begin(&client, FlightMethod::DoAction).await.is_ok() }
    });
    idle().await;
    let sent = ["auth", "outer starts", "inner starts", "outer sends headers", "inner sends headers"];
    assert_eq!(record.seen().events("DoAction"), sent);
    faults.cut();
    assert!(soon(waiting).await.unwrap(), "on a new connection");
    assert_eq!(Code::from(running.read().await.unwrap_err().kind()), Code::Unavailable);
    let seen = record.seen();
    assert_eq!(seen.client_call("DoGet", true).code, Code::Unavailable);
    assert_eq!(seen.client_call("DoAction", true).code, Code::Cancelled, "it was dropped");
}

#[tokio::test(start_paused = true)]
async fn every_attempt_is_refused() {
    let record = Record::default();
    let mut server = BareServer::with_client(|client| recording_client(client, &record, Decisions::default()));
    let call = tokio::spawn(info(server.client.clone()));
    let (mut calls, _connection) = server.accept().await;
    for _ in 0..3 {
        soon(calls.recv()).await.unwrap().respond.send_reset(Reason::REFUSED_STREAM);
    }
    assert_eq!(Code::from(soon(call).await.unwrap().unwrap_err().kind()), Code::Unavailable);
    let seen = record.seen();
    let outcome = seen.client_call("GetFlightInfo", false);
    assert_eq!((outcome.code, outcome.sent.messages), (Code::Unavailable, 1), "the message counts once");
}

/// Fails as often as it is told, and then reaches a server.
struct Failing<C>(C, Mutex<usize>);

impl<C: Connect> Connect for Failing<C> {
    fn connect<'a>(&'a self, location: &'a Location) -> Connecting<'a> {
        let mut left = self.1.lock().unwrap();
        if *left == 0 {
            return self.0.connect(location);
        }
        *left -= 1;
        Box::pin(async { Err(io::Error::from(io::ErrorKind::ConnectionRefused)) })
    }
}

#[tokio::test(start_paused = true)]
async fn no_connection_can_be_made() {
    let record = Record::default();
    let pair = Pair::new(trips());
    let client = pair.client_with(|client| {
        recording_client(client, &record, Decisions::default()).connector(Failing(pair.connector(), Mutex::new(1)))
    });
    assert_eq!(Code::from(info(client).await.unwrap_err().kind()), Code::Unavailable);
    assert_eq!(record.seen().client_call("GetFlightInfo", false).code, Code::Unavailable);
}
