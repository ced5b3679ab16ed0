//! The first rows of a download, as a table.

use anyhow::Result;
use arrow_array::RecordBatch;
use arrow_cast::pretty::pretty_format_batches_with_schema;
use arrow_schema::SchemaRef;

use crate::terminal::printable;

/// Gathers the first rows of a stream.
pub(crate) struct FirstRows {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    wanted: usize,
    rows: usize,
    more: bool,
}

impl FirstRows {
    /// Takes up to `wanted` rows of this schema.
    pub(crate) fn new(schema: SchemaRef, wanted: usize) -> Self {
        Self { schema, batches: Vec::new(), wanted, rows: 0, more: false }
    }

    /// Adds a batch. Answers whether it is known by now that the stream has more rows than are wanted.
    pub(crate) fn add(&mut self, batch: &RecordBatch) -> bool {
        let taken = batch.num_rows().min(self.wanted - self.rows);
        self.more |= taken < batch.num_rows();
        if taken > 0 {
            self.rows += taken;
            self.batches.push(batch.slice(0, taken));
        }
        self.more
    }

    /// The table, and below it how many rows it has and whether these are all.
    pub(crate) fn render(&self) -> Result<String> {
        let table = pretty_format_batches_with_schema(self.schema.clone(), &self.batches)?;
        let below = match (self.rows, self.more) {
            (rows, true) => format!("the first {rows} rows; there are more"),
            (1, false) => "1 row in all".to_owned(),
            (rows, false) => format!("{rows} rows in all"),
        };
        Ok(format!("{}\n{below}\n", printable(&table.to_string())))
    }
}
