//! Whether a table that came is the one that was sent.

use anyhow::{Context, Result, ensure};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{Field, Schema};
use peregrine::stream::Table;

/// What came must be what was sent: the schema with its metadata and the order of its dictionaries, the rows in their
/// order, all of it valid. A batch may have come in pieces, but not two of them in one.
///
/// # Errors
/// With the first difference.
pub fn ensure_same(came: &Table, sent: &Table) -> Result<()> {
    ensure_same_schema(&came.schema, &sent.schema)?;
    let mut pieces = came.batches.iter().enumerate();
    for (index, batch) in sent.batches.iter().enumerate() {
        let mut start = 0;
        loop {
            let (at, piece) = pieces.next().with_context(|| format!("batch {index} ends at row {start}"))?;
            ensure!(start + piece.num_rows() <= batch.num_rows(), "batch {at} begins in batch {index} and goes on");
            let sent = batch.slice(start, piece.num_rows());
            ensure_same_rows(piece, &sent)
                .with_context(|| format!("batch {at}, rows of batch {index} from {start}"))?;
            start += piece.num_rows();
            if start == batch.num_rows() {
                break;
            }
            ensure!(piece.num_rows() > 0, "batch {at} has no rows and others follow");
        }
    }
    ensure!(pieces.next().is_none(), "more batches came than were sent");
    Ok(())
}

fn ensure_same_schema(came: &Schema, sent: &Schema) -> Result<()> {
    ensure!(came == sent, "another schema:\n{came:#?}\nand not\n{sent:#?}");
    let is_same_order = ordered_dictionaries(came) == ordered_dictionaries(sent);
    ensure!(is_same_order, "dictionaries with another order: {came:#?}");
    Ok(())
}

/// Which fields of a schema have dictionaries, and whether these are ordered: for arrow, schemas are equal without it.
pub fn ordered_dictionaries(schema: &Schema) -> Vec<Option<bool>> {
    schema.flattened_fields().into_iter().map(Field::dict_is_ordered).collect()
}

fn ensure_same_rows(came: &RecordBatch, sent: &RecordBatch) -> Result<()> {
    ensure_same_schema(came.schema_ref(), sent.schema_ref())?;
    for (index, (came, sent)) in came.columns().iter().zip(sent.columns()).enumerate() {
        let data_type = sent.data_type();
        let (came, sent) = (came.to_data(), sent.to_data());
        came.validate_full().with_context(|| format!("column {index}, {data_type}, is not valid"))?;
        ensure!(came == sent, "column {index}, {data_type}, differs:\n{came:?}\nand not\n{sent:?}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use peregrine_testkit::batches;

    use super::*;

    fn table(batches: Vec<RecordBatch>) -> Table {
        Table::new(batches[0].schema(), batches)
    }

    #[test]
    fn pieces_of_a_batch_are_the_batch_and_nothing_else_is() {
        let batch = batches::int64(10);
        let sent = table(vec![batch.clone(), batch.slice(0, 0), batch.slice(3, 2)]);
        let pieces = |starts: &[(usize, usize)]| {
            let parts = starts.iter().map(|(start, rows)| batch.slice(*start, *rows)).collect();
            ensure_same(&table(parts), &sent).is_ok()
        };
        assert!(pieces(&[(0, 10), (0, 0), (3, 2)]));
        assert!(pieces(&[(0, 9), (9, 1), (0, 0), (3, 1), (4, 1)]));
        assert!(!pieces(&[(0, 10), (3, 2)]), "a batch without rows is missing");
        assert!(!pieces(&[(0, 9), (0, 0), (3, 2)]), "a row is missing");
        assert!(!pieces(&[(0, 10), (0, 0), (3, 1)]), "the last row is missing");
        assert!(!pieces(&[(0, 10), (0, 0), (4, 2)]), "other rows");
        assert!(!pieces(&[(0, 10), (0, 0), (3, 2), (0, 0)]), "one more");
        assert!(!pieces(&[(0, 0), (0, 10), (0, 0), (3, 2)]), "an empty piece of a batch that has rows");
    }
}
