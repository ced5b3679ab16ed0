//! `Table`: what a data stream gives that is read to its end.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use peregrine_proto::FlightError;

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
