//! `IpcBatches`: stored messages decoded.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use peregrine_ipc::{DecodeStats, Decoded, Decoder, Error, FormatProblem, IpcMessage};
use peregrine_proto::FlightError;

use super::errors::{ErrorChange, broken};

/// The messages behind the schema, each read when it is asked for.
pub(super) type StoredMessages = Box<dyn Iterator<Item = Result<IpcMessage, FlightError>> + Send>;

/// The batches of an [`IpcSource`](crate::IpcSource), each read and decoded when it is asked for, which blocks. Behind
/// an error there are none.
pub struct IpcBatches {
    decoder: Decoder,
    schema: SchemaRef,
    messages: Option<StoredMessages>,
    is_file: bool,
    change: ErrorChange,
}

impl IpcBatches {
    pub(super) fn new(
        decoder: Decoder,
        schema: SchemaRef,
        messages: StoredMessages,
        is_file: bool,
        change: ErrorChange,
    ) -> Self {
        Self { decoder, schema, messages: Some(messages), is_file, change }
    }

    /// The schema of the batches, after the projection.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What was decoded so far.
    pub fn stats(&self) -> DecodeStats {
        self.decoder.stats()
    }

    fn read(&mut self) -> Result<Option<RecordBatch>, FlightError> {
        while let Some(message) = self.messages.as_mut().and_then(Iterator::next) {
            let message = message?;
            let decoded = self.decoder.decode(&message.header, message.body).map_err(broken)?;
            if self.is_file && self.decoder.stats().num_replaced_dictionaries > 0 {
                return Err(broken(Error::Format { problem: FormatProblem::ReplacedDictionary { id: None } }));
            }
            if let Decoded::RecordBatch(batch) = decoded {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }
}

impl Iterator for IpcBatches {
    type Item = Result<RecordBatch, FlightError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.read().map_err(&self.change);
        if !matches!(batch, Ok(Some(_))) {
            self.messages = None;
        }
        batch.transpose()
    }
}

impl std::fmt::Debug for IpcBatches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IpcBatches").field("schema", &self.schema).finish_non_exhaustive()
    }
}
