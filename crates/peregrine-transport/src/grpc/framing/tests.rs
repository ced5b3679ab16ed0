//! Tests of framing: messages cut anywhere, and prefixes that lie.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Feeds chunks, and collects the messages and how it ended.
fn parse(parser: &mut MessageParser, chunks: impl IntoIterator<Item = Bytes>) -> (Vec<Vec<u8>>, Option<Status>) {
    let (mut messages, mut current) = (Vec::new(), None);
    for mut chunk in chunks {
        loop {
            match parser.next(&mut chunk) {
                Ok(Some(MessagePart::Start { length })) => current = Some(Vec::with_capacity(length)),
                Ok(Some(MessagePart::Chunk(piece))) => {
                    assert!(!piece.is_empty());
                    current.as_mut().unwrap().extend_from_slice(&piece);
                }
                Ok(Some(MessagePart::End)) => messages.push(current.take().unwrap()),
                Ok(None) => break,
                Err(status) => return (messages, Some(status)),
            }
        }
        assert!(chunk.is_empty());
    }
    (messages, None)
}

fn wire(messages: &[Vec<u8>]) -> Bytes {
    let mut rope = Rope::new();
    for message in messages {
        rope.append(frame_message(Bytes::from(message.clone())).unwrap());
    }
    let length = rope.len();
    bytes::Buf::copy_to_bytes(&mut rope, length)
}

#[test]
fn the_prefix_is_a_flag_and_a_length() {
    assert_eq!(wire(&[b"abc".to_vec()]), Bytes::from_static(b"\0\0\0\0\x03abc"));
    assert_eq!(wire(&[Vec::new()]), Bytes::from_static(&[0; 5]));
}

#[test]
fn a_large_message_is_framed_without_a_copy() {
    let message = Bytes::from(vec![1; 1 << 20]);
    let framed = frame_message(message.clone()).unwrap();
    assert_eq!(framed.merged_bytes(), 0);
    assert_eq!(framed.parts(), 2);
}

#[test]
fn a_message_that_no_peer_can_read_is_refused() {
    let error = message_prefix(1 << 31).unwrap_err();
    assert!(error.message().contains("2147483648"), "{error}");
    assert_eq!(message_prefix((1 << 31) - 1).unwrap(), [0, 0x7f, 0xff, 0xff, 0xff]);
}

#[test]
fn a_length_over_the_limit_is_refused_before_any_byte_of_it() {
    let mut parser = MessageParser::new(10, None);
    let (messages, status) = parse(&mut parser, [Bytes::from_static(b"\0\0\0\0\x0a0123456789\0\0\0\0\x0b")]);
    assert_eq!(messages, [b"0123456789"]);
    let status = status.unwrap();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(status.message(), "a message of 11 bytes is over the limit of 10 bytes");
}

#[test]
fn the_place_between_messages_is_known() {
    let mut parser = MessageParser::new(100, None);
    let bytes = wire(&[b"ab".to_vec()]);
    assert!(parser.is_between_messages());
    for cut in 1..bytes.len() {
        let mut parser = MessageParser::new(100, None);
        parse(&mut parser, [bytes.slice(..cut)]);
        assert!(!parser.is_between_messages(), "{cut}");
    }
    parse(&mut parser, [bytes]);
    assert!(parser.is_between_messages());
}

proptest! {
    #[test]
    fn messages_survive_any_cuts(messages in vec(vec(any::<u8>(), 0..300), 0..8), cuts in vec(1..400_usize, 1..20)) {
        let mut bytes = wire(&messages);
        let mut chunks = Vec::new();
        for cut in cuts.iter().cycle() {
            if bytes.is_empty() {
                break;
            }
            chunks.push(bytes.split_to((*cut).min(bytes.len())));
        }
        let mut parser = MessageParser::new(300, None);
        let (read, status) = parse(&mut parser, chunks);
        prop_assert!(status.is_none());
        prop_assert_eq!(read, messages);
        prop_assert!(parser.is_between_messages());
    }

    #[test]
    fn hostile_bytes_are_messages_or_an_error(bytes in vec(any::<u8>(), 0..500), limit in 0..300_usize) {
        let mut parser = MessageParser::new(limit, Some("gzip".to_owned()));
        let (messages, _) = parse(&mut parser, [Bytes::from(bytes)]);
        prop_assert!(messages.iter().all(|message| message.len() <= limit));
    }
}
