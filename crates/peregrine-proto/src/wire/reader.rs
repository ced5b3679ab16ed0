//! The incoming side: reads a `FlightData` message piece by piece and tells where its body is before the body comes.

use bytes::{Buf, Bytes, BytesMut};

use super::field;
use crate::descriptor::FlightDescriptor;
use crate::error::FlightError;
use crate::limits::MessageLimits;
use crate::message::FlightMessage;

/// Metadata up to this size is copied, so that an application that keeps it does not keep a whole frame with it.
const COPIED_METADATA: usize = 4 << 10;

/// What a field that comes in pieces gets at first; a length that a peer states is not believed beyond this.
const FIRST_CAPACITY: usize = 64 << 10;

/// How far a [`FlightDataReader`] got with a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlightDataProgress {
    /// The chunk is used up and the message goes on.
    NeedMore,
    /// The next `length` bytes, which is never 0, are the body's. The caller takes them, from what is left of the
    /// chunk and from the chunks after it, and then goes on with [`FlightDataReader::read`].
    Body {
        /// How long the body is.
        length: usize,
    },
    /// The message is read to its end. What is left of the chunk is not this message's.
    Done,
}

/// What a message holds beside its body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlightDataParts {
    /// In the first message of DoPut and DoExchange.
    pub flight_descriptor: Option<FlightDescriptor>,
    /// The IPC message's flatbuffer, which zeros may follow; empty for a message that is metadata only.
    pub data_header: Bytes,
    /// The application's bytes; empty if there are none.
    pub app_metadata: Bytes,
}

/// Reads a `FlightData` message of a known length, in chunks cut anywhere, and never sees the body's bytes.
///
/// Fields may come in any order, after the body as well; unknown ones are skipped; of a field that comes twice the last
/// one counts, except that a second body is an error. A header that lies whole within one chunk shares its memory.
///
/// ```
/// use bytes::Bytes;
/// use peregrine_proto::{FlightDataProgress, FlightDataReader, MessageLimits};
///
/// // Metadata "hi", then a body of 3 bytes.
/// let mut chunk = Bytes::from_static(b"\x1a\x02hi\xc2\x3e\x03abc");
/// let mut reader = FlightDataReader::new(chunk.len(), &MessageLimits::default());
/// assert_eq!(reader.read(&mut chunk).unwrap(), FlightDataProgress::Body { length: 3 });
/// assert_eq!(chunk.split_to(3).as_ref(), b"abc");
/// assert_eq!(reader.read(&mut chunk).unwrap(), FlightDataProgress::Done);
/// assert_eq!(reader.finish().unwrap().app_metadata.as_ref(), b"hi");
/// ```
#[derive(Debug)]
pub struct FlightDataReader {
    message_length: usize,
    /// What of the message was neither read nor announced as the body.
    left: usize,
    message_limit: usize,
    header_limit: usize,
    step: Step,
    varint: Varint,
    /// The beginning of a value that spans chunks.
    gathered: BytesMut,
    body_seen: bool,
    parts: FlightDataParts,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Tag,
    Length(Field),
    Value { field: Field, length: usize },
    SkipVarint,
    Skip(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Descriptor,
    DataHeader,
    AppMetadata,
    DataBody,
    Unknown,
}

/// A varint that is being read.
#[derive(Debug, Clone, Copy, Default)]
struct Varint {
    value: u64,
    bits: u32,
}

impl FlightDataReader {
    /// Begins a message of this length, which gRPC's prefix told. A message over its limit, or a header or descriptor
    /// over the header's, is refused by [`read`](Self::read) before anything is allocated for it.
    pub fn new(message_length: usize, limits: &MessageLimits) -> Self {
        Self {
            message_length,
            left: message_length,
            message_limit: limits.message,
            header_limit: limits.header,
            step: Step::Tag,
            varint: Varint::default(),
            gathered: BytesMut::new(),
            body_seen: false,
            parts: FlightDataParts::default(),
        }
    }

