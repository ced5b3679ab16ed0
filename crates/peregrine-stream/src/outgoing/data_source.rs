//! `DataSource`: the batches of a stream, encoded as the network takes them.

use std::task::{Context, Poll, ready};

use arrow_schema::SchemaRef;
use futures_core::stream::BoxStream;
use peregrine_ipc::{EncodedMessage, Encoder, IpcWriteOptions, MessageKind, Pieces};
use peregrine_proto::FlightError;

use crate::chunk::FlightStreamChunk;
use crate::outgoing::frame_assembler::{FrameAssembler, HEAD_ROOM};
use crate::outgoing::frames::FrameSource;

/// Batches on their way through the encoder.
pub(crate) struct DataSource {
    chunks: BoxStream<'static, Result<FlightStreamChunk, FlightError>>,
    encoder: Encoder,
    schema_is_due: bool,
    /// What is left of a batch that is being cut.
    rest: Option<Pieces>,
    messages: Vec<EncodedMessage>,
}

impl DataSource {
    /// The schema, then the batches.
    pub(crate) fn new(
        schema: SchemaRef,
        chunks: BoxStream<'static, Result<FlightStreamChunk, FlightError>>,
        options: IpcWriteOptions,
    ) -> Result<Self, FlightError> {
        let encoder = encoder_within(schema, options)?;
        Ok(Self { chunks, encoder, schema_is_due: true, rest: None, messages: Vec::new() })
    }

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

/// An encoder whose pieces are under the target of the options as complete FlightData messages.
pub(crate) fn encoder_within(schema: SchemaRef, mut options: IpcWriteOptions) -> Result<Encoder, FlightError> {
    options.target_message_size = options.target_message_size.map(|target| target.saturating_sub(HEAD_ROOM));
    Ok(Encoder::new(schema, options)?)
}
