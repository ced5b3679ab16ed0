//! A schema of IPC bytes, which are checked before anything is made of them.

use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::{Message, MessageHeader, MetadataVersion as WireVersion};
use arrow_schema::Schema;
use flatbuffers::{InvalidFlatbuffer, VerifierOptions};

use super::check::check_schema;
use super::refusal::{exhausted, malformed, too_deep};
use super::zones;
use crate::error::{FlightError, FlightErrorKind};
use crate::limits::MessageLimits;

/// What begins an encapsulated message since Arrow 0.15: a length that no message has. The length itself follows.
pub(super) const CONTINUATION: [u8; 4] = [0xff; 4];

/// What is read at most, whatever the limits allow: arrow-ipc's conversion takes 13 KiB of stack a level without
/// optimization, and overflows a thread of 2 MiB at about 165 levels (at more than 1000 with optimization).
pub(super) const MAX_DEPTH: usize = 128;

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
/// As [`decode_schema_header`] has them. Hostile bytes do not panic, and what is allocated stays in proportion to their number.
pub fn decode_schema(bytes: &[u8], limits: &MessageLimits) -> Result<Schema, FlightError> {
    if let Some(prefixed) = bytes.strip_prefix(&CONTINUATION) {
        return decode_schema_header(behind_length(prefixed)?, limits);
    }
    // Only one of the two readings can be meant, and only a schema counts: a few zeros verify as a message, too.
    match behind_length(bytes) {
        Ok(header) if is_schema(header, limits) => decode_schema_header(header, limits),
        _ if is_schema(bytes, limits) => decode_schema_header(bytes, limits),
        header => decode_schema_header(header?, limits),
    }
}

/// Whether these bytes are a schema message, good or bad.
fn is_schema(header: &[u8], limits: &MessageLimits) -> bool {
    match verified(header, limits) {
        Ok(message) => message.header_as_schema().is_some(),
        // The verifier comes to that from within types alone.
        Err(error) => error.kind() == FlightErrorKind::ResourceExhausted,
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
    let message = verified(header, limits)?;
    if message.header_type() != MessageHeader::Schema {
        return Err(malformed(format!("a message of type {:?}", message.header_type())));
    }
    match message.version() {
        WireVersion::V4 | WireVersion::V5 => {}
        version => return Err(FlightError::unimplemented(format!("IPC metadata of version {version:?}"))),
    }
    let schema = message.header_as_schema().ok_or_else(|| malformed("no header"))?;
    check_schema(schema, effective_depth(limits), limits.schema_fields)?;
    let schema = try_fb_to_schema(schema).map_err(|error| malformed(&error).with_source(error))?;
    Ok(zones::without_empty(schema))
}

/// A message that is a valid flatbuffer.
fn verified<'a>(header: &'a [u8], limits: &MessageLimits) -> Result<Message<'a>, FlightError> {
    if header.len() > limits.header {
        let (length, limit) = (header.len(), limits.header);
        return Err(exhausted(format!("a header of {length} bytes is over the limit of {limit}")));
    }
    let depth = effective_depth(limits);
    arrow_ipc::root_as_message_with_opts(&verifier_options(header, depth), header)
        .map_err(|error| refused(error, depth))
}

fn effective_depth(limits: &MessageLimits) -> usize {
    limits.schema_depth.min(MAX_DEPTH)
}

pub(super) fn verifier_options(header: &[u8], depth: usize) -> VerifierOptions {
    // A message, its schema and a field make 3 tables; a dictionary's index type lies 2 below its field.
    let tables_around_fields = 4;
    VerifierOptions {
        max_depth: depth + tables_around_fields,
        // Each table has an offset of its own, unless tables are shared to make a small header large.
        max_tables: header.len() / size_of::<u32>(),
        // Counts shared parts each time. What encoders write comes to about 2; see the tests.
        max_apparent_size: header.len().saturating_mul(8),
        ignore_missing_null_terminator: true,
    }
}

fn refused(error: InvalidFlatbuffer, depth: usize) -> FlightError {
    match error {
        InvalidFlatbuffer::DepthLimitReached => too_deep(depth),
        InvalidFlatbuffer::TooManyTables | InvalidFlatbuffer::ApparentSizeTooLarge => {
            malformed("parts that are used over and over")
        }
        error => {
            // The first line is the error, those after it are where.
            let text = error.to_string();
            malformed(text.lines().next().unwrap_or_default()).with_source(error)
        }
    }
}
