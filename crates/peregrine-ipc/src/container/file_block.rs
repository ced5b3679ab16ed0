//! Where a message of a file is, checked against the file before anything is read there.

use std::ops::Range;

use arrow_ipc::{Block as WireBlock, Message, MessageHeader};
use bytes::Bytes;
use peregrine_proto::{MessageLimits, Verified};

use super::ipc_message::IpcMessage;
use super::prefix::strip_prefix;
use crate::error::Error;
use crate::format_problem::FormatProblem;
use crate::message::MessageKind;
use crate::verify;

/// Before the first message of a file stands the magic, padded.
pub(super) const FIRST_MESSAGE: u64 = 8;

/// Where a message is: inside its file, before the footer, and over no other message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileBlock {
    kind: MessageKind,
    offset: u64,
    header_length: usize,
    body_length: usize,
}

impl FileBlock {
    pub(super) fn new(wire: &WireBlock, kind: MessageKind, end: u64, limits: &MessageLimits) -> Result<Self, Error> {
        let (offset, header, body) = (wire.offset(), wire.metaDataLength(), wire.bodyLength());
        let range = || {
            let start = u64::try_from(offset).ok().filter(|start| *start >= FIRST_MESSAGE)?;
            let (header, body) = (u32::try_from(header).ok()?, u64::try_from(body).ok()?);
            start.checked_add(u64::from(header))?.checked_add(body).filter(|stop| *stop <= end)?;
            Some((start, header as usize, usize::try_from(body).ok()?))
        };
        let outside = || Error::format(FormatProblem::BlockRange { kind, offset, header, body });
        let (offset, header_length, body_length) = range().ok_or_else(outside)?;
        verify::header_length(header_length, limits)?;
        verify::message_length(header_length, body_length, limits)?;
        Ok(Self { kind, offset, header_length, body_length })
    }

    /// What the message is: a dictionary batch or a record batch.
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// Where its header is, prefix and padding included.
    pub fn header(&self) -> Range<u64> {
        self.offset..self.offset + self.header_length as u64
    }

    /// Where its body is, which follows the header.
    pub fn body(&self) -> Range<u64> {
        let start = self.header().end;
        start..start + self.body_length as u64
    }

    /// The bytes of header and body together.
    pub fn length(&self) -> usize {
        self.header_length + self.body_length
    }

    /// The message, of the bytes at [`header`](Self::header) and at [`body`](Self::body). The prefix is taken off, and of
    /// the body what the header does not have.
    ///
    /// # Errors
    /// [`FormatProblem::BlockMessage`] if there is no message of this kind, [`Error::Header`] and
    /// [`Error::Unsupported`] for headers that are no valid flatbuffer or of an unknown version, and
    /// [`Error::BodyLength`] for a body that is longer than the footer says.
    pub fn message(&self, header: &Bytes, body: Bytes, limits: &MessageLimits) -> Result<IpcMessage, Error> {
        let header = self.without_prefix(header)?;
        let length = verify::body_length(self.verified(&header, limits)?, body.len())?;
        Ok(IpcMessage { header, body: body.slice(..length) })
    }

    /// The message's header alone, a bare flatbuffer, of the bytes at [`header`](Self::header).
    ///
    /// # Errors
    /// As [`message`](Self::message) has them for the header.
    pub fn bare_header(&self, prefixed: &Bytes, limits: &MessageLimits) -> Result<Bytes, Error> {
        let header = self.without_prefix(prefixed)?;
        self.verified(&header, limits)?;
        Ok(header)
    }

    fn without_prefix(&self, prefixed: &Bytes) -> Result<Bytes, Error> {
        strip_prefix(prefixed).ok_or_else(|| self.no_message())
    }

    fn verified<'a>(&self, header: &'a [u8], limits: &MessageLimits) -> Result<Verified<Message<'a>>, Error> {
        let message = verify::message(header, limits)?;
        let kind = match message.get().header_type() {
            MessageHeader::DictionaryBatch => Some(MessageKind::DictionaryBatch),
            MessageHeader::RecordBatch => Some(MessageKind::RecordBatch),
            _ => None,
        };
        if kind == Some(self.kind) { Ok(message) } else { Err(self.no_message()) }
    }

    fn no_message(&self) -> Error {
        Error::format(FormatProblem::BlockMessage { kind: self.kind, offset: self.offset })
    }
}

/// Fails if blocks lie over each other: those of a real file do not, and so the file bounds what reading all of them
/// costs.
pub(super) fn check_overlap<'a>(blocks: impl Iterator<Item = &'a FileBlock>) -> Result<(), Error> {
    let mut ranges: Vec<_> = blocks.map(|block| block.offset..block.body().end).collect();
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    match ranges.windows(2).find(|pair| pair[1].start < pair[0].end) {
        Some(pair) => Err(Error::format(FormatProblem::BlocksOverlap { offset: pair[1].start })),
        None => Ok(()),
    }
}
