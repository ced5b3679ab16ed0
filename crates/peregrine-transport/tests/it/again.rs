//! Which calls a client makes again, and which never.

use std::time::Duration;

use h2::Reason;
use peregrine_proto::{Code, Location};
use peregrine_transport::{Channel, ChannelConfig, MessageReader, Outgoing, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::pair::{ask, call, open_request, read_all};
use crate::raw::{RawCall, raw_listener, raw_server, read_body, trailers};

const HEADERS: u8 = 1;

type Replying = JoinHandle<Result<MessageReader, Status>>;

fn start(request: Outgoing) -> (Replying, mpsc::UnboundedReceiver<DuplexStream>) {
    let (connector, connections) = raw_listener();
    let channel = Channel::new(Location::reuse_connection(), connector, ChannelConfig::default()).unwrap();
    (tokio::spawn(async move { call(&channel, request).await }), connections)
}

/// Takes a call as it must be, and ends it well.
async fn serve_well(mut call: RawCall) {
    assert_eq!(call.head.uri.path(), "/test.Service/Method");
    assert_eq!(call.head.headers["content-type"], "application/grpc");
    call.answer().send_trailers(trailers(&[("grpc-status", "0")])).unwrap();
    assert_eq!(read_body(call.body).await.data, "\0\0\0\0\x08question");
}

async fn assert_served(reply: Replying) {
    assert!(read_all(&mut reply.await.unwrap().unwrap()).await.unwrap().is_empty());
}

/// A server that tells, once it has a call, which stream is the last that it looks at, and then hangs up.
async fn go_away(mut io: DuplexStream, last: u32, reason: Reason) {
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    io.write_all(&settings).await.unwrap();
    io.read_exact(&mut [0; 24]).await.unwrap();
    loop {
        let mut head = [0; 9];
        io.read_exact(&mut head).await.unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        io.read_exact(&mut vec![0; length]).await.unwrap();
        if head[3] == HEADERS {
            break;
        }
    }
    let mut frame = vec![0, 0, 8, 7, 0, 0, 0, 0, 0];
    frame.extend_from_slice(&last.to_be_bytes());
    frame.extend_from_slice(&u32::from(reason).to_be_bytes());
    io.write_all(&frame).await.unwrap();
}

#[tokio::test]
async fn a_whole_request_that_is_refused_is_sent_again() {
    let (reply, mut connections) = start(ask("question"));
    let (mut calls, _task) = raw_server(&mut connections).await;
    calls.recv().await.unwrap().respond.send_reset(Reason::REFUSED_STREAM);
    serve_well(calls.recv().await.unwrap()).await;
    assert_served(reply).await;
}

#[tokio::test]
async fn a_request_that_is_refused_again_and_again_fails() {
    let (reply, mut connections) = start(ask("question"));
    let (mut calls, _task) = raw_server(&mut connections).await;
    for _ in 0..3 {
        calls.recv().await.unwrap().respond.send_reset(Reason::REFUSED_STREAM);
    }
    let error = reply.await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.message().contains("REFUSED_STREAM"), "{error}");
}

#[tokio::test]
async fn a_request_that_is_a_stream_is_not_sent_again() {
    let (_sender, request) = open_request();
    let (reply, mut connections) = start(request);
    let (mut calls, _task) = raw_server(&mut connections).await;
    calls.recv().await.unwrap().respond.send_reset(Reason::REFUSED_STREAM);
    assert_eq!(reply.await.unwrap().unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn a_call_that_a_goaway_leaves_out_is_made_again() {
    for reason in [Reason::NO_ERROR, Reason::ENHANCE_YOUR_CALM] {
        let (reply, mut connections) = start(ask("question"));
        go_away(connections.recv().await.unwrap(), 0, reason).await;
        let (mut calls, _task) = raw_server(&mut connections).await;
        serve_well(calls.recv().await.unwrap()).await;
        assert_served(reply).await;
    }
}

/// How a connection ends on which one call runs and others wait for their turn.
#[derive(Debug, Clone, Copy)]
enum Ending {
    /// With a GOAWAY; the call that runs comes to its end.
    Graceful,
    /// With a GOAWAY that cuts the call that runs.
    Abrupt,
    /// Without a word.
    Lost,
}

/// A bare server that takes one call at a time, until it is told how to end.
async fn one_at_a_time(io: DuplexStream) -> (mpsc::UnboundedReceiver<RawCall>, mpsc::UnboundedSender<Ending>) {
    let mut connection = h2::server::Builder::new().max_concurrent_streams(1).handshake(io).await.unwrap();
    let (sender, calls) = mpsc::unbounded_channel();
    let (end, mut ended) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                Some(Ok((request, respond))) = connection.accept() => {
                    let (head, body) = request.into_parts();
                    let _ = sender.send(RawCall { head, body, respond });
                }
                Some(ending) = ended.recv() => match ending {
                    Ending::Graceful => connection.graceful_shutdown(),
                    Ending::Abrupt => connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM),
                    Ending::Lost => return,
                },
                else => return,
            }
        }
    });
    (calls, end)
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_for_their_turn_when_the_connection_ends_are_made_on_the_next() {
    for ending in [Ending::Graceful, Ending::Abrupt, Ending::Lost] {
        let (connector, mut connections) = raw_listener();
        let channel = Channel::new(Location::reuse_connection(), connector, ChannelConfig::default()).unwrap();
        let start = || {
            let channel = channel.clone();
            tokio::spawn(async move { call(&channel, ask("question")).await })
        };
        let first = start();
        let (mut calls, end) = one_at_a_time(connections.recv().await.unwrap()).await;
        serve_well(calls.recv().await.unwrap()).await;
        assert_served(first).await;
        // From here on the client knows that it may have one stream.
        let running = start();
        let mut running_call = calls.recv().await.unwrap();
        let waiting = [start(), start(), start()];
        // The paused clock moves on when all wait: one call has a stream that may not be opened, two are behind it.
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(calls.try_recv().is_err());
        end.send(ending).unwrap();

        let (mut calls, _task) = raw_server(&mut connections).await;
        for _ in &waiting {
            serve_well(calls.recv().await.unwrap()).await;
        }
        for reply in waiting {
            assert_served(reply).await;
        }
        match ending {
            Ending::Graceful => {
                running_call.answer().send_trailers(trailers(&[("grpc-status", "0")])).unwrap();
                assert_served(running).await;
            }
            Ending::Abrupt | Ending::Lost => {
                assert_eq!(running.await.unwrap().unwrap_err().code(), Code::Unavailable, "{ending:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_call_that_a_goaway_counts_in_is_not_made_again() {
    for last in [1, u32::MAX >> 1] {
        for reason in [Reason::NO_ERROR, Reason::ENHANCE_YOUR_CALM] {
            let (reply, mut connections) = start(ask("question"));
            go_away(connections.recv().await.unwrap(), last, reason).await;
            assert_eq!(reply.await.unwrap().unwrap_err().code(), Code::Unavailable);
            assert!(connections.recv().await.is_none(), "one connection was all");
        }
    }
}
