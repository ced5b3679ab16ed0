//! The batch that every peer of the bench sends.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};

/// Four columns of eight bytes.
pub const BYTES_PER_ROW: usize = 32;

/// A batch of four int64 columns without nulls.
pub fn columns(rows: usize) -> RecordBatch {
    let fields: Vec<Field> = (0..4).map(|column| Field::new(format!("c{column}"), DataType::Int64, false)).collect();
    let array = |column| Int64Array::from_iter_values((0..rows as i64).map(|row| row * 31 + column));
    let arrays = (0..4).map(|column| Arc::new(array(column)) as ArrayRef).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("four columns of one length and type")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_bytes_that_figures_are_computed_with() {
        let batch = columns(1024);
        let bytes: usize = batch.columns().iter().map(|column| column.to_data().buffers()[0].len()).sum();
        assert_eq!(bytes, 1024 * BYTES_PER_ROW);
    }
}
