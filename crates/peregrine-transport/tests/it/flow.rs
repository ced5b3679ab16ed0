//! Bulk data, both ways and both at once, and streams that do not starve each other.

use std::future::poll_fn;
use std::task::Poll;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use http::HeaderMap;
use peregrine_transport::{
    ChannelConfig, Http2Config, IncomingCall, MessagePart, Outgoing, Reply, ReplyFrame, Rope, ServeConfig, Status,
};

use crate::pair::{call, echo, framed, open_request, pair, pair_with, read_all};

/// Bytes that tell where they are from.
fn pattern(seed: usize, length: usize) -> Bytes {
    (0..length).map(|at| (at * 31 + seed * 7) as u8).collect()
}

#[tokio::test]
async fn messages_of_all_sizes_come_back_as_they_went() {
    let pair = pair(echo);
    let sizes = [0, 1, 4, 5, 1000, 4096, 16_383, 16_384, 65_536, (1 << 20) + 1, (4 << 20) - 5, 4 << 20, 9 << 20];
    let messages: Vec<_> = sizes.iter().enumerate().map(|(seed, size)| pattern(seed, *size)).collect();
    let mut rope = Rope::new();
    messages.iter().for_each(|message| rope.append(framed(message.clone())));
    let mut reply = call(&pair.channel, Outgoing::whole(rope)).await.unwrap();
    assert!(read_all(&mut reply).await.unwrap() == messages);
    let frames = messages.clone().into_iter().map(|message| Ok(framed(message)));
    let mut reply = call(&pair.channel, Outgoing::stream(stream::iter(frames))).await.unwrap();
    assert!(read_all(&mut reply).await.unwrap() == messages);
}

#[tokio::test]
async fn parts_of_messages_may_be_split_over_ropes_in_any_way() {
    let pair = pair(echo);
    let messages = [pattern(1, 100_000), Bytes::new(), pattern(2, 7)];
    let mut whole = BytesMut::new();
    for message in &messages {
        whole.put_u8(0);
        whole.put_u32(message.len() as u32);
        whole.extend_from_slice(message);
    }
    for cut in [1, 3, 5, 997, 65_537] {
        let pieces: Vec<_> = whole.chunks(cut).map(|piece| Ok(Rope::from(Bytes::copy_from_slice(piece)))).collect();
        let mut reply = call(&pair.channel, Outgoing::stream(stream::iter(pieces))).await.unwrap();
        assert!(read_all(&mut reply).await.unwrap() == messages, "{cut}");
    }
}

#[tokio::test]
async fn a_message_comes_in_parts_as_it_arrives() {
    let pair = pair(|_| async {
        let mut frame = framed(pattern(1, 3 << 20));
        let rest = frame.split_to(1 << 20);
        let frames = [ReplyFrame::Data(rest), ReplyFrame::Data(frame), ReplyFrame::End(Status::ok())];
        Reply::stream(HeaderMap::new(), stream::iter(frames))
    });
    let mut reply = call(&pair.channel, Outgoing::whole(Rope::new())).await.unwrap();
    assert_eq!(reply.next_part().await.unwrap().unwrap(), MessagePart::Start { length: 3 << 20 });
    let mut read = BytesMut::new();
    loop {
        match reply.next_part().await.unwrap().unwrap() {
            MessagePart::Chunk(chunk) => {
                assert!(!chunk.is_empty());
                read.extend_from_slice(&chunk);
            }
            MessagePart::End => break,
            MessagePart::Start { .. } => panic!("a message inside a message"),
        }
    }
    assert!(read == pattern(1, 3 << 20));
    assert!(reply.next_part().await.is_none());
    assert!(reply.next_part().await.is_none());
}

