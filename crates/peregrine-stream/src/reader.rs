//! `FlightStreamReader`: batches and metadata out of a call, at either end.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use futures_core::Stream;
use http::HeaderMap;
use peregrine_ipc::{Decoded, Decoder};
use peregrine_proto::{CallCounter, Code, FlightData, FlightDescriptor, FlightError};
use peregrine_transport::{CallToken, Status};

use crate::chunk::FlightStreamChunk;
use crate::incoming::message_assembler::MessageAssembler;
use crate::incoming::message_source::{MessageSource, no_headers};
use crate::incoming::read_config::ReadConfig;
use crate::stats::FlightStreamStats;
use crate::table::Table;

/// What a chunk that is kept costs beside its bytes.
const EARLY_OVERHEAD: usize = 256;

/// Reads a stream of data: batches, and the application's metadata beside or between them.
///
/// Dropping the reader of a DoGet cancels the call. It is also a [`Stream`] of batches; metadata is only seen by
/// [`read_chunk`](Self::read_chunk). Methods that wait may be dropped while they do, and nothing is lost but what
/// [`read_all`](Self::read_all) has collected.
pub struct FlightStreamReader {
    messages: MessageAssembler,
    decoder: Decoder,
    counter: Option<Arc<CallCounter>>,
    descriptor: Option<FlightDescriptor>,
    schema_app_metadata: Option<Bytes>,
    /// Metadata that arrived before the schema while the schema was waited for.
    early: VecDeque<FlightStreamChunk>,
    /// How much more of it is kept.
    early_room: usize,
    ended: bool,
}

impl FlightStreamReader {
    /// A reader over the messages of a source, in general a call's
    /// [`MessageReader`](peregrine_transport::MessageReader).
    pub fn new(source: impl MessageSource, config: ReadConfig) -> Self {
        let early_room = config.limits.effective_call_message();
        let messages = MessageAssembler::new(source, config.limits.clone(), config.buffers.0);
        Self {
            counter: messages.counter(),
            messages,
            decoder: Decoder::new(config.options, config.limits),
            descriptor: None,
            schema_app_metadata: None,
            early: VecDeque::new(),
            early_room,
            ended: false,
        }
    }

    /// Reads the first message of an upload, which names what it is for. A server does so before it calls the handler.
    ///
    /// # Errors
    /// [`InvalidArgument`](peregrine_proto::FlightErrorKind::InvalidArgument) where there is no message, or one without
    /// a descriptor; the call's error.
    pub async fn read_descriptor(&mut self) -> Result<&FlightDescriptor, FlightError> {
        match poll_fn(|cx| self.poll_message(cx)).await {
            Some(Ok(Some(chunk))) => self.keep_early(chunk)?,
            Some(Ok(None)) => {}
            Some(Err(error)) => return Err(error),
            None => return Err(FlightError::invalid_argument("the upload ended before its first message")),
        }
        let missing = || FlightError::invalid_argument("the first message of the upload has no descriptor");
        self.descriptor.as_ref().ok_or_else(missing)
    }

    /// The schema, after projection. Waits for it if it has not arrived; metadata that arrives before it is kept for
    /// [`read_chunk`](Self::read_chunk).
    ///
    /// # Errors
    /// The call's error, that the stream ended without a schema, or
    /// [`ResourceExhausted`](peregrine_proto::FlightErrorKind::ResourceExhausted) where more metadata arrives before it
    /// than [`MessageLimits::effective_call_message`](peregrine_proto::MessageLimits::effective_call_message).
    pub async fn schema(&mut self) -> Result<SchemaRef, FlightError> {
        loop {
            if let Some(schema) = self.decoder.schema() {
                return Ok(schema.clone());
            }
            match poll_fn(|cx| self.poll_message(cx)).await {
                Some(Ok(Some(chunk))) => self.keep_early(chunk)?,
                Some(Ok(None)) => {}
                Some(Err(error)) => return Err(error),
                None => return Err(self.no_schema()),
            }
        }
    }

    /// The next batch; `None` at the end. Messages that carry metadata alone are passed over.
    ///
    /// # Errors
    /// The call's error; after it the stream is at its end.
    pub async fn read_next(&mut self) -> Result<Option<RecordBatch>, FlightError> {
        while let Some(chunk) = self.read_chunk().await? {
            if chunk.data.is_some() {
                return Ok(chunk.data);
            }
        }
        Ok(None)
    }

    /// The next message, whether it carries a batch, metadata, or both; `None` at the end.
    ///
    /// # Errors
    /// The call's error; after it the stream is at its end.
    pub async fn read_chunk(&mut self) -> Result<Option<FlightStreamChunk>, FlightError> {
        poll_fn(|cx| self.poll_chunk(cx)).await.transpose()
    }

    /// All batches to the end of the stream, or to a message that carries metadata alone, where pyarrow stops too:
    /// [`read_chunk`](Self::read_chunk) gives that message next. What arrives before the schema is passed over and
    /// kept.
    ///
    /// # Errors
    /// The call's error; the batches before it are dropped.
    pub async fn read_all(&mut self) -> Result<Table, FlightError> {
        let schema = self.schema().await?;
        let mut batches = Vec::new();
        while let Some(message) = poll_fn(|cx| self.poll_message(cx)).await {
            match message? {
                Some(FlightStreamChunk { data: Some(batch), .. }) => batches.push(batch),
                Some(chunk) => {
                    self.keep_early(chunk)?;
                    break;
                }
                None => {}
            }
        }
        Ok(Table::new(schema, batches))
    }

