//! Between a writer and the call that it writes to: messages wait here until the network takes them, and share a frame
//! with those that wait with them.
//!
//! The writer fills and the network pulls, so nothing needs to be flushed: whatever is here is sent as soon as there is
//! room for it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use peregrine_proto::FlightError;
use peregrine_transport::{Mutex, Rope};

use crate::outgoing::frame_assembler::{FRAME_TARGET, FrameAssembler};
use crate::outgoing::frame_config::FrameConfig;

/// A pipe for the messages of one direction of one call.
pub(crate) fn pipe(config: FrameConfig) -> (PipeWriter, PipeFrames) {
    let state = PipeState {
        frame: FrameAssembler::new(config),
        writing: WriterState::Open,
        is_read: true,
        writer: None,
        reader: None,
    };
    let state = Arc::new(Mutex::new(state));
    (PipeWriter { state: Arc::clone(&state) }, PipeFrames { state })
}

struct PipeState {
    frame: FrameAssembler,
    writing: WriterState,
    is_read: bool,
    writer: Option<Waker>,
    reader: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriterState {
    Open,
    /// The writer said that this was all.
    Finished,
    /// The writer was dropped and did not say so.
    GivenUp,
}

/// No messages are taken any more: the call has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PipeClosed;

/// The end that is written to.
pub(crate) struct PipeWriter {
    state: Arc<Mutex<PipeState>>,
}

impl PipeWriter {
    /// Ready when there is room for a message, of whatever size.
    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), PipeClosed>> {
        let mut state = self.state.lock();
        if !state.is_read {
            return Poll::Ready(Err(PipeClosed));
        }
        if state.frame.len() < FRAME_TARGET {
            return Poll::Ready(Ok(()));
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Whether no messages are taken any more.
    pub(crate) fn is_closed(&self) -> bool {
        !self.state.lock().is_read
    }

    /// Adds messages to the frame. What a `fill` that fails has added by then stays; what is not taken any more is
    /// dropped.
    pub(crate) fn push<E>(&self, fill: impl FnOnce(&mut FrameAssembler) -> Result<(), E>) -> Result<(), E> {
        let mut state = self.state.lock();
        if !state.is_read {
            return Ok(());
        }
        let filled = fill(&mut state.frame);
        let reader = state.reader.take();
        drop(state);
        reader.into_iter().for_each(Waker::wake);
        filled
    }

    /// Says that this was all.
    pub(crate) fn finish(&self) {
        self.end(WriterState::Finished);
    }

    fn end(&self, writing: WriterState) {
        let mut state = self.state.lock();
        if state.writing != WriterState::Open {
            return;
        }
        state.writing = writing;
        let reader = state.reader.take();
        drop(state);
        reader.into_iter().for_each(Waker::wake);
    }
}

impl Drop for PipeWriter {
    fn drop(&mut self) {
        self.end(WriterState::GivenUp);
    }
}

/// The end that the network pulls: frames of what was written, and an error where the writer was dropped before it had
/// finished.
pub(crate) struct PipeFrames {
    state: Arc<Mutex<PipeState>>,
}

impl PipeFrames {
    /// The frame of what waits; `None` if nothing does, and then `cx` is woken when something is written. The state of
    /// the writer says whether more may follow.
    pub(crate) fn take(&self, cx: &mut Context<'_>) -> (Option<Rope>, WriterState) {
        let mut state = self.state.lock();
        let (frame, writing) = (state.frame.take(), state.writing);
        if frame.is_none() {
            state.reader = Some(cx.waker().clone());
        }
        let writer = state.writer.take();
        drop(state);
        writer.into_iter().for_each(Waker::wake);
        (frame, writing)
    }

    /// Takes what waits, and nothing after it: a writer that still writes finds it closed.
    pub(crate) fn close(&self) -> Option<Rope> {
        let mut state = self.state.lock();
        state.is_read = false;
        let (frame, writer) = (state.frame.take(), state.writer.take());
        drop(state);
        writer.into_iter().for_each(Waker::wake);
        frame
    }
}

impl Stream for PipeFrames {
    type Item = Result<Rope, FlightError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.take(cx) {
            (Some(frame), _) => Poll::Ready(Some(Ok(frame))),
            (None, WriterState::Open) => Poll::Pending,
            (None, WriterState::Finished) => Poll::Ready(None),
            (None, WriterState::GivenUp) => Poll::Ready(Some(Err(given_up()))),
        }
    }
}

impl Drop for PipeFrames {
    fn drop(&mut self) {
        // Batches that will never be sent hold memory.
        drop(self.close());
    }
}

/// What an upload ends with whose writer was dropped.
pub(crate) fn given_up() -> FlightError {
    FlightError::cancelled("the writer was dropped before it was done")
}
