//! The footer of an Arrow IPC file: its schema and where its messages are.
//!
//! Everything here comes from a file that may be forged, so the flatbuffers are verified before they are looked into,
//! and no block is believed that does not lie inside the file.

use arrow_ipc::{Block as RawBlock, Footer as RawFooter, Message, root_as_footer_with_opts, root_as_message_with_opts};
use bytes::{BufMut, Bytes, BytesMut};
use flatbuffers::VerifierOptions;
use peregrine::proto::{FlightError, MessageLimits};

use super::error::{broken, too_large, unreadable};
use super::positioned::PositionedFile;

const MAGIC: &[u8; 6] = b"ARROW1";
/// Behind the footer stand its length in four bytes and the magic.
const TRAILER: usize = 10;
/// In front of the first message stands the magic, padded.
const FIRST_MESSAGE: u64 = 8;
/// Since format version 5, four such bytes stand before a message's length.
const CONTINUATION: u32 = u32::MAX;

/// What the footer says.
#[derive(Debug)]
pub(super) struct Footer {
    /// The schema as the header of an IPC message: a bare flatbuffer, no prefix.
    pub(super) schema_header: Bytes,
    /// Dictionaries in the order in which they are to be read.
    pub(super) dictionaries: Vec<Block>,
    /// Record batches in the order of the rows.
    pub(super) batches: Vec<Block>,
}

/// Where a message is. It lies inside the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    offset: u64,
    /// Of the header with its prefix and padding.
    header_length: usize,
    pub(super) body_length: usize,
}

impl Footer {
    /// Reads and checks a file's footer.
    pub(super) fn read(file: &PositionedFile, limits: &MessageLimits) -> Result<Self, FlightError> {
        let (start, bytes) = read_bytes(file, limits)?;
        let raw = root_as_footer_with_opts(&verifier(limits), &bytes)
            .map_err(|error| broken(format_args!("the footer is not a valid flatbuffer: {error}")))?;
        let mut room = start;
        let mut blocks = |raw: Option<flatbuffers::Vector<'_, RawBlock>>, what| {
            let raw = raw.iter().flatten();
            raw.map(|raw| Block::check(raw, what, start, &mut room, limits)).collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            dictionaries: blocks(raw.dictionaries(), "dictionary")?,
            batches: blocks(raw.recordBatches(), "record batch")?,
            schema_header: schema_header(&raw, &bytes)?,
        })
    }
}

impl Block {
    /// Takes over a block that lies between the file's first message and its footer. Blocks of a real file do not
    /// overlap, so all of them together fit into it; with that, what reading them costs has a bound.
    fn check(
        raw: &RawBlock,
        what: &str,
        footer: u64,
        room: &mut u64,
        limits: &MessageLimits,
    ) -> Result<Self, FlightError> {
        let outside = || broken(format_args!("a {what} lies outside of the file: {raw:?}"));
        let offset = u64::try_from(raw.offset()).map_err(|_| outside())?;
        let header = u64::try_from(raw.metaDataLength()).map_err(|_| outside())?;
        let body = u64::try_from(raw.bodyLength()).map_err(|_| outside())?;
        let length = header.checked_add(body).ok_or_else(outside)?;
        let end = offset.checked_add(length).ok_or_else(outside)?;
        if offset < FIRST_MESSAGE || end > footer {
            return Err(outside());
        }
        *room = room.checked_sub(length).ok_or_else(|| broken("its messages overlap"))?;
        if header > limits.header as u64 {
            return Err(too_large(format_args!("the header of a {what}"), header, limits.header));
        }
        if body > limits.message as u64 {
            return Err(too_large(format_args!("a {what}"), body, limits.message));
        }
        Ok(Self { offset, header_length: header as usize, body_length: body as usize })
    }

    /// Reads the message's header: a bare flatbuffer, without its prefix, not yet verified.
    pub(super) fn read_header(&self, file: &PositionedFile) -> Result<Bytes, FlightError> {
        let bytes = file.read(self.offset, self.header_length).map_err(unreadable)?;
        bare_header(&bytes).ok_or_else(|| broken(format_args!("the message at {} has no valid prefix", self.offset)))
    }

