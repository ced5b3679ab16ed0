//! Streams as frames for the wire.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use peregrine_proto::FlightError;
use peregrine_transport::Rope;

use crate::outgoing::frame_assembler::{FRAME_TARGET, FrameAssembler};
use crate::outgoing::frame_config::FrameConfig;

/// A stream of frames. What is ready together shares a frame; an error comes behind what was ready before it.
pub(crate) struct Frames<S> {
    source: S,
    frame: FrameAssembler,
    /// How the source ended, once it did.
    end: Option<Result<(), FlightError>>,
}

/// What frames are filled from.
pub(crate) trait FrameSource {
    /// Adds the next message to the frame; `None` at the end.
    fn poll_fill(&mut self, frame: &mut FrameAssembler, cx: &mut Context<'_>) -> Poll<Option<Result<(), FlightError>>>;
}

impl<S: FrameSource> Frames<S> {
    /// The messages of a source as frames.
    pub(crate) fn new(source: S, config: FrameConfig) -> Self {
        Self { source, frame: FrameAssembler::new(config), end: None }
    }
}

impl<S: FrameSource + Unpin> Stream for Frames<S> {
    type Item = Result<Rope, FlightError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        while this.end.is_none() && this.frame.len() < FRAME_TARGET {
            match this.source.poll_fill(&mut this.frame, cx) {
                Poll::Ready(Some(Ok(()))) => {}
                Poll::Ready(Some(Err(error))) => this.end = Some(Err(error)),
                Poll::Ready(None) => this.end = Some(Ok(())),
                Poll::Pending if this.frame.len() == 0 => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        if let Some(frame) = this.frame.take() {
            return Poll::Ready(Some(Ok(frame)));
        }
        Poll::Ready(match this.end.replace(Ok(())) {
            Some(Err(error)) => Some(Err(error)),
            _ => None,
        })
    }
}
