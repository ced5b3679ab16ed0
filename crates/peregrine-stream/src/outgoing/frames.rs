//! Streams as frames for the wire: data through the encoder, other messages as they are.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use arrow_schema::SchemaRef;
use futures_core::Stream;
use futures_core::stream::BoxStream;
use peregrine_ipc::{EncodedMessage, Encoder, IpcMessage, IpcWriteOptions, MessageKind, Pieces};
use peregrine_proto::{FlightError, FlightMessage};
use peregrine_transport::Rope;

use crate::chunk::FlightStreamChunk;
use crate::message_stream::MessageStream;
use crate::outgoing::frame_assembler::{BodyAlignment, FRAME_TARGET, FrameAssembler, encoder_within};

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

impl<T: FlightMessage> Frames<MessageStream<T>> {
    /// The messages of a stream as frames.
    pub(crate) fn new(messages: MessageStream<T>) -> Self {
        Self { source: messages, frame: FrameAssembler::default(), end: None }
    }
}

impl<T: FlightMessage> FrameSource for MessageStream<T> {
    fn poll_fill(&mut self, frame: &mut FrameAssembler, cx: &mut Context<'_>) -> Poll<Option<Result<(), FlightError>>> {
        let message = ready!(Pin::new(self).poll_next(cx));
        Poll::Ready(message.map(|message| frame.push_message(message?.serialize())))
    }
}

/// Messages that need no encoder.
pub(crate) struct EncodedSource {
    schema: Option<IpcMessage>,
    messages: BoxStream<'static, Result<IpcMessage, FlightError>>,
}

impl Frames<EncodedSource> {
    /// Messages as frames, the schema first.
    pub(crate) fn encoded(
        schema: IpcMessage,
        messages: BoxStream<'static, Result<IpcMessage, FlightError>>,
        alignment: BodyAlignment,
    ) -> Self {
        let source = EncodedSource { schema: Some(schema), messages };
        Self { source, frame: FrameAssembler::new(alignment), end: None }
    }
}

impl FrameSource for EncodedSource {
    fn poll_fill(&mut self, frame: &mut FrameAssembler, cx: &mut Context<'_>) -> Poll<Option<Result<(), FlightError>>> {
        let message = match self.schema.take() {
            Some(schema) => Some(Ok(schema)),
            None => ready!(self.messages.as_mut().poll_next(cx)),
        };
        Poll::Ready(message.map(|message| frame.push_encoded(message?)))
    }
}

/// Batches on their way through the encoder.
pub(crate) struct DataSource {
    chunks: BoxStream<'static, Result<FlightStreamChunk, FlightError>>,
    encoder: Encoder,
    schema_is_due: bool,
    /// What is left of a batch that is being cut.
    rest: Option<Pieces>,
    messages: Vec<EncodedMessage>,
}

impl Frames<DataSource> {
    /// The batches of a stream as frames, the schema first.
    pub(crate) fn encode(
        schema: SchemaRef,
        chunks: BoxStream<'static, Result<FlightStreamChunk, FlightError>>,
        options: IpcWriteOptions,
        alignment: BodyAlignment,
    ) -> Result<Self, FlightError> {
        let source = DataSource {
            chunks,
            encoder: encoder_within(schema, options)?,
            schema_is_due: true,
            rest: None,
            messages: Vec::new(),
        };
        Ok(Self { source, frame: FrameAssembler::new(alignment), end: None })
    }
}

impl FrameSource for DataSource {
    fn poll_fill(&mut self, frame: &mut FrameAssembler, cx: &mut Context<'_>) -> Poll<Option<Result<(), FlightError>>> {
        if std::mem::take(&mut self.schema_is_due) {
            let schema = self.encoder.schema_message();
            return Poll::Ready(Some(frame.push_data(schema, &[])));
        }
        if self.rest.is_some() {
            return Poll::Ready(Some(self.push_piece(frame)));
        }
        let chunk = match ready!(self.chunks.as_mut().poll_next(cx)) {
            Some(Ok(chunk)) => chunk,
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            None => return Poll::Ready(None),
        };
        Poll::Ready(Some(self.push_chunk(chunk, frame)))
    }
}

impl DataSource {
    fn push_chunk(&mut self, chunk: FlightStreamChunk, frame: &mut FrameAssembler) -> Result<(), FlightError> {
        let app_metadata = chunk.app_metadata.unwrap_or_default();
        match chunk.data {
            None => frame.push_metadata(&app_metadata),
            Some(batch) if app_metadata.is_empty() => {
                self.rest = Some(self.encoder.pieces(&batch)?);
                self.push_piece(frame)
            }
            // Metadata belongs to one message, so a batch that has some is never cut.
            Some(batch) => {
                self.encoder.encode(&batch, &mut self.messages)?;
                self.push_messages(&app_metadata, frame)
            }
        }
    }

    fn push_piece(&mut self, frame: &mut FrameAssembler) -> Result<(), FlightError> {
        let Some(pieces) = &mut self.rest else { return Ok(()) };
        self.encoder.encode_piece(pieces, &mut self.messages)?;
        if pieces.is_done() {
            self.rest = None;
        }
        self.push_messages(&[], frame)
    }

    /// Adds dictionaries and the batch behind them; the metadata goes with the batch itself.
    fn push_messages(&mut self, app_metadata: &[u8], frame: &mut FrameAssembler) -> Result<(), FlightError> {
        for message in self.messages.drain(..) {
            let is_batch = message.kind == MessageKind::RecordBatch;
            frame.push_data(message, if is_batch { app_metadata } else { &[] })?;
        }
        Ok(())
    }
}
