//! `IpcSource`: the messages of a file or a stream, in the order in which they are sent.

use std::io::{BufReader, Read};
use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};
use bytes::Bytes;
use peregrine_ipc::{Decoded, Decoder, Error, IpcMessage, IpcReadOptions, MessageKind, PassThrough};
use peregrine_proto::{FlightError, FlightErrorKind, MessageLimits};

use super::errors::{ErrorChange, broken};
use super::ipc_batches::{IpcBatches, StoredMessages};
use super::ipc_file::IpcFile;
use super::stream_source::{Recycled, StreamBytes, StreamSource};

/// Data that is encoded already, of which the schema is read and nothing else yet: the messages of an IPC file or of an
/// IPC stream, compressed or not, as Arrow writes them today or as 0.14 did.
///
/// [`FlightDataStream::from_ipc`](crate::FlightDataStream::from_ipc) sends the messages as they are,
/// [`into_batches`](Self::into_batches) decodes them. Bodies are read into buffers that are used again, or shared where
/// they are in memory; a message is read when its turn comes. What is stored may be forged or broken: nothing that it
/// states is believed.
///
/// ```
/// use peregrine_proto::MessageLimits;
/// use peregrine_stream::{FlightDataStream, IpcSource};
/// # use arrow_array::{Int64Array, RecordBatch};
/// # let batch = RecordBatch::try_from_iter([("id", std::sync::Arc::new(Int64Array::from(vec![1, 2])) as _)])?;
/// # let mut writer = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), batch.schema_ref())?;
/// # writer.write(&batch)?;
/// # let reader = std::io::Cursor::new(writer.into_inner()?);
/// // let reader = std::fs::File::open("trips.arrows")?;
/// let source = IpcSource::from_stream(reader, MessageLimits::default())?;
/// assert_eq!(source.schema().field(0).name(), "id");
/// let stream = FlightDataStream::from_ipc(source); // what `do_get` returns
/// # let _ = stream;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct IpcSource {
    schema_message: IpcMessage,
    messages: StoredMessages,
    check: PassThrough,
    schema: SchemaRef,
    limits: MessageLimits,
    is_file: bool,
    change: ErrorChange,
}

impl IpcSource {
    /// The messages of a file: its dictionaries, wherever they lie in it, then its record batches.
    ///
    /// # Errors
    /// `DataLoss` for a schema that is broken.
    pub fn from_file(file: &IpcFile) -> Result<Self, FlightError> {
        let file = file.clone();
        let limits = file.limits().clone();
        Self::new(file.schema_message(), Box::new(file.into_messages()), limits, true)
    }

    /// The messages of a stream, whose bytes a reader gives. Reads the schema, and blocks for it.
    ///
    /// # Errors
    /// `DataLoss` for a stream that is broken or has no schema, `ResourceExhausted` for one over the limits,
    /// `Unimplemented` for one of a version that is not read or of big-endian data, `Failed` where it cannot be read.
    pub fn from_stream<R: Read + Send + 'static>(reader: R, limits: MessageLimits) -> Result<Self, FlightError> {
        // Prefixes and headers are small; bodies go past the buffer.
        Self::of_stream(Recycled::new(BufReader::new(reader)), limits)
    }

    /// The messages of a stream that is in memory, which they share.
    ///
    /// # Errors
    /// As [`from_stream`](Self::from_stream).
    pub fn from_stream_bytes(stream: Bytes, limits: MessageLimits) -> Result<Self, FlightError> {
        Self::of_stream(stream, limits)
    }

    fn of_stream(bytes: impl StreamBytes + Send + 'static, limits: MessageLimits) -> Result<Self, FlightError> {
        let mut messages = StreamSource::new(bytes, limits.clone());
        let schema = messages.next().transpose()?;
        let schema = schema.ok_or_else(without_schema)?;
        Self::new(schema, Box::new(messages), limits, false)
    }

    fn new(
        schema_message: IpcMessage,
        messages: StoredMessages,
        limits: MessageLimits,
        is_file: bool,
    ) -> Result<Self, FlightError> {
        let check = if is_file { PassThrough::for_file } else { PassThrough::for_stream };
        let mut check = check(limits.clone());
        check.message(&schema_message).map_err(broken)?;
        let schema = check.schema().cloned();
        let schema = schema.ok_or_else(without_schema)?;
        Ok(Self { schema_message, messages, check, schema, limits, is_file, change: Box::new(|error| error) })
    }

    /// The schema of all batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Fails unless the data has this schema, metadata included.
    ///
    /// # Errors
    /// `InvalidArgument`, with where the two differ first.
    pub fn with_expected_schema(self, expected: &Schema) -> Result<Self, FlightError> {
        if *self.schema == *expected {
            return Ok(self);
        }
        let error = Error::UnexpectedSchema { expected: Arc::new(expected.clone()), actual: self.schema };
        Err((self.change)(error.into()))
    }

    /// Changes the errors from here on, also while the messages are read, to say in them what was read. A change
    /// that was asked for before is made first.
    #[must_use]
    pub fn map_errors(self, change: impl Fn(FlightError) -> FlightError + Send + 'static) -> Self {
        let before = self.change;
        Self { change: Box::new(move |error| change(before(error))), ..self }
    }

    /// Decodes the messages, every value validated. The iterator blocks as the reads do.
    ///
    /// # Errors
    /// `InvalidArgument` for a projection of columns that are not there.
    pub fn into_batches(self, options: IpcReadOptions) -> Result<IpcBatches, FlightError> {
        let mut decoder = Decoder::new(options, self.limits);
        let schema = match decoder.decode(&self.schema_message.header, self.schema_message.body) {
            Ok(Decoded::Schema(schema)) => schema,
            Ok(_) => return Err((self.change)(without_schema())),
            Err(error) => return Err((self.change)(error.into())),
        };
        Ok(IpcBatches::new(decoder, schema, self.messages, self.is_file, self.change))
    }

    /// The schema, and the messages behind it, their headers checked, each with the rows of its record batch.
    pub(crate) fn into_checked(
        self,
    ) -> (IpcMessage, impl Iterator<Item = Result<(IpcMessage, usize), FlightError>> + Send) {
        let (mut check, change) = (self.check, self.change);
        let checked = move |message: Result<IpcMessage, FlightError>| match message {
            Ok(message) => match check.message(&message) {
                // There was one already.
                Ok(MessageKind::Schema) => None,
                Ok(_) => Some(Ok((message, check.rows()))),
                Err(error) => Some(Err(change(broken(error)))),
            },
            Err(error) => Some(Err(change(error))),
        };
        (self.schema_message, self.messages.filter_map(checked))
    }
}

fn without_schema() -> FlightError {
    FlightError::new(FlightErrorKind::DataLoss, "stored IPC data: it does not begin with a schema")
}

impl std::fmt::Debug for IpcSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IpcSource").field("schema", &self.schema).finish_non_exhaustive()
    }
}
