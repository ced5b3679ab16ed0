//! The acknowledgements of a DoPut: `FlightMetadataReader` at the client, `FlightMetadataWriter` at the server.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use http::HeaderMap;
use peregrine_proto::{Code, FlightError, FlightMessage, PutResult};
use peregrine_transport::{CallToken, MessageReader, Status};

use crate::message_stream::MessageStream;
use crate::outgoing::frame_config::FrameConfig;
use crate::outgoing::pipe::{PipeWriter, pipe};
use crate::outgoing::written_frames::WrittenFrames;

/// Reads what the server responds to an upload. Also a [`Stream`] of the application's bytes.
///
/// Read it or drop it: acknowledgements that are held and not read stop the server once some megabytes of them have
/// arrived. Dropping it does not end the upload: what still arrives is discarded, in the background.
pub struct FlightMetadataReader {
    results: MessageStream<PutResult>,
    token: CallToken,
}

impl FlightMetadataReader {
    /// A reader over the messages of a call.
    pub fn new(messages: MessageReader) -> Self {
        let token = messages.token().clone();
        Self { results: MessageStream::from_messages(messages), token }
    }

    /// The application's bytes of the next acknowledgement; `None` at the end of the call.
    ///
    /// # Errors
    /// The call's error. Dropping the future loses nothing.
    pub async fn read(&mut self) -> Result<Option<Bytes>, FlightError> {
        Ok(self.results.read_next().await?.map(|result| result.app_metadata().clone()))
    }

    /// Cancels the call: reading gives [`Cancelled`](peregrine_proto::FlightErrorKind::Cancelled), and so does writing.
    pub fn cancel(&self) {
        self.token.cancel(Status::new(Code::Cancelled, "the call was cancelled by its reader"));
    }

    /// Cancels the call from wherever it is held.
    pub fn token(&self) -> &CallToken {
        &self.token
    }

    /// The server's headers; empty until the first acknowledgement has arrived.
    pub fn headers(&self) -> &HeaderMap {
        self.results.headers()
    }

    /// The server's trailers, once the call is at its end, good or bad.
    pub fn trailers(&self) -> Option<&HeaderMap> {
        self.results.trailers()
    }
}

impl Stream for FlightMetadataReader {
    type Item = Result<Bytes, FlightError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let result = ready!(Pin::new(&mut self.results).poll_next(cx));
        Poll::Ready(result.map(|result| result.map(|result| result.app_metadata().clone())))
    }
}

impl fmt::Debug for FlightMetadataReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlightMetadataReader").field("results", &self.results).finish_non_exhaustive()
    }
}

/// Writes what a handler responds to an upload, while it reads it or after.
pub struct FlightMetadataWriter {
    pipe: PipeWriter,
}

impl FlightMetadataWriter {
    /// Sends an acknowledgement. Waits while more than half a megabyte of them is on its way.
    ///
    /// # Errors
    /// The call has ended, or an acknowledgement is over 2 GiB. Dropping the future sends it completely or not at all.
    pub async fn write(&mut self, app_metadata: impl Into<Bytes>) -> Result<(), FlightError> {
        if poll_fn(|cx| self.pipe.poll_ready(cx)).await.is_err() {
            return Err(FlightError::cancelled("the call has ended"));
        }
        let message = PutResult::new(app_metadata).serialize();
        self.pipe.push(|frame| frame.push_message(message))
    }
}

impl WrittenFrames {
    /// For a handler that responds with metadata.
    pub fn of_metadata(config: FrameConfig) -> (FlightMetadataWriter, Self) {
        let (pipe, frames) = pipe(config);
        (FlightMetadataWriter { pipe }, Self::new(frames))
    }
}

impl fmt::Debug for FlightMetadataWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlightMetadataWriter").finish_non_exhaustive()
    }
}