    /// Takes what belongs to the head off the front of `chunk`, and nothing beyond the end of the message.
    ///
    /// # Errors
    /// [`ResourceExhausted`](crate::FlightErrorKind::ResourceExhausted) over a limit, and
    /// [`InvalidArgument`](crate::FlightErrorKind::InvalidArgument) where the bytes are not a `FlightData` message.
    /// The reader is of no use after an error.
    pub fn read(&mut self, chunk: &mut Bytes) -> Result<FlightDataProgress, FlightError> {
        if self.message_length > self.message_limit {
            return Err(too_large("message", self.message_length, self.message_limit));
        }
        loop {
            if self.left == 0 && self.step == Step::Tag && self.varint.bits == 0 {
                return Ok(FlightDataProgress::Done);
            }
            let go_on = match self.step {
                Step::Tag => self.read_varint(chunk)?.map(|tag| self.start_field(tag)),
                Step::Length(field) => match self.read_varint(chunk)? {
                    Some(length) => match self.start_value(field, length)? {
                        Some(body) => return Ok(body),
                        None => Some(Ok(())),
                    },
                    None => None,
                },
                Step::Value { field, length } => self.gather(chunk, length).map(|value| self.end_value(field, value)),
                Step::SkipVarint => self.read_varint(chunk)?.map(|_| {
                    self.step = Step::Tag;
                    Ok(())
                }),
                Step::Skip(length) => self.skip(chunk, length).then_some(Ok(())),
            };
            match go_on {
                Some(result) => result?,
                None if self.left == 0 => return Err(self.truncated()),
                None => return Ok(FlightDataProgress::NeedMore),
            }
        }
    }

    /// What was read.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::FlightErrorKind::InvalidArgument) if the message is not read to its end.
    pub fn finish(self) -> Result<FlightDataParts, FlightError> {
        if self.left > 0 || self.step != Step::Tag || self.varint.bits > 0 {
            return Err(self.truncated());
        }
        Ok(self.parts)
    }

    /// What is held of a value that has not come whole.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.gathered.capacity()
    }

    fn start_field(&mut self, tag: u64) -> Result<(), FlightError> {
        let (number, wire_type) = (u32::try_from(tag >> 3), tag & 7);
        let field = match number {
            Ok(0) | Err(_) => return Err(malformed(format!("the tag {tag}, whose field number is invalid"))),
            Ok(field::DESCRIPTOR) => Field::Descriptor,
            Ok(field::DATA_HEADER) => Field::DataHeader,
            Ok(field::APP_METADATA) => Field::AppMetadata,
            Ok(field::DATA_BODY) => Field::DataBody,
            Ok(_) => Field::Unknown,
        };
        self.step = match (wire_type, field) {
            (2, _) => Step::Length(field),
            (0, Field::Unknown) => Step::SkipVarint,
            (1, Field::Unknown) => self.checked_skip(8)?,
            (5, Field::Unknown) => self.checked_skip(4)?,
            (3 | 4, Field::Unknown) => return Err(malformed(format!("a group, in field {}", tag >> 3))),
            (_, Field::Unknown) => return Err(malformed(format!("wire type {wire_type}, in field {}", tag >> 3))),
            _ => return Err(malformed(format!("wire type {wire_type} instead of bytes, in {}", field.name()))),
        };
        Ok(())
    }