#[tokio::test]
async fn both_directions_run_at_once_and_in_lock_step() {
    let pair = pair(|call: IncomingCall| async move {
        let frames = stream::unfold(Some(call.messages), |messages| async {
            let mut messages = messages?;
            let frame = match messages.next_message().await {
                Some(Ok(message)) => return Some((ReplyFrame::Data(framed(message)), Some(messages))),
                Some(Err(status)) => ReplyFrame::End(status),
                None => ReplyFrame::End(Status::ok()),
            };
            Some((frame, None))
        });
        Reply::stream(HeaderMap::new(), frames)
    });
    let (frames, request) = open_request();
    let mut reply = call(&pair.channel, request).await.unwrap();
    for round in 0..50 {
        frames.send(Ok(framed(pattern(round, round * 1000)))).unwrap();
        assert_eq!(reply.next_message().await.unwrap().unwrap(), pattern(round, round * 1000));
    }
    drop(frames);
    assert!(reply.next_message().await.is_none());
}

#[tokio::test]
async fn unread_streams_do_not_starve_another_on_their_connection() {
    // Windows that the application set equal: the connection's counts as four of the stream's.
    let http2 = |base: Http2Config| Http2Config { stream_window: 1 << 16, connection_window: 1 << 16, ..base };
    let serve_config = ServeConfig { http2: http2(Http2Config::server()), ..ServeConfig::default() };
    let config = ChannelConfig { http2: http2(Http2Config::client()), ..ChannelConfig::default() };
    let endless = |_| async {
        let frames = stream::repeat_with(|| ReplyFrame::Data(framed(vec![1; 1 << 16])));
        Reply::stream(HeaderMap::new(), frames)
    };
    let pair = pair_with(endless, serve_config, config);
    let mut unread = Vec::new();
    for _ in 0..3 {
        let mut reply = call(&pair.channel, Outgoing::whole(Rope::new())).await.unwrap();
        reply.next_part().await.unwrap().unwrap();
        unread.push(reply);
    }
    let mut read = call(&pair.channel, Outgoing::whole(Rope::new())).await.unwrap();
    for _ in 0..100 {
        assert_eq!(read.next_message().await.unwrap().unwrap().len(), 1 << 16);
    }
}

#[tokio::test]
async fn a_sender_stops_at_the_window_of_a_reader_that_waits() {
    let (reports, mut reported) = tokio::sync::watch::channel(0);
    let pair = pair(move |_| {
        let reports = reports.clone();
        async move {
            let frames = stream::repeat_with(move || {
                reports.send_modify(|made| *made += 1);
                ReplyFrame::Data(framed(vec![1; 1 << 20]))
            });
            Reply::stream(HeaderMap::new(), frames)
        }
    });
    let mut reply = call(&pair.channel, Outgoing::whole(Rope::new())).await.unwrap();
    // 16 MiB of window, what the prefixes take of it, and a frame that waits.
    reported.wait_for(|made| *made >= 16).await.unwrap();
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert!(*reported.borrow() <= 18, "{}", *reported.borrow());
    reply.next_message().await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_share_a_connection() {
    let pair = pair(echo);
    let calls = (0..200).map(|seed| {
        let channel = pair.channel.clone();
        tokio::spawn(async move {
            let message = pattern(seed, seed * 997);
            let mut reply = call(&channel, Outgoing::whole(framed(message.clone()))).await.unwrap();
            assert!(read_all(&mut reply).await.unwrap() == [message]);
        })
    });
    let results: Vec<_> = stream::iter(calls).buffer_unordered(200).collect().await;
    results.into_iter().for_each(|result| result.unwrap());
}

#[tokio::test]
async fn a_flood_of_tiny_messages_lets_others_run() {
    let pair = pair(echo);
    let mut rope = Rope::new();
    (0..10_000).for_each(|_| rope.append(framed("")));
    let mut messages = call(&pair.channel, Outgoing::whole(rope)).await.unwrap();
    // All 50 000 bytes come in one DATA frame.
    messages.next_part().await.unwrap().unwrap();
    tokio::task::yield_now().await;
    let at_once = poll_fn(|cx| {
        let mut parts = 0;
        while let Poll::Ready(part) = messages.poll_part(cx) {
            part.expect("the end comes later").unwrap();
            parts += 1;
        }
        Poll::Ready(parts)
    });
    let at_once = at_once.await;
    assert!((1000..10_000).contains(&at_once), "{at_once} parts in one go");
    read_all(&mut messages).await.unwrap();
}
