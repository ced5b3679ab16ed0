//! A message as streams and files have it.

use bytes::Bytes;

/// A message as it stands in a stream or a file, without the prefix: what Flight sends as `data_header` and
/// `data_body`, and what a [`Decoder`](crate::Decoder) takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpcMessage {
    /// The bare flatbuffer `Message`, perhaps with padding behind it.
    pub header: Bytes,
    /// The body, of the length that the header states.
    pub body: Bytes,
}
