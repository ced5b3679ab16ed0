//! The files of the official round trip: tables as JSON, in the format that the integration tests of all
//! implementations of Arrow share.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow_integration_test::{ArrowJson, schema_from_json};
use flate2::read::GzDecoder;
use peregrine::stream::Table;
use serde_json::Value;

use crate::json_dialect::modernize;

/// Reads a file; one whose name ends in `.gz` is decompressed.
///
/// # Errors
/// A file that cannot be read, one that is no JSON or does not have the parts of the format, and a type that
/// `arrow-integration-test` does not have.
///
/// # Panics
/// On values that do not belong to their type, as `arrow-integration-test` does: the files are those of the project.
pub fn read_json_file(path: &Path) -> Result<Table> {
    read(path).with_context(|| format!("reading {}", path.display()))
}

fn read(path: &Path) -> Result<Table> {
    let file = BufReader::new(File::open(path)?);
    let file: Box<dyn Read> = match path.extension().is_some_and(|extension| extension == "gz") {
        true => Box::new(GzDecoder::new(file)),
        false => Box::new(file),
    };
    from_json(serde_json::from_reader(file)?)
}

/// The table that a file describes, be it in the words of today or of an older writer.
pub(crate) fn from_json(mut json: Value) -> Result<Table> {
    modernize(&mut json);
    // What reads the batches keeps the schema to itself, and there need not be a batch.
    let schema = schema_from_json(json.get("schema").context("the file has no schema")?)?;
    let batches = serde_json::from_value::<ArrowJson>(json)?.get_record_batches()?;
    Ok(Table::new(Arc::new(schema), batches))
}
