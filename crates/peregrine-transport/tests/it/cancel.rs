//! Cancellation, both ways: what is dropped, what fires, what the other side sees.

use std::future::{pending, poll_fn};

use futures_util::stream;
use h2::Reason;
use http::HeaderMap;
use peregrine_proto::{Code, Location};
use peregrine_transport::{
    CallToken, Channel, ChannelConfig, IncomingCall, Outgoing, Reply, ReplyFrame, Shutdown, Status,
};
use tokio::sync::mpsc;

use crate::pair::{OnDrop, Once, ask, ask_all, call, echo, framed, open_reply, open_request, pair, read_all};
use crate::raw::{header, open, prefixed, raw_client, raw_listener, raw_server, read_body, read_response};

#[tokio::test]
async fn a_peer_that_resets_drops_the_handler_and_fires_the_token() {
    let (guard, dropped) = OnDrop::new();
    let (guard, (tokens, mut token)) = (Once::new(guard), mpsc::unbounded_channel::<CallToken>());
    let pair = pair(move |call: IncomingCall| {
        let guard = guard.take();
        tokens.send(call.token.clone()).unwrap();
        async move {
            let _guard = (guard, call);
            pending::<Reply>().await
        }
    });
    let (client, _task) = raw_client(&pair.connector).await;
    let (_response, mut upload) = open(&client).await;
    let token = token.recv().await.unwrap();
    assert!(!token.is_cancelled() && !token.is_ended());
    upload.send_reset(Reason::CANCEL);
    dropped.await.unwrap();
    assert_eq!(token.cancelled().await.code(), Code::Cancelled);
    assert!(token.is_cancelled() && token.is_ended());
}

#[tokio::test]
async fn a_peer_that_resets_drops_a_reply_stream_that_waits_or_is_blocked() {
    for is_blocked in [false, true] {
        let (guard, dropped) = OnDrop::new();
        let guard = Once::new(guard);
        let pair = pair(move |call: IncomingCall| {
            let guard = guard.take();
            async move {
                let mut first = true;
                let frames = stream::poll_fn(move |_| {
                    let _ = (&guard, &call.token);
                    match std::mem::take(&mut first) || is_blocked {
                        true => std::task::Poll::Ready(Some(ReplyFrame::Data(framed(vec![0; 1 << 20])))),
                        false => std::task::Poll::Pending,
                    }
                });
                Reply::stream(HeaderMap::new(), frames)
            }
        });
        let (client, _task) = raw_client(&pair.connector).await;
        let (response, mut upload) = open(&client).await;
        let _body = response.await.unwrap();
        upload.send_reset(Reason::CANCEL);
        dropped.await.unwrap();
    }
}

#[tokio::test]
async fn a_lost_connection_ends_all_its_calls() {
    let (tokens, mut token) = mpsc::unbounded_channel::<CallToken>();
    let pair = pair(move |call: IncomingCall| {
        tokens.send(call.token.clone()).unwrap();
        pending::<Reply>()
    });
    let (client, task) = raw_client(&pair.connector).await;
    let _open = [open(&client).await, open(&client).await, open(&client).await];
    let tokens = [token.recv().await.unwrap(), token.recv().await.unwrap(), token.recv().await.unwrap()];
    task.abort();
    for token in tokens {
        assert_eq!(token.cancelled().await.code(), Code::Cancelled);
    }
}

#[tokio::test]
async fn a_call_that_went_well_was_not_cancelled() {
    let (tokens, mut token) = mpsc::unbounded_channel::<CallToken>();
    let pair = pair(move |call: IncomingCall| {
        tokens.send(call.token.clone()).unwrap();
        async { Reply::complete(HeaderMap::new(), framed("x"), Status::ok()) }
    });
    read_all(&mut call(&pair.channel, ask("x")).await.unwrap()).await.unwrap();
    let token = token.recv().await.unwrap();
    token.ended().await;
    assert!(!token.is_cancelled());
    // Too late: it ended once.
    token.cancel(Status::new(Code::Aborted, "late"));
    assert!(!token.is_cancelled());
}

#[tokio::test]
async fn a_server_can_end_a_call_from_outside() {
    for answers in [false, true] {
        let (tokens, mut token) = mpsc::unbounded_channel::<CallToken>();
        let pair = pair(move |call: IncomingCall| {
            tokens.send(call.token.clone()).unwrap();
            async move {
                if !answers {
                    pending::<()>().await;
                }
                let (sender, reply) = open_reply();
                sender.send(ReplyFrame::Data(framed("first"))).unwrap();
                // Keeps the reply open.
                tokio::spawn(async move {
                    call.token.ended().await;
                    drop(sender)
                });
                reply
            }
        });
        let (client, _task) = raw_client(&pair.connector).await;
        let (response, mut upload) = open(&client).await;
        upload.send_data(prefixed(0, b"x"), true).unwrap();
        token.recv().await.unwrap().cancel(Status::new(Code::Unavailable, "moving house"));
        let (head, ended) = read_response(response).await;
        match ended.data.is_empty() {
            true => assert_eq!(header(&head, "grpc-status"), "14"),
            false => assert_eq!(ended.status(), "14"),
        }
    }
}

