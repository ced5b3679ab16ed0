//! What an encoder hands out: a message as its header and the buffers of its body.

use std::fmt;

use arrow_buffer::Buffer;
use bytes::{Bytes, BytesMut};

/// Where each buffer of a body begins: at a multiple of this many bytes from the body's start.
pub(crate) const BODY_ALIGNMENT: usize = 64;

/// The kinds of message that a stream of batches consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// The schema, first in every stream.
    Schema,
    /// The values of a dictionary, or more of them.
    DictionaryBatch,
    /// A record batch.
    RecordBatch,
}

impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Schema => "schema",
            Self::DictionaryBatch => "dictionary batch",
            Self::RecordBatch => "record batch",
        })
    }
}

/// One message of a stream, ready to be framed.
#[derive(Debug, Clone)]
pub struct EncodedMessage {
    /// The bare flatbuffer `Message`, without the prefix of the stream format. Its length is a multiple of 8.
    pub header: Bytes,
    /// The body: each buffer is followed by zeros up to a multiple of 64 bytes. Empty ones are left out. A buffer
    /// shares the memory of the array that it came from wherever it can.
    pub body: Vec<Buffer>,
    /// The bytes of the body, padding included.
    pub body_length: usize,
    /// What the message is.
    pub kind: MessageKind,
    /// The rows of a record batch or of a dictionary; 0 in a schema.
    pub rows: usize,
}

impl EncodedMessage {
    /// The header's and the body's bytes together.
    pub fn encoded_size(&self) -> usize {
        self.header.len() + self.body_length
    }

    /// The buffers of the body in turn, each with the zeros that follow it.
    pub fn parts(self) -> impl Iterator<Item = (Buffer, &'static [u8])> {
        self.body.into_iter().map(|buffer| {
            let zeros = zeros_after(buffer.len());
            (buffer, zeros)
        })
    }

    /// The body in one piece, which copies it: for tests and for those who need contiguous bytes.
    pub fn body_bytes(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(self.body_length);
        for buffer in &self.body {
            bytes.extend_from_slice(buffer);
            bytes.extend_from_slice(zeros_after(buffer.len()));
        }
        bytes.freeze()
    }
}

fn zeros_after(length: usize) -> &'static [u8] {
    &[0; BODY_ALIGNMENT][..padded(length) - length]
}

/// `length` rounded up to the body's alignment.
pub(crate) fn padded(length: usize) -> usize {
    length.next_multiple_of(BODY_ALIGNMENT)
}
