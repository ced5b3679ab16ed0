//! `FlightStreamWriter`: batches and metadata into a call, at either end.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use futures_util::TryStreamExt;
use peregrine_ipc::{EncodeStats, EncodedMessage, Encoder, IpcWriteOptions, MessageKind};
use peregrine_proto::{FlightDescriptor, FlightError, FlightErrorKind, FlightMessage};
use peregrine_transport::{CallSender, Outgoing, Status};

use crate::outgoing::data_source::encoder_within;
use crate::outgoing::frame_assembler::FrameAssembler;
use crate::outgoing::pipe::{PipeClosed, PipeFrames, PipeWriter, given_up, pipe};
use crate::outgoing::write_config::WriteConfig;
use crate::outgoing::written_frames::WrittenFrames;
use crate::table::Table;

/// Writes a stream of data: batches, and the application's metadata beside or between them.
///
/// A client has one from DoPut, which has begun with its schema, and from DoExchange, where [`begin`](Self::begin)
/// comes first; a handler of DoExchange is given one. What is written goes out as soon as the network takes it, so
/// nothing has to be flushed; a method waits while more than half a megabyte is on its way. Writing and reading may be
/// done from two tasks at once.
///
/// A server stops reading when its response is not read: a client that expects much of an exchange reads while it
/// writes.
///
/// Dropping the future of a method that writes one message writes it completely or not at all. Errors that arise here,
/// such as that of a batch of another schema, leave the stream as it was. Where the server has ended the call, its
/// error is the one that is given, whatever else is wrong.
///
/// A client that drops its writer without [`done_writing`](Self::done_writing) or [`close`](Self::close) cancels the
/// call: what was written is not a complete upload. At the server the stream ends when the handler returns.
pub struct FlightStreamWriter {
    pipe: PipeWriter,
    /// The call, on a client.
    call: Option<CallSender>,
    /// Until it is sent.
    descriptor: Option<FlightDescriptor>,
    encoder: Option<Encoder>,
    config: WriteConfig,
    messages: Vec<EncodedMessage>,
    is_done: bool,
    closed: Option<Result<(), FlightError>>,
}

impl FlightStreamWriter {
    /// The writer of a request and the request, which has its beginning: the descriptor, and with it the schema if there
    /// is one already. Once the call is started, [`of_call`](Self::of_call) tells the writer of it.
    ///
    /// # Errors
    /// A schema that cannot be encoded.
    pub fn request(
        descriptor: FlightDescriptor,
        schema: Option<SchemaRef>,
        config: WriteConfig,
    ) -> Result<(Self, Outgoing), FlightError> {
        let (mut writer, frames) = Self::new(config);
        writer.descriptor = Some(descriptor);
        let encoder = schema.map(|schema| Encoder::new(schema, writer.config.options.clone())).transpose()?;
        writer.push_first(encoder)?;
        Ok((writer, Outgoing::stream(frames.map_err(Status::from))))
    }

    /// The writer of a call: the end of the call is its own.
    #[must_use]
    pub fn of_call(mut self, call: CallSender) -> Self {
        self.call = Some(call);
        self
    }

    /// The writer of a reply, and the frames of what it writes.
    pub(crate) fn new(config: WriteConfig) -> (Self, PipeFrames) {
        let (pipe, frames) = pipe(config.frames.clone());
        let messages = Vec::new();
        let writer =
            Self { pipe, call: None, descriptor: None, encoder: None, config, messages, is_done: false, closed: None };
        (writer, frames)
    }

    /// Begins with a schema, which is sent at once. Metadata may be written before.
    ///
    /// # Errors
    /// [`InvalidArgument`](FlightErrorKind::InvalidArgument) if the stream has begun already, a schema that cannot be
    /// encoded, or the error of the call.
    pub async fn begin(&mut self, schema: SchemaRef) -> Result<(), FlightError> {
        self.begin_with(schema, self.config.options.clone()).await
    }

    /// [`begin`](Self::begin), with options for this stream.
    ///
    /// # Errors
    /// As there.
    pub async fn begin_with(&mut self, schema: SchemaRef, options: IpcWriteOptions) -> Result<(), FlightError> {
        self.ready().await?;
        if self.encoder.is_some() {
            return Err(FlightError::invalid_argument("the stream has begun with a schema already"));
        }
        self.push_first(Some(encoder_within(schema, options)?))
    }

