//! `CompleteMessages`: small messages, each in one piece.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use peregrine_proto::FlightError;
use peregrine_transport::MessageCollector;

use crate::incoming::incoming_parts::IncomingParts;
use crate::incoming::message_source::MessageSource;

/// Puts messages together that are not data. One that arrives in one piece is not copied.
pub(crate) struct CompleteMessages {
    parts: IncomingParts,
    message: MessageCollector,
}

impl CompleteMessages {
    pub(crate) fn new(source: impl MessageSource) -> Self {
        Self { parts: IncomingParts::new(source), message: MessageCollector::default() }
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
        self.message = MessageCollector::default();
    }

    /// The next message; `None` at the end of the stream, and after an error.
    pub(crate) fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, FlightError>>> {
        loop {
            match ready!(self.parts.poll_part(cx)) {
                Some(Ok(part)) => {
                    if let Some(message) = self.message.push(part) {
                        return Poll::Ready(Some(Ok(message)));
                    }
                }
                Some(Err(error)) => {
                    self.close();
                    return Poll::Ready(Some(Err(error)));
                }
                None => return Poll::Ready(None),
            }
        }
    }
}
