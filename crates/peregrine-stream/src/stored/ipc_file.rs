//! An IPC file, its messages read where its footer says they are.

use std::sync::Arc;

use arrow_schema::SchemaRef;
use bytes::Bytes;
use peregrine_ipc::{FileBlock, FileFooter, IpcMessage};
use peregrine_proto::{FlightError, MessageLimits};

use super::errors::{broken, unreadable};
use super::positioned_read::{PositionedRead, read_range};
use crate::buffers::Recycler;

/// An IPC file that is open: its footer is read, its messages are when they are asked for.
///
/// All of it blocks as the reads of its source do: call it where that is fine, such as in tokio's `spawn_blocking`.
/// Clones share the file.
///
/// ```
/// use bytes::Bytes;
/// use peregrine_proto::MessageLimits;
/// use peregrine_stream::{IpcFile, IpcSource};
/// # use arrow_array::{Int64Array, RecordBatch};
/// # let batch = RecordBatch::try_from_iter([("id", std::sync::Arc::new(Int64Array::from(vec![1, 2])) as _)])?;
/// # let mut writer = arrow_ipc::writer::FileWriter::try_new(Vec::new(), batch.schema_ref())?;
/// # writer.write(&batch)?;
/// # let bytes = Bytes::from(writer.into_inner()?);
/// // let bytes = std::fs::File::open("trips.arrow")?;
/// let file = IpcFile::open(bytes, MessageLimits::default())?;
/// assert_eq!(file.record_batches().len(), 1);
/// let batches = IpcSource::from_file(&file)?.into_batches(Default::default())?;
/// assert_eq!(batches.collect::<Result<Vec<_>, _>>()?, [batch]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct IpcFile {
    source: Arc<dyn PositionedRead + Send + Sync>,
    footer: Arc<FileFooter>,
    limits: MessageLimits,
    recycler: Recycler,
}

impl IpcFile {
    /// Reads the footer of a file.
    ///
    /// # Errors
    /// `DataLoss` for a file that is broken, `ResourceExhausted` for one over the limits, `Unimplemented` for one of a
    /// version that is not read or of big-endian data, `Failed` where it cannot be read.
    pub fn open<R>(source: R, limits: MessageLimits) -> Result<Self, FlightError>
    where
        R: PositionedRead + Send + Sync + 'static,
    {
        let recycler = Recycler::default();
        let length = source.length().map_err(unreadable)?;
        let trailer = FileFooter::trailer(length).map_err(broken)?;
        let head = read_range(&source, 0..FileFooter::HEAD as u64, &recycler)?;
        let trailer = read_range(&source, trailer, &recycler)?;
        let range = FileFooter::locate(length, &head, &trailer, &limits).map_err(broken)?;
        let footer = read_range(&source, range.clone(), &recycler)?;
        let footer = FileFooter::read(&footer, range, &limits).map_err(broken)?;
        Ok(Self { source: Arc::new(source), footer: Arc::new(footer), limits, recycler })
    }

    /// The schema.
    pub fn schema(&self) -> &SchemaRef {
        self.footer.schema()
    }

    /// Where the dictionaries are, in the order in which they are to be read.
    pub fn dictionaries(&self) -> &[FileBlock] {
        self.footer.dictionaries()
    }

    /// Where the record batches are.
    pub fn record_batches(&self) -> &[FileBlock] {
        self.footer.record_batches()
    }

    /// Reads the header of a message: a bare flatbuffer, verified.
    ///
    /// # Errors
    /// As [`open`](Self::open) has them.
    pub fn read_header(&self, block: &FileBlock) -> Result<Bytes, FlightError> {
        let header = read_range(&*self.source, block.header(), &self.recycler)?;
        block.bare_header(&header, &self.limits).map_err(broken)
    }

    /// Reads a message, whose header is verified as a flatbuffer and no further.
    ///
    /// # Errors
    /// As [`open`](Self::open) has them.
    pub fn read_message(&self, block: &FileBlock) -> Result<IpcMessage, FlightError> {
        let header = read_range(&*self.source, block.header(), &self.recycler)?;
        let body = read_range(&*self.source, block.body(), &self.recycler)?;
        block.message(&header, body, &self.limits).map_err(broken)
    }

    pub(super) fn limits(&self) -> &MessageLimits {
        &self.limits
    }

    pub(super) fn schema_message(&self) -> IpcMessage {
        IpcMessage { header: self.footer.schema_header().clone(), body: Bytes::new() }
    }

    /// The messages behind the schema, in the order of a stream.
    pub(super) fn into_messages(self) -> impl Iterator<Item = Result<IpcMessage, FlightError>> {
        let blocks = self.footer.dictionaries().len() + self.footer.record_batches().len();
        (0..blocks).map(move |index| {
            let dictionaries = self.footer.dictionaries();
            let block = match dictionaries.get(index) {
                Some(block) => block,
                None => &self.footer.record_batches()[index - dictionaries.len()],
            };
            self.read_message(block)
        })
    }
}

impl std::fmt::Debug for IpcFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IpcFile").field("footer", &self.footer).finish_non_exhaustive()
    }
}
