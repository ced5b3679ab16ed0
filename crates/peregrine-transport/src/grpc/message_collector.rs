//! `MessageCollector`: small messages, each in one piece.

use bytes::{Bytes, BytesMut};

use crate::grpc::framing::MessagePart;

/// A stated length is believed for this much memory before any byte of it has arrived.
const FIRST_RESERVE: usize = 1 << 20;

/// Puts messages together from their parts, which arrive in order. A message that arrives in one piece is not copied.
/// For the crates of this workspace.
#[derive(Debug, Default)]
pub struct MessageCollector {
    length: usize,
    /// The message, where it arrived in one piece.
    piece: Bytes,
    /// What has arrived of it, where it did not.
    pieces: BytesMut,
}

impl MessageCollector {
    /// Takes the next part; gives the message that it completes.
    pub fn push(&mut self, part: MessagePart) -> Option<Bytes> {
        match part {
            MessagePart::Start { length } => self.length = length,
            MessagePart::Chunk(chunk) if chunk.len() == self.length => self.piece = chunk,
            MessagePart::Chunk(chunk) => {
                if self.pieces.is_empty() {
                    self.pieces.reserve(self.length.min(FIRST_RESERVE.max(chunk.len())));
                }
                self.pieces.extend_from_slice(&chunk);
            }
            MessagePart::End if self.pieces.is_empty() => return Some(std::mem::take(&mut self.piece)),
            MessagePart::End => return Some(std::mem::take(&mut self.pieces).freeze()),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(chunks: &[&Bytes]) -> Bytes {
        let mut collector = MessageCollector::default();
        let length = chunks.iter().map(|chunk| chunk.len()).sum();
        assert_eq!(collector.push(MessagePart::Start { length }), None);
        for chunk in chunks {
            assert_eq!(collector.push(MessagePart::Chunk(Bytes::clone(chunk))), None);
        }
        collector.push(MessagePart::End).expect("it is complete")
    }

    #[test]
    fn pieces_are_joined_and_a_single_one_is_shared() {
        let [all, one, two] = [&b"one, two"[..], b"one, ", b"two"].map(Bytes::copy_from_slice);
        assert_eq!(message(&[&one, &two]), all);
        assert_eq!(message(&[&all]).as_ptr(), all.as_ptr());
        assert_eq!(message(&[]), Bytes::new());
    }

    #[test]
    fn one_message_follows_another() {
        let mut collector = MessageCollector::default();
        let mut push = |part| collector.push(part);
        for (first, second) in [("ab", "cd"), ("", "ef"), ("gh", "")] {
            let whole = Bytes::from([first, second].concat());
            assert_eq!(push(MessagePart::Start { length: whole.len() }), None);
            for chunk in [first, second].into_iter().filter(|chunk| !chunk.is_empty()) {
                assert_eq!(push(MessagePart::Chunk(chunk.into())), None);
            }
            assert_eq!(push(MessagePart::End), Some(whole));
        }
    }

    #[test]
    fn a_stated_length_is_not_believed() {
        let mut collector = MessageCollector::default();
        collector.push(MessagePart::Start { length: u32::MAX as usize });
        collector.push(MessagePart::Chunk("a".into()));
        assert!(collector.pieces.capacity() <= FIRST_RESERVE);
    }
}
