//! `FlightDataStream`: the data that a handler returns for a ticket.

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use futures_core::Stream;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};
use peregrine_ipc::{IpcMessage, IpcWriteOptions};
use peregrine_proto::FlightError;
use peregrine_transport::Rope;

use crate::blocking;
use crate::chunk::FlightStreamChunk;

use crate::outgoing::data_source::DataSource;
use crate::outgoing::encoded_source::EncodedSource;
use crate::outgoing::frame_config::FrameConfig;
use crate::outgoing::frames::Frames;
use crate::stored::IpcSource;

/// A schema and the batches that follow it: what `do_get` returns.
///
/// A batch that is too large for one message is cut by rows, so that **one batch may arrive as several**; see
/// [`with_write_options`](Self::with_write_options). A batch of another schema, and an error in the stream,
/// end the call with that error behind the batches before it.
///
/// ```
/// use std::sync::Arc;
///
/// use arrow_array::{Int64Array, RecordBatch};
/// use peregrine_stream::FlightDataStream;
///
/// let batch = RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(vec![1, 2])) as _)])?;
/// let stream = FlightDataStream::from_batches(batch.schema(), [batch]);
/// assert_eq!(stream.schema().field(0).name(), "id");
/// # Ok::<(), arrow_schema::ArrowError>(())
/// ```
pub struct FlightDataStream {
    schema: SchemaRef,
    content: StreamContent,
    options: IpcWriteOptions,
}

enum StreamContent {
    Chunks(BoxStream<'static, Result<FlightStreamChunk, FlightError>>),
    Encoded { schema: IpcMessage, messages: BoxStream<'static, Result<(IpcMessage, usize), FlightError>> },
}

impl FlightDataStream {
    /// The size in bytes that messages of batches stay under unless set otherwise: 4 MiB less 64 KiB, for the sake of
    /// peers that refuse more than 4 MiB, as those of Go and arrow-rs do.
    pub const DEFAULT_MESSAGE_TARGET: usize = (4 << 20) - (64 << 10);

    /// A stream of batches that are at hand, or that an iterator makes without blocking.
    pub fn from_batches<I>(schema: SchemaRef, batches: I) -> Self
    where
        I: IntoIterator<Item = RecordBatch>,
        I::IntoIter: Send + 'static,
    {
        Self::new(schema, stream::iter(batches).map(|batch| Ok(batch.into())).boxed())
    }

    /// A stream of what a reader gives. The reader is driven on tokio's threads for blocking work, one batch ahead of
    /// the network, and holds none while a batch waits to be sent. A panic in it is an error of the stream.
    pub fn from_reader<R: RecordBatchReader + Send + 'static>(reader: R) -> Self {
        let schema = reader.schema();
        Self::from_blocking(schema, reader.map(|batch: Result<_, ArrowError>| Ok(FlightStreamChunk::batch(batch?))))
    }

    /// A stream of what an iterator gives that blocks, driven as [`from_reader`](Self::from_reader) drives a reader.
    pub fn from_blocking<I>(schema: SchemaRef, chunks: I) -> Self
    where
        I: IntoIterator<Item = Result<FlightStreamChunk, FlightError>>,
        I::IntoIter: Send + 'static,
    {
        Self::new(schema, blocking::stream(chunks.into_iter()).boxed())
    }

    /// A stream of batches as they are made, as DataFusion gives them.
    pub fn from_stream<S, E>(schema: SchemaRef, batches: S) -> Self
    where
        S: Stream<Item = Result<RecordBatch, E>> + Send + 'static,
        E: Into<FlightError> + 'static,
    {
        Self::new(schema, batches.map_ok(FlightStreamChunk::batch).err_into().boxed())
    }

    /// A stream of batches with metadata of the application, or of metadata alone. pyarrow's `read_all` stops at a
    /// message that carries metadata alone.
    pub fn from_chunks<S, E>(schema: SchemaRef, chunks: S) -> Self
    where
        S: Stream<Item = Result<FlightStreamChunk, E>> + Send + 'static,
        E: Into<FlightError> + 'static,
    {
        Self::new(schema, chunks.err_into().boxed())
    }

    /// A stream of messages that are encoded already, passed through as they are: nothing is decoded, encoded, or
    /// compressed otherwise than it was, and bodies are not copied. The source is driven as
    /// [`from_blocking`](Self::from_blocking) drives an iterator, one message ahead of the network.
    ///
    /// Headers are checked as a reader would, and a message that does not fit its schema or its body is an error of the
    /// stream. **Values are not looked at**: a client of this crate validates them, as one of another kind may not, so
    /// pass on what you trust and let [`IpcSource::into_batches`] validate the rest.
    ///
    /// What is encoded is not cut: a message of more than 4 MiB is refused by peers that have that limit, as those of
    /// Go and arrow-rs do unless configured otherwise. Columns cannot be left out either, and
    /// [`with_write_options`](Self::with_write_options) has no effect. For all of these decode it.
    ///
    /// See [`IpcSource`] for an example.
    pub fn from_ipc(source: IpcSource) -> Self {
        let schema = source.schema().clone();
        let (message, messages) = source.into_checked();
        let content = StreamContent::Encoded { schema: message, messages: blocking::stream(messages).boxed() };
        Self { schema, content, options: IpcWriteOptions::default() }
    }

    fn new(schema: SchemaRef, chunks: BoxStream<'static, Result<FlightStreamChunk, FlightError>>) -> Self {
        let options = IpcWriteOptions::default().with_target_message_size(Self::DEFAULT_MESSAGE_TARGET);
        Self { schema, content: StreamContent::Chunks(chunks), options }
    }

    /// Sets how batches are encoded: compression, and the size over which a batch is cut by rows.
    ///
    /// Unless set, messages of batches stay under [`DEFAULT_MESSAGE_TARGET`](Self::DEFAULT_MESSAGE_TARGET);
    /// [`IpcWriteOptions::default`] sends each batch as one message. The target holds for all of a FlightData message.
    /// A row, a dictionary, and a batch with metadata are never cut, and may be over it.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use arrow_schema::Schema;
    /// use peregrine_ipc::{CompressionCodec, IpcWriteOptions};
    /// use peregrine_stream::FlightDataStream;
    ///
    /// let options = IpcWriteOptions::default()
    ///     .with_target_message_size(1 << 20)
    ///     .with_compression(CompressionCodec::Zstd);
    /// let stream = FlightDataStream::from_batches(Arc::new(Schema::empty()), []).with_write_options(options);
    /// ```
    #[must_use]
    pub fn with_write_options(mut self, options: IpcWriteOptions) -> Self {
        self.options = options;
        self
    }

    /// How batches are encoded.
    pub fn write_options(&self) -> &IpcWriteOptions {
        &self.options
    }

    /// The schema of all batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The stream as frames for the wire, the schema first. What is ready together shares a frame; an error comes
    /// behind what was ready before it.
    ///
    /// # Errors
    /// A schema that cannot be encoded.
    pub fn into_frames(
        self,
        config: FrameConfig,
    ) -> Result<impl Stream<Item = Result<Rope, FlightError>> + Send + Unpin + use<>, FlightError> {
        Ok(match self.content {
            StreamContent::Chunks(chunks) => {
                Frames::new(DataSource::new(self.schema, chunks, self.options)?, config).left_stream()
            }
            StreamContent::Encoded { schema, messages } => {
                Frames::new(EncodedSource::new(schema, messages), config).right_stream()
            }
        })
    }
}

impl std::fmt::Debug for FlightDataStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlightDataStream").field("schema", &self.schema).finish_non_exhaustive()
    }
}
