//! What is in a file of the store, whatever its format.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use peregrine::proto::FlightError;
use peregrine::stream::IpcSource;

/// The batches of a file, each read when it is asked for.
pub(super) type Batches = Box<dyn Iterator<Item = Result<RecordBatch, FlightError>> + Send>;

/// What is in a file, opened.
pub(super) enum Content {
    /// To be encoded: the schema and the batches.
    Batches(SchemaRef, Batches),
    /// To be sent as it is.
    Messages(Box<IpcSource>),
}

/// What a flight is, without its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) schema: SchemaRef,
    pub(crate) totals: Totals,
}

/// How much a flight holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) rows: u64,
    /// The column data's bytes. An Arrow file counts the buffers of its batches and dictionaries, a Parquet file its
    /// columns as they are encoded, before compression. `None` if the file tells only how large they are compressed.
    pub(crate) bytes: Option<u64>,
}

impl Default for Totals {
    fn default() -> Self {
        Self { rows: 0, bytes: Some(0) }
    }
}

impl Totals {
    /// Adds a part. One part whose bytes are not known makes the sum unknown.
    pub(super) fn add(&mut self, part: Self) {
        self.rows = self.rows.saturating_add(part.rows);
        self.bytes = self.bytes.zip(part.bytes).map(|(sum, bytes)| sum.saturating_add(bytes));
    }
}