    /// Writes a batch as one message, whatever its size, unless the options set a
    /// [target](IpcWriteOptions::target_message_size), which counts all of a FlightData message here.
    ///
    /// # Errors
    /// A batch of another schema, one that is over the size limit ([`WriteSizeExceeded`](crate::WriteSizeExceeded)), a
    /// stream that has not begun or that is done, or the error of the call.
    pub async fn write_batch(&mut self, batch: &RecordBatch) -> Result<(), FlightError> {
        self.ready().await?;
        let mut pieces = self.encoder.as_mut().ok_or_else(not_begun)?.pieces(batch)?;
        if self.config.size_limit.is_some() {
            // A piece that is refused takes those before it with it.
            return self.write(|encoder, out| while_some(|| encoder.encode_piece(&mut pieces, out)), &[]);
        }
        loop {
            self.write(|encoder, out| encoder.encode_piece(&mut pieces, out).map(drop), &[])?;
            if pieces.is_done() {
                return Ok(());
            }
            self.ready().await?;
        }
    }

    /// Writes all batches of a table but those without rows, cut into batches of at most `max_chunk_size` rows if that
    /// is given.
    ///
    /// # Errors
    /// As [`write_batch`](Self::write_batch); what was written before stays written.
    pub async fn write_table(&mut self, table: &Table, max_chunk_size: Option<usize>) -> Result<(), FlightError> {
        let most = max_chunk_size.unwrap_or(usize::MAX);
        if most == 0 {
            return Err(FlightError::invalid_argument("batches of at most 0 rows cannot hold the rows of a table"));
        }
        for batch in &table.batches {
            let mut start = 0;
            while start < batch.num_rows() {
                let rows = most.min(batch.num_rows() - start);
                self.write_batch(&batch.slice(start, rows)).await?;
                start += rows;
            }
        }
        Ok(())
    }

    /// Writes a batch with metadata as one message. Empty metadata is none.
    ///
    /// # Errors
    /// As [`write_batch`](Self::write_batch).
    pub async fn write_with_metadata(
        &mut self,
        batch: &RecordBatch,
        app_metadata: impl Into<Bytes>,
    ) -> Result<(), FlightError> {
        self.ready().await?;
        self.write(|encoder, messages| encoder.encode(batch, messages), &app_metadata.into())
    }

    /// Writes metadata alone, which may precede the schema.
    ///
    /// # Errors
    /// Metadata over the size limit ([`WriteSizeExceeded`](crate::WriteSizeExceeded)), a stream that is done, or the
    /// error of the call.
    pub async fn write_metadata(&mut self, app_metadata: impl Into<Bytes>) -> Result<(), FlightError> {
        self.ready().await?;
        let app_metadata = app_metadata.into();
        self.config.check_size(app_metadata.len())?;
        self.pipe.push(|frame| frame.push_metadata(&app_metadata))
    }

    /// Says that this was all: nothing more can be written, and reading goes on. A server sees the end of the upload at
    /// once; a client sees that of the response when the handler returns.
    ///
    /// # Errors
    /// The error of the call, if it has ended with one.
    pub async fn done_writing(&mut self) -> Result<(), FlightError> {
        // A stream that is taken to its end is closed too, but then the call goes on.
        let is_cut = !self.is_done && self.pipe.is_closed();
        self.is_done = true;
        self.pipe.finish();
        match &mut self.call {
            Some(call) if is_cut => ok(call.status().await),
            _ => self.failure().map_or(Ok(()), Err),
        }
    }

    /// [`done_writing`](Self::done_writing), and on a client waits for the end of the call. Called again, it gives the
    /// same again.
    ///
    /// What the server sends until then stays for the reader, up to 64 MiB; then the reader is waited for. One that
    /// reads nothing for ten seconds gets an error in place of the rest.
    ///
    /// # Errors
    /// The error of the call.
    pub async fn close(&mut self) -> Result<(), FlightError> {
        self.is_done = true;
        self.pipe.finish();
        if self.closed.is_none() {
            self.closed = Some(match &mut self.call {
                Some(call) => ok(call.status().await),
                None => Ok(()),
            });
        }
        self.closed.clone().unwrap_or(Ok(()))
    }

    /// What has been written so far. Messages that carry metadata alone are not counted.
    pub fn stats(&self) -> EncodeStats {
        self.encoder.as_ref().map(Encoder::stats).unwrap_or_default()
    }

