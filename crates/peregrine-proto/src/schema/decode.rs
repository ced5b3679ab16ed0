//! A schema of IPC bytes, which are checked before anything is made of them.

use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::{Message, MessageHeader, MetadataVersion as WireVersion, Schema as WireSchema};
use arrow_schema::Schema;

use super::check::check_schema;
use super::refusal::{exhausted, malformed};
use super::zones;
use crate::error::FlightError;
use crate::limits::MessageLimits;
use crate::verified::{Verified, VerifyError, effective_depth};

/// What begins an encapsulated message since Arrow 0.15: a length that no message has. The length itself follows.
pub(super) const CONTINUATION: [u8; 4] = [0xff; 4];

/// Reads a schema from an IPC message, as [`FlightInfo`](crate::FlightInfo) and [`SchemaResult`](crate::SchemaResult)
/// carry it: with the continuation marker and a length, as before Arrow 0.15 with the length alone, or as some senders
/// do, the flatbuffer without either. What follows the message, such as the marker of a stream's end, is ignored.
///
/// Bytes without the marker begin with a length if what it spans is a message, and else with the flatbuffer.
///
/// ```
/// use arrow_schema::{DataType, Field, Schema};
/// use peregrine_proto::{MessageLimits, decode_schema, encode_schema};
///
/// let schema = Schema::new(vec![Field::new("city", DataType::Utf8, false)]);
/// assert_eq!(decode_schema(&encode_schema(&schema), &MessageLimits::default()).unwrap(), schema);
/// ```
///
/// # Errors
/// As [`decode_schema_header`] has them. Hostile bytes do not panic, and what is allocated stays in proportion to their
/// number.
pub fn decode_schema(bytes: &[u8], limits: &MessageLimits) -> Result<Schema, FlightError> {
    if let Some(prefixed) = bytes.strip_prefix(&CONTINUATION) {
        return decode_schema_header(behind_length(prefixed)?, limits);
    }
    // Only one of the two readings can be meant, and only a schema counts: a few zeros verify as a message, too.
    match behind_length(bytes).map(|header| Verified::message(header, limits)) {
        Ok(header) if is_schema(&header) => schema_of(header, limits),
        behind_length => match Verified::message(bytes, limits) {
            bare if is_schema(&bare) => schema_of(bare, limits),
            _ => schema_of(behind_length?, limits),
        },
    }
}

/// What the verifier says of a header.
type Verdict<'a> = Result<Verified<Message<'a>>, VerifyError>;

/// Whether these bytes are a schema message, good or bad.
fn is_schema(header: &Verdict<'_>) -> bool {
    match header {
        Ok(message) => message.schema().is_some(),
        // The verifier comes to that from within types alone.
        Err(error) => matches!(error, VerifyError::TooDeep { .. } | VerifyError::TooLong { .. }),
    }
}

/// The header whose length comes first.
fn behind_length(bytes: &[u8]) -> Result<&[u8], FlightError> {
    let (length, rest) = bytes.split_first_chunk().ok_or_else(|| malformed(format!("only {} bytes", bytes.len())))?;
    let length = u32::from_le_bytes(*length) as usize;
    let header = rest
        .get(..length)
        .ok_or_else(|| malformed(format!("a header of {length} bytes where {} are left", rest.len())))?;
    if header.is_empty() { Err(malformed("the end of a stream in place of a schema")) } else { Ok(header) }
}

/// Reads a schema from a bare flatbuffer message, as the header of `FlightData` carries it.
///
/// # Errors
/// - [`InvalidArgument`](crate::FlightErrorKind::InvalidArgument) where the bytes are no schema, or one that Arrow
///   does not allow.
/// - [`ResourceExhausted`](crate::FlightErrorKind::ResourceExhausted) where the header, the fields or their depth are
///   over a limit. More than 128 levels are never read.
/// - [`Unimplemented`](crate::FlightErrorKind::Unimplemented) for big-endian data and metadata versions below V4.
pub fn decode_schema_header(header: &[u8], limits: &MessageLimits) -> Result<Schema, FlightError> {
    schema_of(Verified::message(header, limits), limits)
}

fn schema_of(header: Verdict<'_>, limits: &MessageLimits) -> Result<Schema, FlightError> {
    let header = header.map_err(refused)?;
    let message = header.get();
    if message.header_type() != MessageHeader::Schema {
        return Err(malformed(format!("a message of type {:?}", message.header_type())));
    }
    match message.version() {
        WireVersion::V4 | WireVersion::V5 => {}
        version => return Err(FlightError::unimplemented(format!("IPC metadata of version {version:?}"))),
    }
    decode_verified_schema(header.schema().ok_or_else(|| malformed("no header"))?, limits)
}

/// Reads a schema out of a header or a footer that was verified already.
///
/// # Errors
/// As [`decode_schema_header`] has them, without those of the header around the schema.
pub fn decode_verified_schema(schema: Verified<WireSchema<'_>>, limits: &MessageLimits) -> Result<Schema, FlightError> {
    let schema = schema.get();
    check_schema(schema, effective_depth(limits), limits.schema_fields)?;
    let schema = try_fb_to_schema(schema).map_err(|error| malformed(&error).with_source(error))?;
    Ok(zones::without_empty(schema))
}

fn refused(error: VerifyError) -> FlightError {
    let what = error.to_string();
    match error {
        VerifyError::TooLong { .. } | VerifyError::TooDeep { .. } => exhausted(what),
        VerifyError::Unfolds { .. } => malformed(what),
        VerifyError::Invalid { source } => malformed(what).with_source(source),
    }
}