    fn start_value(&mut self, field: Field, length: u64) -> Result<Option<FlightDataProgress>, FlightError> {
        let length = match usize::try_from(length) {
            Ok(length) if length <= self.left => length,
            _ => {
                let (name, left) = (field.name(), self.left);
                return Err(malformed(format!("{name} of {length} bytes where {left} are left of the message")));
            }
        };
        self.step = Step::Value { field, length };
        match field {
            // A path of empty parts takes 12 times its bytes as strings, so a descriptor is limited as well.
            Field::DataHeader | Field::Descriptor if length > self.header_limit => {
                Err(too_large(field.name(), length, self.header_limit))
            }
            Field::DataBody if self.body_seen => Err(malformed("a second data_body")),
            Field::DataBody => {
                self.body_seen = true;
                self.step = Step::Tag;
                self.left -= length;
                Ok((length > 0).then_some(FlightDataProgress::Body { length }))
            }
            Field::Unknown => {
                self.step = Step::Skip(length);
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// The value, once all of it is there.
    fn gather(&mut self, chunk: &mut Bytes, length: usize) -> Option<Bytes> {
        if self.gathered.is_empty() && chunk.len() >= length {
            self.left -= length;
            return Some(chunk.split_to(length));
        }
        if self.gathered.is_empty() {
            self.gathered = BytesMut::with_capacity(length.min(FIRST_CAPACITY));
        }
        let taken = chunk.len().min(length - self.gathered.len());
        self.gathered.extend_from_slice(&chunk.split_to(taken));
        self.left -= taken;
        (self.gathered.len() == length).then(|| std::mem::take(&mut self.gathered).freeze())
    }

    fn end_value(&mut self, field: Field, value: Bytes) -> Result<(), FlightError> {
        self.step = Step::Tag;
        match field {
            Field::Descriptor => self.parts.flight_descriptor = Some(FlightDescriptor::deserialize(value)?),
            Field::DataHeader => self.parts.data_header = value,
            Field::AppMetadata if value.len() <= COPIED_METADATA => {
                self.parts.app_metadata = Bytes::copy_from_slice(&value);
            }
            Field::AppMetadata => self.parts.app_metadata = value,
            Field::DataBody | Field::Unknown => {}
        }
        Ok(())
    }

    fn checked_skip(&mut self, length: usize) -> Result<Step, FlightError> {
        self.step = Step::Skip(length);
        if length > self.left { Err(self.truncated()) } else { Ok(self.step) }
    }

    /// Whether all of it was skipped.
    fn skip(&mut self, chunk: &mut Bytes, length: usize) -> bool {
        let taken = chunk.len().min(length);
        chunk.advance(taken);
        self.left -= taken;
        self.step = if taken == length { Step::Tag } else { Step::Skip(length - taken) };
        taken == length
    }

    /// The number, once all of it is there.
    fn read_varint(&mut self, chunk: &mut Bytes) -> Result<Option<u64>, FlightError> {
        while self.left > 0 && chunk.has_remaining() {
            self.left -= 1;
            if let Some(value) = self.varint.push(chunk.get_u8())? {
                self.varint = Varint::default();
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    fn truncated(&self) -> FlightError {
        let place = match self.step {
            Step::Tag if self.varint.bits == 0 => "before its end",
            Step::Tag => "within a tag",
            Step::Length(field) | Step::Value { field, .. } => match field {
                Field::Descriptor => "within flight_descriptor",
                Field::DataHeader => "within data_header",
                Field::AppMetadata => "within app_metadata",
                Field::DataBody => "within data_body",
                Field::Unknown => "within a field",
            },
            Step::SkipVarint | Step::Skip(_) => "within a field",
        };
        FlightError::invalid_argument(format!("a FlightData message of {} bytes ends {place}", self.message_length))
    }
}

impl Varint {
    /// Adds a byte. The number is done when a byte without the top bit comes.
    fn push(&mut self, byte: u8) -> Result<Option<u64>, FlightError> {
        let payload = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit.
        if self.bits > 63 || (self.bits == 63 && payload > 1) {
            return Err(malformed("a varint of more than 64 bits"));
        }
        self.value |= payload << self.bits;
        self.bits += 7;
        Ok((byte & 0x80 == 0).then_some(self.value))
    }
}

impl Field {
    fn name(self) -> &'static str {
        match self {
            Self::Descriptor => "flight_descriptor",
            Self::DataHeader => "data_header",
            Self::AppMetadata => "app_metadata",
            Self::DataBody => "data_body",
            Self::Unknown => "an unknown field",
        }
    }
}

fn malformed(what: impl std::fmt::Display) -> FlightError {
    FlightError::invalid_argument(format!("a FlightData message has {what}"))
}

fn too_large(what: &str, length: usize, limit: usize) -> FlightError {
    FlightError::resource_exhausted(format!("a FlightData {what} of {length} bytes is over the limit of {limit}"))
}
