//! `MessageSource`: where the messages of a call are read from.

use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use http::HeaderMap;
use peregrine_proto::{CallCounter, FlightError};
use peregrine_transport::{CallToken, MessagePart, MessageReader, Status};

/// The messages of a call in the parts in which they arrive, and what the peer sent beside them.
///
/// [`MessageReader`] is the source of every call. A custom source needs [`poll_part`](Self::poll_part) alone, and no
/// socket:
///
/// ```
/// use std::collections::VecDeque;
/// use std::task::{Context, Poll};
///
/// use peregrine_stream::{FlightStreamReader, MessageSource, ReadConfig};
/// use peregrine_transport::{MessagePart, Status};
///
/// /// Parts in memory.
/// struct Recorded(VecDeque<MessagePart>);
///
/// impl MessageSource for Recorded {
///     fn poll_part(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<MessagePart, Status>>> {
///         Poll::Ready(self.0.pop_front().map(Ok))
///     }
/// }
///
/// let recorded = Recorded(VecDeque::new());
/// let reader = FlightStreamReader::new(recorded, ReadConfig::default());
/// assert!(reader.token().is_none(), "there is no call");
/// ```
///
/// A source is dropped when its reader is, and before that when the reader wants no more of it.
pub trait MessageSource: Send + Sync + 'static {
    /// The next part of a message, in order: a start, chunks that have the stated length together, an end. `None` at
    /// the end of the stream, and after an error.
    ///
    /// # Errors
    /// The status that ended the call.
    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<MessagePart, Status>>>;

    /// The peer's headers, once they are received.
    fn headers(&self) -> Option<&HeaderMap> {
        None
    }

    /// The peer's trailers, once the stream has ended without an error. Those that came with an error are in its
    /// status.
    fn trailers(&self) -> Option<&HeaderMap> {
        None
    }

    /// Sets the most bytes that a message may have, from the next one on: a longer one is an error. Without effect
    /// unless implemented, and then it is up to the source what it hands on.
    fn set_message_limit(&mut self, limit: usize) {
        let _ = limit;
    }

    /// The token of the call, if there is one: its reader may cancel it.
    fn token(&self) -> Option<&CallToken> {
        None
    }

    /// Counts the rows that are decoded, where that is of interest.
    fn counter(&self) -> Option<&Arc<CallCounter>> {
        None
    }

    /// Learns that the reader refuses what was received, for this error. The source is dropped next.
    fn fail(&mut self, error: &FlightError) {
        let _ = error;
    }
}

impl MessageSource for MessageReader {
    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<MessagePart, Status>>> {
        Self::poll_part(self, cx)
    }

    fn headers(&self) -> Option<&HeaderMap> {
        Self::headers(self)
    }

    fn trailers(&self) -> Option<&HeaderMap> {
        Self::trailers(self)
    }

    fn set_message_limit(&mut self, limit: usize) {
        Self::set_message_limit(self, limit);
    }

    fn token(&self) -> Option<&CallToken> {
        Some(Self::token(self))
    }

    fn counter(&self) -> Option<&Arc<CallCounter>> {
        Some(Self::counter(self))
    }

    /// On a client this ends the call, and its writer gets the error. On a server the handler responds, in general with
    /// this error.
    fn fail(&mut self, error: &FlightError) {
        if self.is_client() {
            Self::token(self).cancel(error.clone().into());
        }
    }
}

/// The headers of a peer that has sent none yet.
pub(crate) fn no_headers() -> &'static HeaderMap {
    static NONE: OnceLock<HeaderMap> = OnceLock::new();
    NONE.get_or_init(HeaderMap::new)
}
