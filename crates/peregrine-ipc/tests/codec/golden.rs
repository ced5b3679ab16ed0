//! Streams and files that other implementations wrote, where they lie beside the project. They are not part of it:
//! without them there is nothing to do.

use std::fs;
use std::path::PathBuf;

use arrow_array::{Array, RecordBatch};
use arrow_ipc::reader::StreamReader;
use bytes::Bytes;
use peregrine_ipc::{CompressionCodec, IpcWriteOptions, MetadataVersion};

use crate::framing::{decode, encode, file_messages, messages, parts};

/// The files below a folder of the data, or nothing and a word about it.
pub(crate) fn files(folder: &str, endings: &[&str]) -> Vec<(PathBuf, Bytes)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/arrow-ipc").join(folder);
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| endings.iter().any(|e| ending == *e)) {
                files.push((path.clone(), Bytes::from(fs::read(path).unwrap())));
            }
        }
    }
    if files.is_empty() {
        println!("skipped: no data in {}", root.display());
    }
    files.sort();
    files
}

/// Writes batches and reads them again, with each codec and as version 4 with deltas.
fn assert_again(batches: &[RecordBatch], name: &str) {
    let plain = IpcWriteOptions::default();
    let lz4 = plain.clone().with_compression(CompressionCodec::Lz4);
    let zstd = plain.clone().with_compression(CompressionCodec::Zstd);
    let old = plain.clone().with_metadata_version(MetadataVersion::V4).with_dictionary_deltas(true);
    for options in [plain, lz4, zstd, old] {
        assert_eq!(decode(&parts(&encode(batches, options))).unwrap(), batches, "{name}");
    }
}

#[test]
fn golden_streams_are_read_as_arrow_reads_them() {
    for (path, bytes) in files("golden", &["stream"]) {
        let name = path.display().to_string();
        let batches = decode(&messages(&bytes)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected = StreamReader::try_new(&bytes[..], None).unwrap().map(Result::unwrap).collect::<Vec<_>>();
        assert_eq!(batches, expected, "{name}");
        for column in batches.iter().flat_map(RecordBatch::columns) {
            column.to_data().validate_full().unwrap();
        }
        if !batches.is_empty() {
            assert_again(&batches, &name);
        }
    }
}

#[test]
fn golden_files_have_the_batches_of_their_streams() {
    for (path, bytes) in files("golden", &["arrow_file"]) {
        let name = path.display().to_string();
        if name.contains("map_non_canonical") {
            // C++ wrote other names into the stream than into the file.
            continue;
        }
        let stream = Bytes::from(fs::read(path.with_extension("stream")).unwrap());
        let batches = decode(&messages(&stream)).unwrap();
        assert_eq!(decode(&file_messages(&bytes)).unwrap(), batches, "{name}");
        // A file is a stream between its magic and its footer.
        assert_eq!(decode(&messages(&bytes.slice(8..))).unwrap(), batches, "{name}");
    }
}
