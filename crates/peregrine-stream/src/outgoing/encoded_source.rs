//! `EncodedSource`: the messages of a stream that are encoded already.

use std::task::{Context, Poll, ready};

use futures_core::stream::BoxStream;
use peregrine_ipc::IpcMessage;
use peregrine_proto::FlightError;

use crate::outgoing::frame_assembler::FrameAssembler;
use crate::outgoing::frames::FrameSource;

/// Messages that need no encoder, each with the rows of its record batch.
pub(crate) struct EncodedSource {
    schema: Option<IpcMessage>,
    messages: BoxStream<'static, Result<(IpcMessage, usize), FlightError>>,
}

impl EncodedSource {
    /// The schema, then the messages.
    pub(crate) fn new(
        schema: IpcMessage,
        messages: BoxStream<'static, Result<(IpcMessage, usize), FlightError>>,
    ) -> Self {
        Self { schema: Some(schema), messages }
    }
}

impl FrameSource for EncodedSource {
    fn poll_fill(&mut self, frame: &mut FrameAssembler, cx: &mut Context<'_>) -> Poll<Option<Result<(), FlightError>>> {
        let message = match self.schema.take() {
            Some(schema) => Some(Ok((schema, 0))),
            None => ready!(self.messages.as_mut().poll_next(cx)),
        };
        Poll::Ready(message.map(|message| {
            let (message, rows) = message?;
            frame.push_encoded(message, rows)
        }))
    }
}
