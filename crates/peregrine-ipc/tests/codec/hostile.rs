//! Streams that once broke other readers, where they lie beside the project.

use arrow_array::Array;
use peregrine_ipc::Decoded;

use crate::framing::{decoder, messages};
use crate::golden::files;

#[test]
fn hostile_streams_end_in_errors_or_in_valid_batches() {
    for (path, bytes) in files("hostile", &["bin"]) {
        let mut decoder = decoder();
        for (header, body) in messages(&bytes) {
            match decoder.decode(&header, body) {
                Ok(Decoded::RecordBatch(batch)) => {
                    for column in batch.columns() {
                        column.to_data().validate_full().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                    }
                }
                Ok(_) => {}
                Err(error) => println!("{}: {error}", path.file_name().unwrap_or_default().display()),
            }
        }
    }
}
