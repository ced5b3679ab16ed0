//! `FlightStreamChunk`: what one message of a data stream carries.

use arrow_array::RecordBatch;
use bytes::Bytes;

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
    /// The application's bytes; `None` if there are none, which the wire does not distinguish from empty ones.
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
