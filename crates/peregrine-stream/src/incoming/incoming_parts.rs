//! `IncomingParts`: the parts of a source, and what the peer sent beside them, which stays when the source is dropped.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::HeaderMap;
use peregrine_proto::{CallCounter, FlightError};
use peregrine_transport::{CallToken, MessagePart};

use crate::incoming::message_source::MessageSource;

/// Reads a source until it ends, fails, or is not wanted any more.
pub(crate) struct IncomingParts {
    /// `None` once no more of it is read. At a good end it stays, with its headers and trailers.
    source: Option<Box<dyn MessageSource>>,
    token: Option<CallToken>,
    /// The length of the message that has begun.
    message: Option<usize>,
    /// Those of a source that was dropped.
    headers: Option<HeaderMap>,
    trailers: Option<HeaderMap>,
}

impl IncomingParts {
    pub(crate) fn new(source: impl MessageSource) -> Self {
        let token = source.token().cloned();
        Self { source: Some(Box::new(source)), token, message: None, headers: None, trailers: None }
    }

    /// The token of the call, if there is one.
    pub(crate) fn token(&self) -> Option<&CallToken> {
        self.token.as_ref()
    }

    /// Counts the rows that are decoded.
    pub(crate) fn counter(&self) -> Option<Arc<CallCounter>> {
        self.source.as_deref().and_then(MessageSource::counter).cloned()
    }

    /// The peer's headers, as far as the source has them.
    pub(crate) fn headers(&self) -> Option<&HeaderMap> {
        self.source.as_deref().map_or(self.headers.as_ref(), MessageSource::headers)
    }

    /// The peer's trailers, once the stream is at its end, good or bad.
    pub(crate) fn trailers(&self) -> Option<&HeaderMap> {
        self.source.as_deref().map_or(self.trailers.as_ref(), MessageSource::trailers)
    }

    /// Reads no more, for an error of what was received.
    pub(crate) fn fail(&mut self, error: &FlightError) {
        if let Some(source) = &mut self.source {
            source.fail(error);
        }
        self.close();
    }

    /// Reads no more: the rest of the stream is not wanted.
    pub(crate) fn close(&mut self) {
        let Some(source) = self.source.take() else { return };
        self.headers = source.headers().cloned();
        if self.trailers.is_none() {
            self.trailers = source.trailers().cloned();
        }
    }

    /// The next part; `None` at the end of the stream, and after an error.
    pub(crate) fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<MessagePart, FlightError>>> {
        let Some(source) = &mut self.source else { return Poll::Ready(None) };
        Poll::Ready(match ready!(source.poll_part(cx)) {
            Some(Ok(part)) => Some(self.check(&part).map(|()| part)),
            Some(Err(status)) => {
                self.trailers = Some(status.metadata().clone());
                Some(Err(status.into()))
            }
            None if self.message.take().is_some() => Some(Err(out_of_order())),
            None => None,
        })
    }

    /// Every incoming message passes here, when it begins and, with its length, when it is complete.
    fn check(&mut self, part: &MessagePart) -> Result<(), FlightError> {
        match (part, self.message) {
            (MessagePart::Start { length }, None) => self.message = Some(*length),
            (MessagePart::Chunk(_), Some(_)) => {}
            (MessagePart::End, Some(_)) => self.message = None,
            _ => return Err(out_of_order()),
        }
        Ok(())
    }
}

/// A source hands on the parts of a message in order and complete.
pub(crate) fn out_of_order() -> FlightError {
    FlightError::internal("the parts of a message arrived out of order")
}
