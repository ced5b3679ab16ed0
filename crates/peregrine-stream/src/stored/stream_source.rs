//! The messages of an IPC stream, read one after another.

use std::io::Read;

use bytes::Bytes;
use peregrine_ipc::{IpcMessage, StreamMessages};
use peregrine_proto::{FlightError, MessageLimits};

use super::errors::{broken, unreadable};
use crate::buffers::Recycler;

/// Where the bytes of a stream come from.
pub(super) trait StreamBytes {
    /// The next bytes: `missing` of them, or fewer at the end.
    fn next_bytes(&mut self, missing: usize) -> Result<Bytes, FlightError>;
}

impl StreamBytes for Bytes {
    fn next_bytes(&mut self, missing: usize) -> Result<Bytes, FlightError> {
        Ok(self.split_to(missing.min(self.len())))
    }
}

/// A reader, and buffers for what it gives.
pub(super) struct Recycled<R> {
    reader: R,
    recycler: Recycler,
}

impl<R> Recycled<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, recycler: Recycler::default() }
    }
}

impl<R: Read> StreamBytes for Recycled<R> {
    fn next_bytes(&mut self, missing: usize) -> Result<Bytes, FlightError> {
        let mut lent = self.recycler.lend(missing)?;
        lent.fill_from(|buffer| self.reader.read(buffer)).map_err(unreadable)?;
        Ok(lent.freeze())
    }
}

/// The messages of a stream to its end, or to an error: what is behind that cannot be distinguished from what was lost.
pub(super) struct StreamSource<B> {
    bytes: B,
    messages: StreamMessages,
    is_over: bool,
}

impl<B: StreamBytes> StreamSource<B> {
    pub(super) fn new(bytes: B, limits: MessageLimits) -> Self {
        Self { bytes, messages: StreamMessages::new(limits), is_over: false }
    }

    fn read(&mut self) -> Result<Option<IpcMessage>, FlightError> {
        while let Some(missing) = self.messages.missing() {
            let mut bytes = self.bytes.next_bytes(missing)?;
            let is_end = bytes.len() < missing;
            if let Some(message) = self.messages.read(&mut bytes).map_err(broken)? {
                return Ok(Some(message));
            }
            if is_end {
                self.messages.finish().map_err(broken)?;
                return Ok(None);
            }
        }
        Ok(None)
    }
}

impl<B: StreamBytes> Iterator for StreamSource<B> {
    type Item = Result<IpcMessage, FlightError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let message = self.read();
        self.is_over = !matches!(message, Ok(Some(_)));
        message.transpose()
    }
}
