//! The messages of a call as they arrive, on both sides.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use peregrine_proto::CallCounter;

use super::parts::PartReader;
use super::shared_reader::SharedReader;
use super::token::CallToken;
use crate::grpc::framing::MessagePart;
use crate::grpc::message_collector::MessageCollector;
use crate::grpc::status::Status;

/// Reads the messages of a call in pieces, as they arrive.
///
/// Credit goes back to the peer for what was read, so an unread call stops its sender at the stream's window.
///
/// On a client the reader is the call: `None` means that it ended with `OK`, an error is the call's status, and
/// dropping the reader before resets the stream; that of a call that was [started](crate::Channel::start) shares the
/// call with its sender. On a server `None` means that the peer half-closed; a stream that was reset or lost is an error
/// and never an end. Dropping it there throws away what still comes and leaves the reply alone.
#[derive(Debug)]
pub struct MessageReader {
    source: PartsOf,
}

#[derive(Debug)]
enum PartsOf {
    Own(PartReader),
    Shared(SharedReader),
}

impl MessageReader {
    /// The only reader of a call.
    pub(crate) fn own(parts: PartReader) -> Self {
        Self { source: PartsOf::Own(parts) }
    }

    /// The reader of a call that its sender may have to read too.
    pub(crate) fn shared(reader: SharedReader) -> Self {
        Self { source: PartsOf::Shared(reader) }
    }

    /// Changes the limit of a message's length, from the next message on. A longer one is `RESOURCE_EXHAUSTED`.
    pub fn set_message_limit(&mut self, limit: usize) {
        match &mut self.source {
            PartsOf::Own(parts) => parts.set_message_limit(limit),
            PartsOf::Shared(reader) => reader.set_message_limit(limit),
        }
    }

    /// Whether it reads the response to a call, and not a request.
    pub fn is_client(&self) -> bool {
        match &self.source {
            PartsOf::Own(parts) => parts.is_client(),
            PartsOf::Shared(_) => true,
        }
    }

    /// The token of the call, to end it from elsewhere.
    pub fn token(&self) -> &CallToken {
        match &self.source {
            PartsOf::Own(parts) => parts.token(),
            PartsOf::Shared(reader) => reader.token(),
        }
    }

    /// What the peer sent before its messages: the headers of the request on a server, of the response on a client.
    /// `None` while the response to a call that was [started](crate::Channel::start) has not arrived.
    pub fn headers(&self) -> Option<&HeaderMap> {
        match &self.source {
            PartsOf::Own(parts) => Some(parts.headers()),
            PartsOf::Shared(reader) => reader.headers(),
        }
    }

    /// What the call has sent and received.
    pub fn counter(&self) -> &Arc<CallCounter> {
        match &self.source {
            PartsOf::Own(parts) => parts.counter(),
            PartsOf::Shared(reader) => reader.counter(),
        }
    }

    /// The trailers of a call that ended with `OK`, once [`next_part`](Self::next_part) gave `None`. Those of a call
    /// that failed are in the error. Always `None` on a server.
    pub fn trailers(&self) -> Option<&HeaderMap> {
        match &self.source {
            PartsOf::Own(parts) => parts.trailers(),
            PartsOf::Shared(reader) => reader.trailers(),
        }
    }

    /// The next part of a message. After an error or the end it is `None`. Takes part in tokio's cooperative budget.
    ///
    /// # Errors
    /// The status of the call; on a server [`Code::Cancelled`](peregrine_proto::Code::Cancelled) if the stream was
    /// reset. Messages over the limit, compressed ones and such that the body's end cuts are errors too, and end the
    /// call.
    pub fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<MessagePart, Status>>> {
        match &mut self.source {
            PartsOf::Own(parts) => parts.poll_part(cx),
            PartsOf::Shared(reader) => reader.poll_part(cx),
        }
    }

    /// The next part of a message; see [`poll_part`](Self::poll_part). Dropping the future loses nothing.
    ///
    /// # Errors
    /// As [`poll_part`](Self::poll_part).
    pub async fn next_part(&mut self) -> Option<Result<MessagePart, Status>> {
        poll_fn(|cx| self.poll_part(cx)).await
    }

    /// The next complete message, for small ones; to be called between messages. Dropping the future loses what it
    /// read of the message.
    ///
    /// # Errors
    /// As [`poll_part`](Self::poll_part).
    pub async fn next_message(&mut self) -> Option<Result<Bytes, Status>> {
        let mut message = MessageCollector::default();
        loop {
            match self.next_part().await? {
                Ok(part) => {
                    if let Some(message) = message.push(part) {
                        return Some(Ok(message));
                    }
                }
                Err(status) => return Some(Err(status)),
            }
        }
    }
}
