//! What one message of a data stream carries, and what a whole stream read to its end gives.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use bytes::Bytes;
use peregrine_proto::FlightError;

/// One message of a data stream: a batch, the application's bytes, or both.
///
/// ```
/// use peregrine_stream::FlightStreamChunk;
///
/// let chunk = FlightStreamChunk::metadata(&b"17 rows so far"[..]);
/// assert!(chunk.data.is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FlightStreamChunk {
    /// The batch; `None` in a message that carries metadata alone.
    pub data: Option<RecordBatch>,
    /// The application's bytes; `None` if there are none, which the wire does not tell from empty ones.
    pub app_metadata: Option<Bytes>,
}

impl FlightStreamChunk {
    /// A batch without metadata.
    pub fn batch(data: RecordBatch) -> Self {
        Self { data: Some(data), app_metadata: None }
    }

    /// Metadata without a batch.
    pub fn metadata(app_metadata: impl Into<Bytes>) -> Self {
        Self { data: None, app_metadata: Some(app_metadata.into()) }
    }

    /// A batch with metadata.
    pub fn with_metadata(data: RecordBatch, app_metadata: impl Into<Bytes>) -> Self {
        Self { data: Some(data), app_metadata: Some(app_metadata.into()) }
    }
}

impl From<RecordBatch> for FlightStreamChunk {
    fn from(data: RecordBatch) -> Self {
        Self::batch(data)
    }
}

/// All batches of a stream and their schema.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Table {
    /// The schema that the stream began with.
    pub schema: SchemaRef,
    /// The batches in their order. A sender may have cut one batch in several.
    pub batches: Vec<RecordBatch>,
}

impl Table {
    /// A table of batches that all have the schema.
    pub fn new(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Self { schema, batches }
    }

    /// The rows of all batches together.
    pub fn num_rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// All rows as one batch, copied; an empty batch if there are none.
    ///
    /// # Errors
    /// Where arrow cannot concatenate, as for strings of over 2 GiB together.
    pub fn to_batch(&self) -> Result<RecordBatch, FlightError> {
        Ok(concat_batches(&self.schema, &self.batches)?)
    }
}
