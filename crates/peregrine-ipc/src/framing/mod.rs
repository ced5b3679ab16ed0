//! The formats around messages: the stream format, and files. Performs no I/O: bytes are handed in.

mod block;
mod footer;
mod incoming;
mod prefix;
mod problem;
mod spliced;
#[cfg(test)]
mod tests;

use bytes::Bytes;

pub use self::block::FileBlock;
pub use self::footer::FileFooter;
pub use self::incoming::StreamMessages;
pub use self::problem::FormatProblem;

/// A message as it stands in a stream or a file, without the prefix: what Flight sends as `data_header` and `data_body`, and
/// what a [`Decoder`](crate::Decoder) takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpcMessage {
    /// The bare flatbuffer `Message`, perhaps with padding behind it.
    pub header: Bytes,
    /// The body, of the length that the header states.
    pub body: Bytes,
}
