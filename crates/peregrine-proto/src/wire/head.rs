//! The outgoing side: all of a `FlightData` message that comes before the body's bytes.

use bytes::{BufMut, BytesMut};
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};

use super::field;
use crate::descriptor::FlightDescriptor;
use crate::message::{FlightMessage, serialized_len};

/// Where a body begins, counted from the origin that the caller chose, is a multiple of this.
const BODY_ALIGNMENT: usize = 64;

/// Everything of a `FlightData` message before the body's bytes, the body's own tag and length included.
///
/// What is empty is left out: a descriptor that is `None`, a header or metadata of no bytes, a body of length 0.
///
/// With a `position`, which is the place of this message's first byte counted from where alignment counts from (the
/// start of a DATA frame, say), zeros are added to the end of `data_header` until the body begins at a multiple of 64.
/// Readers of IPC headers ignore what follows the flatbuffer. Nothing is added where there is no header or no body.
/// Give the same `position` to [`encoded_len`](Self::encoded_len), [`message_length`](Self::message_length) and
/// [`write`](Self::write).
///
/// ```
/// use bytes::BytesMut;
/// use peregrine_proto::FlightDataHead;
///
/// let head = FlightDataHead { data_header: &[7; 40], body_length: 128, ..FlightDataHead::default() };
/// let mut out = BytesMut::from(&[0; 14][..]);
/// head.write(&mut out, Some(14));
/// assert_eq!(out.len() % 64, 0);
/// assert_eq!(14 + head.encoded_len(Some(14)), out.len());
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct FlightDataHead<'a> {
    /// In the first message of DoPut and DoExchange.
    pub descriptor: Option<&'a FlightDescriptor>,
    /// The IPC message's flatbuffer, without a prefix.
    pub data_header: &'a [u8],
    /// The application's bytes.
    pub app_metadata: &'a [u8],
    /// How long the body is that follows, its padding included.
    pub body_length: usize,
}

impl FlightDataHead<'_> {
    /// How many bytes [`write`](Self::write) appends.
    pub fn encoded_len(&self, position: Option<usize>) -> usize {
        self.layout(position).length
    }

    /// The length of the whole message, body included: what gRPC's prefix states.
    pub fn message_length(&self, position: Option<usize>) -> usize {
        self.encoded_len(position) + self.body_length
    }

    /// Appends the head to `out`. The body's bytes must follow.
    pub fn write(&self, out: &mut BytesMut, position: Option<usize>) {
        let layout = self.layout(position);
        out.reserve(layout.length);
        if let Some(descriptor) = self.descriptor.map(FlightMessage::serialize) {
            put_length(out, field::DESCRIPTOR, descriptor.len());
            out.put_slice(&descriptor);
        }
        if !self.data_header.is_empty() {
            put_length(out, field::DATA_HEADER, self.data_header.len() + layout.padding);
            out.put_slice(self.data_header);
            out.put_bytes(0, layout.padding);
        }
        if !self.app_metadata.is_empty() {
            put_length(out, field::APP_METADATA, self.app_metadata.len());
            out.put_slice(self.app_metadata);
        }
        if self.body_length > 0 {
            put_length(out, field::DATA_BODY, self.body_length);
        }
    }

    fn layout(&self, position: Option<usize>) -> Layout {
        let mut others = 0;
        if let Some(descriptor) = self.descriptor {
            others += field_length(field::DESCRIPTOR, serialized_len(descriptor));
        }
        if !self.app_metadata.is_empty() {
            others += field_length(field::APP_METADATA, self.app_metadata.len());
        }
        if self.body_length > 0 {
            others += key_len(field::DATA_BODY) + encoded_len_varint(self.body_length as u64);
        }
        if self.data_header.is_empty() {
            return Layout { padding: 0, length: others };
        }
        let length = |padding| others + field_length(field::DATA_HEADER, self.data_header.len() + padding);
        let padding = match position {
            Some(position) if self.body_length > 0 => padding(|padding| position + length(padding)),
            _ => 0,
        };
        Layout { padding, length: length(padding) }
    }
}

/// What is known before anything is written.
struct Layout {
    padding: usize,
    length: usize,
}

/// The least padding that puts the body at a multiple of [`BODY_ALIGNMENT`]. Where the length's own varint grows by a
/// byte, the end moves by two and may jump over the multiple; the next one is reached then.
fn padding(end: impl Fn(usize) -> usize) -> usize {
    let mut padding = 0;
    while !end(padding).is_multiple_of(BODY_ALIGNMENT) {
        padding += end(padding).next_multiple_of(BODY_ALIGNMENT) - end(padding);
        // Too far by the byte that the varint grew by.
        if padding > 0 && end(padding - 1).is_multiple_of(BODY_ALIGNMENT) {
            padding -= 1;
        }
    }
    padding
}

fn field_length(number: u32, length: usize) -> usize {
    key_len(number) + encoded_len_varint(length as u64) + length
}

fn put_length(out: &mut BytesMut, number: u32, length: usize) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(length as u64, out);
}
