//! The schema of a footer as the header of a message.

use arrow_ipc::{Footer, MessageHeader};
use bytes::{BufMut, BytesMut};

use crate::error::Error;
use crate::format_problem::FormatProblem;

/// Puts a message's head before the footer, so that the schema in the footer is the message's, and is read by those who
/// read schemas of messages.
///
/// References in a flatbuffer are relative to where they stand, so the footer's bytes stay valid behind the head as long
/// as it keeps their alignment.
pub(super) fn spliced_header(footer: Footer<'_>, bytes: &[u8]) -> Result<BytesMut, Error> {
    const HEAD: usize = 32;
    const TABLE: usize = 16;
    const HEADER_FIELD: usize = 20;
    let schema = footer.schema().ok_or_else(|| Error::format(FormatProblem::NoSchema))?;
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
    out.put_u8(MessageHeader::Schema.0);
    out.put_bytes(0, HEAD - out.len());
    out.put_slice(bytes);
    Ok(out)
}
