//! What becomes of calls when their channel is closed.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::HeaderMap;
use peregrine_proto::{Code, Location};
use peregrine_transport::{CallToken, Channel, ChannelConfig, Connect, Connecting, IncomingCall, Reply, ReplyFrame};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::pair::{OnDrop, ask, ask_all, call, echo, framed, open_request, pair};

#[tokio::test(start_paused = true)]
async fn later_calls_are_told_and_closing_twice_is_no_harm() {
    let pair = pair(echo);
    let clone = pair.channel.clone();
    assert_eq!(ask_all(&clone, "x").await.unwrap(), ["x"]);
    for _ in 0..2 {
        pair.channel.close();
        let error = ask_all(&clone, "x").await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        assert!(error.message().contains("closed"), "{error}");
    }
    // The connection is gone, and so the server has nothing to wait for.
    let started = Instant::now();
    pair.server.shutdown(Duration::from_secs(60)).await;
    assert_eq!(started.elapsed(), Duration::ZERO);
    let unused = crate::pair::pair(echo).channel;
    unused.close();
    assert_eq!(ask_all(&unused, "x").await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test(start_paused = true)]
async fn calls_that_run_are_cancelled_at_both_ends_wherever_they_are() {
    let (tokens, mut token) = mpsc::unbounded_channel::<CallToken>();
    let pair = pair(move |mut call: IncomingCall| {
        tokens.send(call.token.clone()).unwrap();
        async move {
            match call.messages.next_message().await {
                Some(Ok(message)) if message == "answer" => {
                    let first = futures_util::stream::iter([ReplyFrame::Data(framed("first"))]);
                    Reply::stream(
                        HeaderMap::new(),
                        futures_util::StreamExt::chain(first, futures_util::stream::pending()),
                    )
                }
                _ => pending().await,
            }
        }
    });
    let mut read = call(&pair.channel, ask("answer")).await.unwrap();
    read.next_message().await.unwrap().unwrap();
    let _unread = call(&pair.channel, ask("answer")).await.unwrap();
    let channel = pair.channel.clone();
    let unanswered = tokio::spawn(async move { call(&channel, ask("no answer")).await });
    let channel = pair.channel.clone();
    let (sender, request) = open_request();
    sender.send(Ok(framed("no answer"))).unwrap();
    let unfinished = tokio::spawn(async move { call(&channel, request).await });
    let mut at_server = Vec::new();
    for _ in 0..4 {
        at_server.push(token.recv().await.unwrap());
    }
    let reading = tokio::spawn(async move { read.next_message().await });
    tokio::task::yield_now().await;

    pair.channel.close();
    let told = [
        reading.await.unwrap().unwrap().unwrap_err(),
        unanswered.await.unwrap().unwrap_err(),
        unfinished.await.unwrap().unwrap_err(),
    ];
    for error in told {
        assert_eq!((error.code(), error.message()), (Code::Cancelled, "the client was closed"));
    }
    for token in at_server {
        assert_eq!(token.cancelled().await.code(), Code::Cancelled);
    }
    assert!(sender.is_closed(), "nobody takes the request any more");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_has_ended_keeps_its_end() {
    let pair = pair(echo);
    let mut reply = call(&pair.channel, ask("x")).await.unwrap();
    while reply.next_message().await.is_some() {}
    pair.channel.close();
    assert!(!reply.token().is_cancelled());
    assert!(reply.trailers().is_some());
}

/// Never connects, and tells when it stops trying.
struct Stuck(Mutex<Option<(oneshot::Sender<()>, OnDrop)>>);

impl Connect for Stuck {
    fn connect<'a>(&'a self, _: &'a Location) -> Connecting<'a> {
        let (begun, guard) = self.0.lock().unwrap().take().expect("one attempt");
        Box::pin(async move {
            let _guard = guard;
            begun.send(()).unwrap();
            pending().await
        })
    }

    fn authority(&self, _: &Location) -> String {
        "stuck".to_owned()
    }

    fn address(&self, _: &Location) -> String {
        "stuck".to_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_on_its_way_is_given_up() {
    let ((guard, dropped), (begun, has_begun)) = (OnDrop::new(), oneshot::channel());
    let stuck = Stuck(Mutex::new(Some((begun, guard))));
    let channel = Arc::new(Channel::new(Location::reuse_connection(), stuck, ChannelConfig::default()).unwrap());
    let calling = Arc::clone(&channel);
    let waiting = tokio::spawn(async move { call(&calling, ask("x")).await });
    has_begun.await.unwrap();
    let started = Instant::now();
    channel.close();
    assert_eq!(waiting.await.unwrap().unwrap_err().code(), Code::Cancelled);
    dropped.await.unwrap();
    assert_eq!(started.elapsed(), Duration::ZERO);
}