    /// Waits until there is room for a message.
    async fn ready(&mut self) -> Result<(), FlightError> {
        if self.is_done {
            let late = || FlightError::invalid_argument("the stream is written to after it was done");
            return Err(self.failure().unwrap_or_else(late));
        }
        match self.room().await {
            Ok(()) => Ok(()),
            Err(PipeClosed) => Err(self.ended().await),
        }
    }

    /// Waits for the pipe. While the request waits for its turn on the connection no task takes from the pipe or drops
    /// it, and only the token of the call reports its end.
    async fn room(&self) -> Result<(), PipeClosed> {
        let Some(call) = &self.call else { return poll_fn(|cx| self.pipe.poll_ready(cx)).await };
        let mut ended = pin!(call.token().ended());
        poll_fn(|cx| match self.pipe.poll_ready(cx) {
            Poll::Pending => ended.as_mut().poll(cx).map(|()| Err(PipeClosed)),
            ready => ready,
        })
        .await
    }

    /// Why no messages are taken any more.
    async fn ended(&mut self) -> FlightError {
        let Some(call) = &mut self.call else { return FlightError::cancelled("the call has ended") };
        ok(call.status().await).err().unwrap_or_else(|| {
            let message = "the server has ended the call, without an error, and takes no more messages";
            FlightError::new(FlightErrorKind::FailedPrecondition, message)
        })
    }

    /// Sends the descriptor if that is due, and the schema if there is one.
    fn push_first(&mut self, mut encoder: Option<Encoder>) -> Result<(), FlightError> {
        let schema = encoder.as_mut().map(Encoder::schema_message);
        let descriptor = self.descriptor.as_ref().map_or(0, |descriptor| descriptor.serialize().len());
        self.config.check_size(schema.as_ref().map_or(0, EncodedMessage::encoded_size) + descriptor)?;
        let descriptor = self.descriptor.take();
        self.pipe.push(|frame| frame.push_first(descriptor.as_ref(), schema.as_ref()))?;
        self.encoder = encoder;
        Ok(())
    }

    /// Encodes and sends; the metadata goes with the batch, and not with its dictionaries. Where one message cannot be
    /// sent, none is, and the encoder is where it was.
    fn write<E>(&mut self, encode: E, app_metadata: &[u8]) -> Result<(), FlightError>
    where
        E: FnOnce(&mut Encoder, &mut Vec<EncodedMessage>) -> Result<(), peregrine_ipc::Error>,
    {
        let of = |message: &EncodedMessage| if message.kind == MessageKind::RecordBatch { app_metadata } else { &[] };
        let Self { encoder: Some(encoder), messages, config, .. } = self else { return Err(not_begun()) };
        let checkpoint = encoder.checkpoint();
        encode(encoder, messages)?;
        let sizes = messages.iter().map(|message| message.encoded_size() + of(message).len());
        if let Err(error) = config.check_size(sizes.max().unwrap_or_default()) {
            messages.clear();
            encoder.restore(checkpoint);
            return Err(error);
        }
        self.pipe.push(|frame: &mut FrameAssembler| {
            messages.drain(..).try_for_each(|message| {
                let app_metadata = of(&message);
                frame.push_data(message, app_metadata)
            })
        })
    }

    /// The error that the call has ended with, as far as that is known.
    fn failure(&self) -> Option<FlightError> {
        if let Some(Err(error)) = &self.closed {
            return Some(error.clone());
        }
        self.call.as_ref().and_then(|call| call.token().cancelled_with()).map(FlightError::from)
    }
}

impl WrittenFrames {
    /// For a handler that responds with data.
    pub fn of_data(config: WriteConfig) -> (FlightStreamWriter, Self) {
        let (writer, frames) = FlightStreamWriter::new(config);
        (writer, Self::new(frames))
    }
}

impl Drop for FlightStreamWriter {
    fn drop(&mut self) {
        if let Some(call) = &self.call
            && !self.is_done
        {
            // The stream of frames says so too, but no task polls it while the peer opens no window.
            call.token().cancel(given_up().into());
        }
    }
}

impl fmt::Debug for FlightStreamWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlightStreamWriter")
            .field("is_done", &self.is_done)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// Repeats a step until it says that there was nothing to do.
fn while_some<E>(mut step: impl FnMut() -> Result<bool, E>) -> Result<(), E> {
    while step()? {}
    Ok(())
}

fn ok(status: Status) -> Result<(), FlightError> {
    if status.is_ok() { Ok(()) } else { Err(status.into()) }
}

fn not_begun() -> FlightError {
    FlightError::invalid_argument("a batch is written before the stream has begun with a schema")
}
