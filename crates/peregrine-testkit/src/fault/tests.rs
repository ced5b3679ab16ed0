//! What each fault does to the two ends of a connection.

use std::io::{self, ErrorKind};

use futures_util::{FutureExt, stream};
use peregrine_client::FlightClient;
use peregrine_proto::{Action, FlightError, FlightErrorKind, Location, Ticket};
use peregrine_server::FlightServer;
use peregrine_stream::Table;
use peregrine_transport::{Connect, Connecting, Io};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;

use super::link::LinkEnd;
use super::*;
use crate::{MemoryService, Pair, batches};

/// The two ends of a connection with faults.
fn ends(faults: &Faults) -> (LinkEnd, LinkEnd) {
    faults.next().open()
}

/// What can be read at once, without waiting.
fn at_hand(end: &mut LinkEnd) -> Vec<u8> {
    let mut read = Vec::new();
    while let Some(Ok(1..)) = end.read_buf(&mut read).now_or_never() {}
    read
}

/// What a write of so many bytes comes to at once: `None` where it has to wait.
fn written(end: &mut LinkEnd, bytes: usize) -> Option<io::Result<usize>> {
    end.write(&vec![b'x'; bytes]).now_or_never()
}

fn error_of<T>(result: Option<io::Result<T>>) -> Option<ErrorKind> {
    result.and_then(|result| result.err()).map(|error| error.kind())
}

fn reset(stream: u32) -> Fault {
    Fault::Frame(Frame::reset_stream(stream, ErrorCode::NoError))
}

#[test]
fn without_faults_bytes_go_both_ways_and_are_counted() {
    let faults = Faults::new();
    let (mut client, mut server) = ends(&faults);
    assert_eq!(written(&mut client, 10).unwrap().unwrap(), 10);
    assert_eq!(written(&mut server, 20).unwrap().unwrap(), 20);
    assert_eq!((at_hand(&mut server).len(), at_hand(&mut client).len()), (10, 20));
    assert_eq!((faults.passed(Direction::ToServer), faults.passed(Direction::ToClient)), (10, 20));
}

#[test]
fn a_writer_waits_for_its_reader() {
    let faults = Faults::new();
    let (mut client, mut server) = ends(&faults);
    let taken = written(&mut client, 1 << 20).unwrap().unwrap();
    assert!(taken < 1 << 20);
    assert!(written(&mut client, 1).is_none());
    assert_eq!(at_hand(&mut server).len(), taken);
    assert!(written(&mut client, 1).is_some());
}

#[test]
fn an_end_that_is_dropped_or_shut_down_is_an_end_for_the_other() {
    let faults = Faults::new();
    let (mut client, mut server) = ends(&faults);
    written(&mut client, 10);
    client.shutdown().now_or_never().unwrap().unwrap();
    assert_eq!(at_hand(&mut server).len(), 10);
    assert_eq!(server.read(&mut [0]).now_or_never().unwrap().unwrap(), 0);
    assert!(written(&mut server, 1).unwrap().is_ok(), "the other direction goes on");
    drop(client);
    assert_eq!(error_of(written(&mut server, 1)), Some(ErrorKind::BrokenPipe));
}

#[test]
fn a_cut_comes_behind_its_bytes_and_ends_both_directions() {
    let faults = Faults::new();
    faults.after(Direction::ToServer, 15, Fault::Cut);
    let (mut client, mut server) = ends(&faults);
    written(&mut server, 5);
    assert_eq!(written(&mut client, 10).unwrap().unwrap(), 10);
    assert_eq!(written(&mut client, 10).unwrap().unwrap(), 5, "no byte more");
    for (end, sent) in [(&mut client, 5), (&mut server, 15)] {
        assert_eq!(at_hand(end).len(), sent);
        assert_eq!(end.read(&mut [0]).now_or_never().unwrap().unwrap(), 0);
        assert_eq!(error_of(written(end, 1)), Some(ErrorKind::BrokenPipe));
    }
    assert_eq!(faults.passed(Direction::ToServer), 15);
}

