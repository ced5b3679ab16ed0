//! `CompleteMessages`: small messages, each in one piece.

use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use peregrine_proto::FlightError;
use peregrine_transport::MessagePart;

use crate::incoming::incoming_parts::IncomingParts;
use crate::incoming::message_source::MessageSource;

/// A stated length is believed for this much memory before any byte of it has arrived.
const FIRST_RESERVE: usize = 1 << 20;

/// Puts messages together that are not data. One that arrives in one piece is not copied.
pub(crate) struct CompleteMessages {
    parts: IncomingParts,
    length: usize,
    /// The message, where it arrived in one piece.
    piece: Bytes,
    /// What has arrived of it, where it did not.
    pieces: BytesMut,
}

impl CompleteMessages {
    pub(crate) fn new(source: impl MessageSource) -> Self {
        Self { parts: IncomingParts::new(source), length: 0, piece: Bytes::new(), pieces: BytesMut::new() }
    }

    /// The peer's headers, as far as the source has them.
    pub(crate) fn headers(&self) -> Option<&HeaderMap> {
        self.parts.headers()
    }

    /// The peer's trailers, once the stream is at its end, good or bad.
    pub(crate) fn trailers(&self) -> Option<&HeaderMap> {
        self.parts.trailers()
    }

    /// Reads no more: the rest of the stream is not wanted.
    pub(crate) fn close(&mut self) {
        self.parts.close();
        self.pieces = BytesMut::new();
    }

    /// The next message; `None` at the end of the stream, and after an error.
    pub(crate) fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, FlightError>>> {
        loop {
            match ready!(self.parts.poll_part(cx)) {
                Some(Ok(MessagePart::Start { length })) => self.length = length,
                Some(Ok(MessagePart::Chunk(chunk))) if chunk.len() == self.length => self.piece = chunk,
                Some(Ok(MessagePart::Chunk(chunk))) => {
                    if self.pieces.is_empty() {
                        self.pieces.reserve(self.length.min(FIRST_RESERVE.max(chunk.len())));
                    }
                    self.pieces.extend_from_slice(&chunk);
                }
                Some(Ok(MessagePart::End)) => return Poll::Ready(Some(Ok(self.take()))),
                Some(Err(error)) => {
                    self.close();
                    return Poll::Ready(Some(Err(error)));
                }
                None => return Poll::Ready(None),
            }
        }
    }

    fn take(&mut self) -> Bytes {
        if self.pieces.is_empty() {
            return std::mem::take(&mut self.piece);
        }
        std::mem::take(&mut self.pieces).freeze()
    }
}
