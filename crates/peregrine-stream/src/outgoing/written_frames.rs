//! `WrittenFrames`: what a handler of DoPut or DoExchange writes, as frames, while it runs beside them.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use peregrine_proto::FlightError;
use peregrine_transport::Rope;

use crate::outgoing::pipe::PipeFrames;

/// The frames of what a handler writes.
pub struct WrittenFrames(PipeFrames);

impl WrittenFrames {
    pub(crate) fn new(frames: PipeFrames) -> Self {
        Self(frames)
    }

    /// The frames until the handler has ended, and its error if it ended with one. The handler is polled together with
    /// the frames, which may stand still for long: one that should go on meanwhile is run in a task of its own, and
    /// this is given its end.
    pub fn until<F>(self, handler: F) -> impl Stream<Item = Result<Rope, FlightError>> + Send + Unpin + use<F>
    where
        F: Future<Output = Result<(), FlightError>> + Send + Unpin,
    {
        HandlerFrames { frames: self.0, handler, end: None }
    }
}

impl std::fmt::Debug for WrittenFrames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WrittenFrames").finish_non_exhaustive()
    }
}

/// What a handler writes, and then how it ended.
struct HandlerFrames<F> {
    frames: PipeFrames,
    handler: F,
    end: Option<Result<(), FlightError>>,
}

impl<F: Future<Output = Result<(), FlightError>> + Unpin> Stream for HandlerFrames<F> {
    type Item = Result<Rope, FlightError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(end) = &mut self.end {
            return Poll::Ready(std::mem::replace(end, Ok(())).err().map(Err));
        }
        if let Poll::Ready(end) = Pin::new(&mut self.handler).poll(cx) {
            // All that the handler wrote is there. A task of its own that writes on would keep the end from the caller.
            let last = self.frames.close();
            let end = self.end.insert(end);
            return Poll::Ready(match last {
                Some(frame) => Some(Ok(frame)),
                None => std::mem::replace(end, Ok(())).err().map(Err),
            });
        }
        match self.frames.take(cx) {
            (Some(frame), _) => Poll::Ready(Some(Ok(frame))),
            (None, _) => Poll::Pending,
        }
    }
}