#[test]
fn a_reset_is_an_error_for_both() {
    let faults = Faults::new();
    let (mut client, mut server) = ends(&faults);
    written(&mut client, 10);
    faults.now(Direction::ToServer, Fault::Reset);
    for (end, sent) in [(&mut client, 0), (&mut server, 10)] {
        assert_eq!(at_hand(end).len(), sent);
        assert_eq!(error_of(end.read(&mut [0]).now_or_never()), Some(ErrorKind::ConnectionReset));
        assert_eq!(error_of(written(end, 1)), Some(ErrorKind::ConnectionReset));
    }
}

#[test]
fn a_half_close_ends_one_direction() {
    let faults = Faults::new();
    faults.after(Direction::ToServer, 10, Fault::HalfClose);
    let (mut client, mut server) = ends(&faults);
    assert_eq!(written(&mut client, 30).unwrap().unwrap(), 10);
    assert_eq!(error_of(written(&mut client, 1)), Some(ErrorKind::BrokenPipe));
    assert_eq!(at_hand(&mut server).len(), 10);
    assert_eq!(server.read(&mut [0]).now_or_never().unwrap().unwrap(), 0);
    assert!(written(&mut server, 1).unwrap().is_ok());
    assert_eq!(at_hand(&mut client).len(), 1);
}

#[tokio::test]
async fn a_stall_holds_bytes_and_the_end_back_until_it_is_lifted() {
    let faults = Faults::new();
    faults.after(Direction::ToServer, 10, Fault::Stall);
    let (mut client, mut server) = ends(&faults);
    let writer = tokio::spawn(async move {
        client.write_all(&[b'x'; 30]).await.unwrap();
        client.shutdown().await.unwrap();
        client
    });
    faults.struck().await;
    assert_eq!(at_hand(&mut server).len(), 10);
    assert!(server.read(&mut [0]).now_or_never().is_none());
    faults.lift(Direction::ToServer);
    let mut client = writer.await.unwrap();
    faults.now(Direction::ToServer, Fault::Stall);
    assert_eq!(at_hand(&mut server).len(), 20, "what passed before the stall arrives");
    assert!(server.read(&mut [0]).now_or_never().is_none(), "its end does not");
    assert!(written(&mut server, 1).unwrap().is_ok(), "the other direction goes on");
    assert_eq!(at_hand(&mut client).len(), 1);
    faults.lift(Direction::ToServer);
    assert_eq!(server.read(&mut [0]).now_or_never().unwrap().unwrap(), 0);
}

#[test]
fn a_connection_that_stalls_can_be_cut() {
    let faults = Faults::new();
    let (mut client, mut server) = ends(&faults);
    faults.now(Direction::ToServer, Fault::Stall);
    assert!(written(&mut client, 1).is_none());
    faults.cut();
    assert_eq!(server.read(&mut [0]).now_or_never().unwrap().unwrap(), 0);
    assert_eq!(error_of(written(&mut client, 1)), Some(ErrorKind::BrokenPipe));
}

#[test]
fn a_drip_lets_few_bytes_through_at_a_time() {
    let faults = Faults::new();
    let (mut client, mut server) = ends(&faults);
    written(&mut client, 10);
    faults.now(Direction::ToServer, Fault::Drip(3));
    assert_eq!(server.read(&mut [0; 10]).now_or_never().unwrap().unwrap(), 3);
    assert_eq!(written(&mut client, 10).unwrap().unwrap(), 3);
    faults.lift(Direction::ToServer);
    assert_eq!(written(&mut client, 10).unwrap().unwrap(), 10);
    assert_eq!(server.read(&mut [0; 100]).now_or_never().unwrap().unwrap(), 20);
}

#[test]
fn faults_of_one_direction_strike_in_the_order_of_their_places() {
    let faults = Faults::new();
    faults.after(Direction::ToServer, 20, Fault::HalfClose);
    faults.after(Direction::ToServer, 0, Fault::Drip(4));
    let (mut client, _server) = ends(&faults);
    let sizes: Vec<_> = std::iter::from_fn(|| written(&mut client, 100)?.ok()).collect();
    assert_eq!(sizes, [4; 5]);
}