#[tokio::test]
async fn dropping_a_reply_resets_the_call_whatever_its_request_does() {
    // The request is complete; waits for the application; waits for window.
    let endless = || Outgoing::stream(stream::repeat_with(|| Ok(framed(vec![0; 1 << 20]))));
    let (_frames, waiting) = open_request();
    for request in [ask("x"), waiting, endless()] {
        let (connector, mut connections) = raw_listener();
        let channel = Channel::new(Location::reuse_connection(), connector, ChannelConfig::default()).unwrap();
        let reply = tokio::spawn(async move { call(&channel, request).await });
        let (mut calls, _task) = raw_server(&mut connections).await;
        let mut raw = calls.recv().await.unwrap();
        let mut answer = raw.answer();
        answer.send_data(prefixed(0, b"first"), false).unwrap();
        let mut reply = reply.await.unwrap().unwrap();
        assert_eq!(reply.next_message().await.unwrap().unwrap(), "first");
        drop(reply);
        assert_eq!(poll_fn(|cx| answer.poll_reset(cx)).await.unwrap(), Reason::CANCEL);
    }
}

#[tokio::test]
async fn dropping_a_call_before_its_answer_resets_it() {
    let (_frames, waiting) = open_request();
    for request in [ask("x"), waiting] {
        let (connector, mut connections) = raw_listener();
        let channel = Channel::new(Location::reuse_connection(), connector, ChannelConfig::default()).unwrap();
        let reply = tokio::spawn(async move { call(&channel, request).await });
        let (mut calls, _task) = raw_server(&mut connections).await;
        let mut raw = calls.recv().await.unwrap();
        reply.abort();
        assert_eq!(poll_fn(|cx| raw.respond.poll_reset(cx)).await.unwrap(), Reason::CANCEL);
    }
}

#[tokio::test]
async fn an_error_in_the_request_resets_the_call_with_cancel_and_is_its_status() {
    let (connector, mut connections) = raw_listener();
    let channel = Channel::new(Location::reuse_connection(), connector, ChannelConfig::default()).unwrap();
    let (frames, request) = open_request();
    let reply = tokio::spawn(async move { call(&channel, request).await });
    let (mut calls, _task) = raw_server(&mut connections).await;
    let mut raw = calls.recv().await.unwrap();
    frames.send(Ok(framed("one"))).unwrap();
    frames.send(Err(Status::new(Code::DataLoss, "the disk is gone"))).unwrap();
    let ended = read_body(raw.body).await;
    assert_eq!(ended.trailers.unwrap_err(), Reason::CANCEL);
    let error = reply.await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::DataLoss, "the disk is gone"));
    let _ = &mut raw.respond;
}

#[tokio::test]
async fn the_token_of_a_reply_ends_the_call_from_elsewhere() {
    let (connector, mut connections) = raw_listener();
    let channel = Channel::new(Location::reuse_connection(), connector, ChannelConfig::default()).unwrap();
    let (_frames, request) = open_request();
    let reply = tokio::spawn(async move { call(&channel, request).await });
    let (mut calls, _task) = raw_server(&mut connections).await;
    let mut raw = calls.recv().await.unwrap();
    let answer = raw.answer();
    let mut reply = reply.await.unwrap().unwrap();
    let token = reply.token().clone();
    let reading = tokio::spawn(async move { read_all(&mut reply).await });
    tokio::task::yield_now().await;
    token.cancel(Status::new(Code::Cancelled, "no longer wanted"));
    let error = reading.await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::Cancelled, "no longer wanted"));
    assert_eq!(read_body(raw.body).await.trailers.unwrap_err(), Reason::CANCEL);
    drop(answer);
}

#[tokio::test]
async fn the_end_of_the_reply_drops_a_request_that_is_still_open() {
    let (guard, dropped) = OnDrop::new();
    let pair = pair(|_| async { Reply::complete(HeaderMap::new(), framed("enough"), Status::ok()) });
    let frames = stream::poll_fn(move |_| {
        let _ = &guard;
        std::task::Poll::Pending
    });
    let mut reply = call(&pair.channel, Outgoing::stream(frames)).await.unwrap();
    assert_eq!(read_all(&mut reply).await.unwrap(), ["enough"]);
    dropped.await.unwrap();
}

#[tokio::test]
async fn dropping_the_request_of_a_call_on_a_server_leaves_its_reply_alone() {
    let pair = pair(|call: IncomingCall| async move {
        drop(call.messages);
        Reply::complete(HeaderMap::new(), framed("unread"), Status::ok())
    });
    let mut reply = call(&pair.channel, ask(vec![0; 8 << 20])).await.unwrap();
    assert_eq!(read_all(&mut reply).await.unwrap(), ["unread"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_are_given_up_anywhere_leave_nothing_behind() {
    let (tokens, mut ended) = mpsc::unbounded_channel::<CallToken>();
    let pair = pair(move |call: IncomingCall| {
        tokens.send(call.token.clone()).unwrap();
        echo(call)
    });
    let calls = (0..300).map(|seed: usize| {
        let channel = pair.channel.clone();
        tokio::spawn(async move {
            let message = vec![seed as u8; 1 + (seed % 7) * 300_000];
            let steps = seed % 40;
            let calling = async {
                let mut reply = call(&channel, Outgoing::stream(stream::iter([Ok(framed(message))]))).await.unwrap();
                read_all(&mut reply).await.unwrap();
            };
            let mut calling = Box::pin(calling);
            // Dropped after some polls, wherever it is then; some come to their end.
            for _ in 0..steps {
                if futures_util::poll!(&mut calling).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert_eq!(ask_all(&pair.channel, "x").await.unwrap(), ["x"]);
    assert_eq!(pair.server.shutdown(std::time::Duration::from_secs(60)).await, Shutdown::Drained);
    // All handlers are gone with the server, and so are their calls.
    drop(pair);
    while let Some(token) = ended.recv().await {
        assert!(token.is_ended());
    }
}