    /// Reads the message's body.
    pub(super) fn read_body(&self, file: &PositionedFile) -> Result<Bytes, FlightError> {
        file.read(self.offset + self.header_length as u64, self.body_length).map_err(unreadable)
    }
}

/// Looks into a message's header, verified.
pub(super) fn message<'a>(header: &'a [u8], limits: &MessageLimits) -> Result<Message<'a>, FlightError> {
    root_as_message_with_opts(&verifier(limits), header)
        .map_err(|error| broken(format_args!("the header of a message is not a valid flatbuffer: {error}")))
}

/// The footer's bytes and the place where they begin.
fn read_bytes(file: &PositionedFile, limits: &MessageLimits) -> Result<(u64, Bytes), FlightError> {
    let not_arrow = || broken("it is not an Arrow IPC file: it does not begin and end with ARROW1");
    let length = file.length().checked_sub(TRAILER as u64).filter(|end| *end >= FIRST_MESSAGE).ok_or_else(not_arrow)?;
    let trailer = file.read(length, TRAILER).map_err(unreadable)?;
    let first = file.read(0, MAGIC.len()).map_err(unreadable)?;
    if first != MAGIC[..] || trailer[4..] != MAGIC[..] {
        return Err(not_arrow());
    }
    let stated = i32::from_le_bytes([trailer[0], trailer[1], trailer[2], trailer[3]]);
    let start = u64::try_from(stated).ok().and_then(|stated| length.checked_sub(stated));
    let Some(start) = start.filter(|start| (FIRST_MESSAGE..length).contains(start)) else {
        return Err(broken(format_args!("its footer cannot have {stated} bytes")));
    };
    let size = length - start;
    if size > limits.header as u64 {
        return Err(too_large("its footer", size, limits.header));
    }
    Ok((start, file.read(start, size as usize).map_err(unreadable)?))
}

/// Puts a message's head before the footer, so that the schema in the footer is the message's.
///
/// The decoder takes a schema as a message. The schema table cannot be cut out of the footer, and a new one made from
/// the decoded schema would lose the ids of its dictionaries. References in a flatbuffer are relative to where they
/// stand, so the footer's bytes stay valid behind the head as long as it keeps their alignment.
fn schema_header(footer: &RawFooter<'_>, bytes: &[u8]) -> Result<Bytes, FlightError> {
    const HEAD: usize = 32;
    const TABLE: usize = 16;
    const HEADER_FIELD: usize = 20;
    let schema = footer.schema().ok_or_else(|| broken("its footer has no schema"))?;
    let schema = HEAD + schema._tab.loc();
    let mut out = BytesMut::with_capacity(HEAD + bytes.len());
    out.put_u32_le(TABLE as u32); // the root: where the message's table is
    out.put_u16_le(10); // its vtable, which begins here: bytes of the vtable,
    out.put_u16_le(12); // bytes of the table,
    out.put_u16_le(8); // where the table has the version,
    out.put_u16_le(10); // the kind of its header,
    out.put_u16_le(4); // and the header
    out.put_u16_le(0);
    out.put_i32_le(TABLE as i32 - 4); // the table: how far back its vtable is,
    out.put_u32_le((schema - HEADER_FIELD) as u32); // how far ahead its header is,
    out.put_i16_le(footer.version().0);
    out.put_u8(arrow_ipc::MessageHeader::Schema.0);
    out.put_bytes(0, HEAD - out.len());
    out.put_slice(bytes);
    Ok(out.freeze())
}

/// Takes the prefix off a header: a continuation mark, which old files lack, and the length.
fn bare_header(bytes: &Bytes) -> Option<Bytes> {
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let (start, length) = match word(0)? {
        CONTINUATION => (8, word(4)?),
        length => (4, length),
    };
    let end = start + usize::try_from(length).ok()?;
    (end <= bytes.len()).then(|| bytes.slice(start..end))
}

/// Limits for the verifier of flatbuffers: a table takes at least four bytes, so none of these is reached by a file
/// within the limits unless it makes tables refer to each other again and again.
fn verifier(limits: &MessageLimits) -> VerifierOptions {
    VerifierOptions {
        // A field, its type and its children are a level each.
        max_depth: 2 * limits.schema_depth + 16,
        max_tables: 8 * limits.schema_fields + 1_000,
        max_apparent_size: 2 * limits.header,
        ignore_missing_null_terminator: true,
    }
}