#[test]
fn a_frame_waits_for_the_end_of_the_one_that_is_on_its_way() {
    let faults = Faults::new();
    let (mut client, mut server) = ends(&faults);
    // DATA of 10 bytes on stream 1, in the direction that begins without a preface.
    let data = [&[0, 0, 10, 0, 0, 0, 0, 0, 1][..], &[7; 10]].concat();
    let frame = [0, 0, 4, 3, 0, 0, 0, 0, 3, 0, 0, 0, 0];
    server.write_all(&data[..5]).now_or_never().unwrap().unwrap();
    faults.now(Direction::ToClient, reset(3));
    assert_eq!(at_hand(&mut client), data[..5]);
    server.write_all(&data[5..]).now_or_never().unwrap().unwrap();
    assert_eq!(at_hand(&mut client), [&data[5..], &frame].concat());
    faults.now(Direction::ToClient, reset(3));
    assert_eq!(at_hand(&mut client), frame, "between two frames it goes at once");
    assert_eq!(faults.passed(Direction::ToClient), 19, "and does not count");
}

#[test]
fn behind_a_reset_the_stream_is_thrown_away_and_its_window_given_back() {
    let faults = Faults::new();
    let (mut client, mut server) = ends(&faults);
    client.write_all(&[b'P'; 24]).now_or_never().unwrap().unwrap();
    faults.now(Direction::ToServer, reset(1));
    at_hand(&mut server);
    let data = [&[0, 0, 10, 0, 1, 0, 0, 0, 1][..], &[7; 10]].concat();
    client.write_all(&data).now_or_never().unwrap().unwrap();
    assert!(at_hand(&mut server).is_empty());
    assert_eq!(at_hand(&mut client), [0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 10]);
}

#[test]
fn a_stream_is_reset_for_both() {
    let faults = Faults::new();
    let (mut client, mut server) = ends(&faults);
    client.write_all(&[b'P'; 24]).now_or_never().unwrap().unwrap();
    at_hand(&mut server);
    faults.now(Direction::ToServer, Fault::ResetStream { stream: 3, code: ErrorCode::Cancel });
    let frame = [0, 0, 4, 3, 0, 0, 0, 0, 3, 0, 0, 0, 8];
    assert_eq!((&at_hand(&mut client)[..], &at_hand(&mut server)[..]), (&frame[..], &frame[..]));
}

#[test]
fn what_is_planned_without_a_connection_waits_for_the_next() {
    let faults = Faults::new();
    let (client, server) = ends(&faults);
    drop((client, server));
    faults.after(Direction::ToServer, 3, Fault::HalfClose);
    let (mut client, _server) = ends(&faults);
    assert_eq!(written(&mut client, 10).unwrap().unwrap(), 3);
    let (mut client, _server) = ends(&faults);
    assert_eq!(written(&mut client, 10).unwrap().unwrap(), 10, "and for that one alone");
    assert_eq!(faults.passed(Direction::ToServer), 10);
}

#[tokio::test]
async fn a_test_can_wait_for_bytes() {
    let faults = Faults::new();
    let (mut client, _server) = ends(&faults);
    let mut waits = Box::pin(faults.has_passed(Direction::ToServer, 100));
    written(&mut client, 99);
    assert!(waits.as_mut().now_or_never().is_none());
    written(&mut client, 1);
    assert!(waits.now_or_never().is_some());
    let waits = faults.has_passed(Direction::ToServer, u64::MAX);
    drop(client);
    assert!(waits.now_or_never().is_some(), "a connection that is over passes no more");
}

fn trips(faults: &Faults) -> Pair {
    let service = MemoryService::with("trips", batches::one_per_type());
    Pair::with_faults(FlightServer::builder(), service, faults)
}

