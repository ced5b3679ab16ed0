//! The decoder of one stream.

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::{Message, MessageHeader};
use arrow_schema::SchemaRef;
use bytes::Bytes;
use peregrine_proto::{MessageLimits, Verified, decode_verified_schema};

use super::stream_state::{Incoming, StreamState};
use super::trust::Trust;
use crate::compression::Inflater;
use crate::error::Error;
use crate::message::MessageKind;
use crate::options::IpcReadOptions;
use crate::stats::DecodeStats;
use crate::verify;

/// What a message was.
#[derive(Debug, Clone, PartialEq)]
pub enum Decoded {
    /// The schema, after the projection.
    Schema(SchemaRef),
    /// Values of a dictionary, kept for the batches that follow.
    Dictionary,
    /// A batch.
    RecordBatch(RecordBatch),
}

/// Turns the messages of one stream back into record batches.
///
/// Arrays share the memory of the bodies that they came in. A buffer is copied only if it is compressed, or if it
/// does not lie where its type needs it ([`DecodeStats::realigned_buffers`]).
///
/// Bytes may be hostile: every length, count and offset is checked before it is used, values are validated as arrow
/// validates them, and memory is taken for bytes that really came and not for those that a header promises. This
/// takes time in proportion to the message, so a large one does not belong on a connection's task; a delta also has
/// the values of its dictionary copied when a batch needs them, within a budget that grows with the bytes that come.
/// Nested types take stack for each level: 128 of them, the most there can be, 400 KiB in an optimized build and 2.5 MiB
/// without.
///
/// Deltas are read for dictionaries whose values have no unions, run ends or dictionaries in them.
///
/// See the [crate](crate) for an example.
pub struct Decoder {
    options: IpcReadOptions,
    limits: MessageLimits,
    trust: Trust,
    stream: Option<StreamState>,
    inflater: Inflater,
    stats: DecodeStats,
}

impl Decoder {
    /// A decoder for one stream.
    pub fn new(options: IpcReadOptions, limits: MessageLimits) -> Self {
        Self::with_trust(options, limits, Trust::none())
    }

    pub(super) fn with_trust(options: IpcReadOptions, limits: MessageLimits, trust: Trust) -> Self {
        Self { options, limits, trust, stream: None, inflater: Inflater::default(), stats: DecodeStats::default() }
    }

    /// The schema of the batches, after the projection, once it has come.
    pub fn schema(&self) -> Option<&SchemaRef> {
        self.stream.as_ref().map(StreamState::visible_schema)
    }

    /// What was done so far.
    pub fn stats(&self) -> DecodeStats {
        self.stats
    }

    /// Decodes one message: its bare flatbuffer header, and its body.
    ///
    /// The body may be longer than the header states; the rest is ignored. The schema message may come again, as
    /// long as it is the same one, and changes nothing.
    ///
    /// # Errors
    /// Every variant of [`Error`] but those of encoding. The message is as if it had not come, and the next one may
    /// be decoded, though batches after a lost dictionary will not be what their sender meant.
    pub fn decode(&mut self, header: &[u8], body: Bytes) -> Result<Decoded, Error> {
        let message = verify::message(header, &self.limits)?;
        let decoded = match message.get().header_type() {
            MessageHeader::Schema => self.schema_message(message)?,
            MessageHeader::RecordBatch => {
                let batch = message.get().header_as_record_batch().ok_or(Error::Missing { part: "record batch" })?;
                let (stream, mut incoming) = self.incoming(MessageKind::RecordBatch, message, body)?;
                Decoded::RecordBatch(stream.record_batch(batch, &mut incoming)?)
            }
            MessageHeader::DictionaryBatch => {
                let batch =
                    message.get().header_as_dictionary_batch().ok_or(Error::Missing { part: "dictionary batch" })?;
                let (stream, mut incoming) = self.incoming(MessageKind::DictionaryBatch, message, body)?;
                stream.dictionary_batch(batch, &mut incoming)?;
                Decoded::Dictionary
            }
            other => return Err(verify::other_kind(other)),
        };
        self.stats.num_messages += 1;
        Ok(decoded)
    }

    fn schema_message(&mut self, message: Verified<Message<'_>>) -> Result<Decoded, Error> {
        let wire = message.schema().ok_or(Error::Missing { part: "schema" })?;
        let schema = decode_verified_schema(wire, &self.limits).map_err(|source| Error::Schema { source })?;
        if let Some(stream) = &self.stream {
            stream.check_same(schema)?;
        } else {
            self.stream = Some(StreamState::new(schema, wire.get(), &self.options, &self.limits)?);
        }
        self.schema().cloned().map(Decoded::Schema).ok_or(Error::Missing { part: "schema" })
    }

    fn incoming<'a>(
        &'a mut self,
        kind: MessageKind,
        message: Verified<Message<'a>>,
        body: Bytes,
    ) -> Result<(&'a mut StreamState, Incoming<'a>), Error> {
        let stream = self.stream.as_mut().ok_or(Error::BeforeSchema { kind })?;
        let length = verify::body_length(message, body.len())?;
        let incoming = Incoming {
            message: message.get(),
            body: Buffer::from(body.slice(..length)),
            trust: self.trust,
            inflater: &mut self.inflater,
            limits: &self.limits,
            stats: &mut self.stats,
        };
        Ok((stream, incoming))
    }
}