    /// Cancels the call: the peer sees it reset, and reading here gives
    /// [`Cancelled`](peregrine_proto::FlightErrorKind::Cancelled). [`token`](Self::token) does so from another task. No
    /// effect on a source that is no call.
    pub fn cancel(&self) {
        if let Some(token) = self.token() {
            token.cancel(Status::new(Code::Cancelled, "the call was cancelled by its reader"));
        }
    }

    /// Cancels the call from wherever it is held. `None` where the messages are not those of a call; see
    /// [`MessageSource`].
    pub fn token(&self) -> Option<&CallToken> {
        self.messages.token()
    }

    /// The descriptor that the stream began with; `None` on a DoGet.
    pub fn descriptor(&self) -> Option<&FlightDescriptor> {
        self.descriptor.as_ref()
    }

    /// Metadata that came with the schema's own message, as arrow-rs can send it.
    pub fn schema_app_metadata(&self) -> Option<&Bytes> {
        self.schema_app_metadata.as_ref()
    }

    /// The peer's headers. Those of the response to a DoExchange are empty until something of it was read.
    pub fn headers(&self) -> &HeaderMap {
        self.messages.headers().unwrap_or_else(|| no_headers())
    }

    /// The peer's trailers, once the stream is at its end, good or bad.
    pub fn trailers(&self) -> Option<&HeaderMap> {
        self.messages.trailers()
    }

    /// What has been read so far.
    pub fn stats(&self) -> FlightStreamStats {
        FlightStreamStats::new(self.decoder.stats(), self.messages.stats())
    }

    /// Whose fault it is depends on who reads: descriptors come with what a client sends.
    fn no_schema(&self) -> FlightError {
        match &self.descriptor {
            Some(_) => FlightError::invalid_argument("the upload ended without a schema"),
            None => FlightError::internal("the stream ended without a schema"),
        }
    }

    /// Keeps metadata until it is asked for, within bounds: a peer could send it indefinitely.
    fn keep_early(&mut self, chunk: FlightStreamChunk) -> Result<(), FlightError> {
        let Some(room) = self.early_room.checked_sub(cost(&chunk)) else {
            self.ended = true;
            let error = FlightError::resource_exhausted("too much metadata arrived before it was read");
            self.messages.fail(&error);
            return Err(error);
        };
        self.early_room = room;
        self.early.push_back(chunk);
        Ok(())
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<FlightStreamChunk, FlightError>>> {
        if let Some(chunk) = self.early.pop_front() {
            self.early_room += cost(&chunk);
            return Poll::Ready(Some(Ok(chunk)));
        }
        loop {
            match ready!(self.poll_message(cx)) {
                Some(Ok(Some(chunk))) => return Poll::Ready(Some(Ok(chunk))),
                Some(Ok(None)) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }

    /// Reads one message. `Some(Ok(None))` means that it only changed state, as a schema does.
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Option<FlightStreamChunk>, FlightError>>> {
        let Some(message) = ready!(self.messages.poll_message(cx)) else {
            self.ended = true;
            return Poll::Ready(None);
        };
        let chunk = message.and_then(|message| self.take_message(message));
        if let Err(error) = &chunk {
            self.ended = true;
            self.messages.fail(error);
        }
        Poll::Ready(Some(chunk))
    }

    fn take_message(&mut self, message: FlightData) -> Result<Option<FlightStreamChunk>, FlightError> {
        if self.descriptor.is_none() {
            self.descriptor = message.flight_descriptor;
        }
        let app_metadata = Some(message.app_metadata).filter(|bytes: &Bytes| !bytes.is_empty());
        if message.data_header.is_empty() {
            return Ok(app_metadata.map(FlightStreamChunk::metadata));
        }
        match self.decoder.decode(&message.data_header, message.data_body)? {
            Decoded::Schema(_) => {
                self.schema_app_metadata = app_metadata;
                Ok(None)
            }
            // Go repeats a batch's metadata on the dictionaries before it.
            Decoded::Dictionary => Ok(None),
            Decoded::RecordBatch(data) => {
                if let Some(counter) = &self.counter {
                    counter.count_received_rows(data.num_rows() as u64);
                }
                Ok(Some(FlightStreamChunk { data: Some(data), app_metadata }))
            }
        }
    }
}

/// What a chunk costs while it is kept.
fn cost(chunk: &FlightStreamChunk) -> usize {
    chunk.app_metadata.as_ref().map_or(0, Bytes::len) + EARLY_OVERHEAD
}

impl Stream for FlightStreamReader {
    type Item = Result<RecordBatch, FlightError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match ready!(self.poll_chunk(cx)) {
                Some(Ok(FlightStreamChunk { data: Some(batch), .. })) => return Poll::Ready(Some(Ok(batch))),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl std::fmt::Debug for FlightStreamReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlightStreamReader")
            .field("descriptor", &self.descriptor)
            .field("ended", &self.ended)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