#[tokio::test]
async fn the_streams_of_a_connection_are_numbered() {
    let faults = Faults::new();
    let pair = trips(&faults);
    assert_eq!(faults.newest_stream(), None);
    for stream in [1, 3, 5] {
        pair.client().do_action(Action::new("echo", "")).await.unwrap();
        assert_eq!(faults.newest_stream(), Some(stream));
    }
}

#[tokio::test]
async fn a_connection_that_drips_carries_every_call() {
    let faults = Faults::new();
    let pair = trips(&faults);
    faults.now(Direction::ToServer, Fault::Drip(1));
    faults.now(Direction::ToClient, Fault::Drip(7));
    let read = pair.client().do_get(Ticket::new("trips")).await.unwrap().read_all().await.unwrap();
    assert_eq!(read.batches, batches::one_per_type());
}

#[tokio::test]
async fn a_refused_stream_and_a_goaway_are_called_again() {
    for frame in [Frame::reset_stream(1, ErrorCode::RefusedStream), Frame::go_away(0, ErrorCode::NoError)] {
        let faults = Faults::new();
        let pair = trips(&faults);
        // The server does not see the request, whose head takes some 200 bytes.
        faults.after(Direction::ToServer, 100, Fault::Stall);
        let client = pair.client().clone();
        let call = tokio::spawn(async move { client.do_get(Ticket::new("trips")).await?.read_all().await });
        faults.struck().await;
        faults.now(Direction::ToClient, Fault::Frame(frame));
        faults.struck().await;
        faults.lift(Direction::ToServer);
        assert_eq!(call.await.unwrap().unwrap().batches, batches::one_per_type());
    }
}

async fn read_trips(client: &FlightClient) -> Result<Table, FlightError> {
    client.do_get(Ticket::new("trips")).await?.read_all().await
}

fn client(connector: impl Connect) -> FlightClient {
    FlightClient::builder(Location::reuse_connection()).unwrap().connector(connector).build().unwrap()
}

#[tokio::test]
async fn faults_go_around_the_connector_of_another() {
    let faults = Faults::new();
    let pair = Pair::new(MemoryService::with("trips", batches::one_per_type()));
    let client = client(faults.connector(pair.connector()));
    assert_eq!(read_trips(&client).await.unwrap().batches, batches::one_per_type());
    faults.after(Direction::ToClient, 5000, Fault::Cut);
    assert_eq!(read_trips(&client).await.unwrap_err().kind(), FlightErrorKind::Unavailable);
    assert_eq!(read_trips(&client).await.unwrap().batches, batches::one_per_type());
}

/// Connects to whoever holds the receiver.
struct Dial(mpsc::UnboundedSender<DuplexStream>);

impl Connect for Dial {
    fn connect<'a>(&'a self, _: &'a Location) -> Connecting<'a> {
        let (ours, theirs) = duplex(1 << 16);
        self.0.send(theirs).unwrap();
        Box::pin(async { Ok(Box::new(ours) as Box<dyn Io>) })
    }

    fn authority(&self, _: &Location) -> String {
        "localhost".to_owned()
    }

    fn address(&self, _: &Location) -> String {
        "a listener of another".to_owned()
    }
}

#[tokio::test]
async fn faults_go_around_the_listener_of_another() {
    let faults = Faults::new();
    let (sender, receiver) = mpsc::unbounded_channel();
    let accepted = stream::unfold(receiver, |mut receiver| async { Some((Ok(receiver.recv().await?), receiver)) });
    let listener = faults.listener("of another", accepted);
    let service = MemoryService::with("trips", batches::one_per_type());
    let _server = FlightServer::builder().listener(listener).serve(service).unwrap();
    let client = client(Dial(sender));
    assert_eq!(read_trips(&client).await.unwrap().batches, batches::one_per_type());
    faults.after(Direction::ToClient, 5000, Fault::Cut);
    assert_eq!(read_trips(&client).await.unwrap_err().kind(), FlightErrorKind::Unavailable);
    assert_eq!(read_trips(&client).await.unwrap().batches, batches::one_per_type());
}
