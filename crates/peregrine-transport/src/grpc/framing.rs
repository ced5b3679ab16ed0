//! gRPC's length-prefixed messages: sent complete, received as a start, chunks and an end.

use bytes::{BufMut, Bytes, BytesMut};
use peregrine_proto::{Code, FlightError};

use crate::grpc::status::Status;
use crate::rope::Rope;

/// The bytes before each message: a flag for compression and the length, big-endian.
pub const MESSAGE_PREFIX_LENGTH: usize = 5;

/// A message up to this size is copied behind its prefix: a part of its own costs more.
const COPIED_WITH_PREFIX: usize = 2 << 10;

/// The most that one message may have: what the peers' protobuf can hold.
const LARGEST_MESSAGE: usize = i32::MAX as usize;

/// A piece of a message as it arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessagePart {
    /// A message begins. Its length was compared with the limit; the bytes are not there yet.
    Start {
        /// The bytes of the complete message.
        length: usize,
    },
    /// The next bytes of the message, as they arrived; never empty.
    Chunk(Bytes),
    /// The message is complete.
    End,
}

/// The prefix of a message of `length` bytes, not compressed.
///
/// # Errors
/// [`ResourceExhausted`](peregrine_proto::FlightErrorKind::ResourceExhausted) for a message of 2 GiB or more, which
/// no peer could read.
pub fn message_prefix(length: usize) -> Result<[u8; MESSAGE_PREFIX_LENGTH], FlightError> {
    if length > LARGEST_MESSAGE {
        let message = format!("a message of {length} bytes cannot be sent: the most is {LARGEST_MESSAGE} bytes");
        return Err(FlightError::resource_exhausted(message));
    }
    let [a, b, c, d] = (length as u32).to_be_bytes();
    Ok([0, a, b, c, d])
}

/// Puts the prefix before a message, which makes it ready to be sent.
///
/// # Errors
/// As [`message_prefix`].
pub fn frame_message(message: impl Into<Rope>) -> Result<Rope, FlightError> {
    let mut message = message.into();
    let prefix = message_prefix(message.len())?;
    if message.len() <= COPIED_WITH_PREFIX {
        let mut framed = BytesMut::with_capacity(MESSAGE_PREFIX_LENGTH + message.len());
        framed.put_slice(&prefix);
        while let Some(part) = message.pop_part() {
            framed.put_slice(&part);
        }
        return Ok(Rope::from(framed));
    }
    let mut framed = Rope::from(Bytes::copy_from_slice(&prefix));
    framed.append(message);
    Ok(framed)
}

/// Finds messages in the bytes of a body, which may be cut anywhere. For the crates of this workspace.
#[derive(Debug)]
pub struct MessageParser {
    limit: usize,
    /// The name in `grpc-encoding`, for the error that a compressed message gets.
    encoding: Option<String>,
    prefix: [u8; MESSAGE_PREFIX_LENGTH],
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Prefix { filled: usize },
    Body { missing: usize },
}

impl MessageParser {
    /// A parser of messages of up to `limit` bytes. `encoding` is what the peer named in `grpc-encoding`.
    pub fn new(limit: usize, encoding: Option<String>) -> Self {
        Self { limit, encoding, prefix: [0; MESSAGE_PREFIX_LENGTH], place: Place::Prefix { filled: 0 } }
    }

    /// Sets the most bytes that a message may have, from the next one on.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Takes the next part off the front of `data`; `None` when more bytes are needed, and then `data` is empty.
    ///
    /// # Errors
    /// The status of a message that is compressed, over the limit, or has an unknown flag. Nothing is to be read after
    /// it.
    pub fn next(&mut self, data: &mut Bytes) -> Result<Option<MessagePart>, Status> {
        match self.place {
            Place::Prefix { filled } => self.read_prefix(filled, data),
            Place::Body { missing: 0 } => {
                self.place = Place::Prefix { filled: 0 };
                Ok(Some(MessagePart::End))
            }
            Place::Body { .. } if data.is_empty() => Ok(None),
            Place::Body { missing } => {
                let chunk = data.split_to(missing.min(data.len()));
                self.place = Place::Body { missing: missing - chunk.len() };
                Ok(Some(MessagePart::Chunk(chunk)))
            }
        }
    }

    /// Whether the body may end here.
    pub fn is_between_messages(&self) -> bool {
        self.place == Place::Prefix { filled: 0 }
    }

    fn read_prefix(&mut self, filled: usize, data: &mut Bytes) -> Result<Option<MessagePart>, Status> {
        let taken = data.split_to(data.len().min(MESSAGE_PREFIX_LENGTH - filled));
        let filled_now = filled + taken.len();
        self.prefix[filled..filled_now].copy_from_slice(&taken);
        self.place = Place::Prefix { filled: filled_now };
        if filled_now < MESSAGE_PREFIX_LENGTH {
            return Ok(None);
        }
        let [flag, length @ ..] = self.prefix;
        let length = u32::from_be_bytes(length) as usize;
        self.check(flag, length)?;
        self.place = Place::Body { missing: length };
        Ok(Some(MessagePart::Start { length }))
    }

    fn check(&self, flag: u8, length: usize) -> Result<(), Status> {
        match (flag, self.encoding.as_deref()) {
            (0, _) => {}
            (1, None | Some("identity")) => {
                let message = "a message is flagged as compressed, but no grpc-encoding was announced";
                return Err(Status::new(Code::Internal, message));
            }
            (1, Some(encoding)) => {
                let message = format!("a message is compressed with {encoding:?}: only identity is read");
                return Err(Status::new(Code::Unimplemented, message));
            }
            (flag, _) => {
                return Err(Status::new(Code::Internal, format!("a message has the unknown flag {flag}")));
            }
        }
        if length > self.limit {
            let message = format!("a message of {length} bytes is over the limit of {} bytes", self.limit);
            return Err(Status::new(Code::ResourceExhausted, message));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
