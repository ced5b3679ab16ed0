//! Measures the message that a range of rows would make, by the walk that writes it.

use arrow_buffer::Buffer;
use arrow_data::ArrayData;
use peregrine_proto::MetadataVersion;

use super::rows::Rows;
use super::sink::Sink;
use super::walk::walk;
use crate::compression::LENGTH_PREFIX;
use crate::message::padded;

/// What a header has beside its vectors: the tables, their vtables, the vectors' lengths and the padding between.
const HEADER_FIXED: usize = 160;

/// What the codec takes in the metadata of version 4.
const OLD_CODEC: usize = 96;

/// The bytes of header and body for `rows` of `columns`: exact for the body, and less than a hundred bytes over for the
/// header.
///
/// With compression it is an upper bound: a buffer that would not shrink is stored behind a prefix.
pub(super) fn message_size(columns: &[ArrayData], rows: Rows, compressed: bool, version: MetadataVersion) -> usize {
    let old_codec = if compressed && version == MetadataVersion::V4 { OLD_CODEC } else { 0 };
    let prefix = if compressed { LENGTH_PREFIX } else { 0 };
    let mut measure = Measure { size: HEADER_FIXED + old_codec, prefix, version };
    columns.iter().for_each(|column| walk(column, rows, &mut measure));
    measure.size
}

struct Measure {
    size: usize,
    prefix: usize,
    version: MetadataVersion,
}

impl Measure {
    fn buffer(&mut self, length: usize) {
        self.size += size_of::<arrow_ipc::Buffer>();
        if length > 0 {
            self.size += padded(length + self.prefix);
        }
    }
}

impl Sink for Measure {
    fn node(&mut self, _rows: usize, _nulls: usize) {
        self.size += size_of::<arrow_ipc::FieldNode>();
    }

    fn share(&mut self, _buffer: &Buffer, _start: usize, length: usize) {
        self.buffer(length);
    }

    fn make(&mut self, length: usize, _make: impl FnOnce() -> Buffer) {
        self.buffer(length);
    }

    fn variadic(&mut self, _buffers: usize) {
        self.size += size_of::<i64>();
    }

    fn old_validity(&mut self) {
        if self.version == MetadataVersion::V4 {
            self.absent();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Array, ArrayRef, Int32RunArray, Int64Array, RecordBatch, StringArray, StringViewArray};

    use super::*;
    use crate::{CompressionCodec, Encoder, IpcWriteOptions};

    fn batch(columns: usize) -> RecordBatch {
        let word = |n: usize| Some(format!("a view of more bytes {n}"));
        let column = |index: usize| -> ArrayRef {
            match index % 4 {
                0 => Arc::new((0..100).map(|n| (n % 7 != 0).then_some(n)).collect::<Int64Array>()),
                1 => Arc::new((0..100).map(word).collect::<StringArray>()),
                2 => Arc::new((0..100).map(word).collect::<StringViewArray>()),
                _ => Arc::new((0..100).map(|n| if n < 50 { "a" } else { "b" }).collect::<Int32RunArray>()),
            }
        };
        RecordBatch::try_from_iter((0..columns).map(|index| (format!("c{index}"), column(index)))).unwrap()
    }

    fn sizes(columns: usize, options: IpcWriteOptions) -> (usize, usize) {
        let batch = batch(columns);
        let data: Vec<ArrayData> = batch.columns().iter().map(|column| column.to_data()).collect();
        let rows = Rows { start: 0, count: 100 };
        let measured = message_size(&data, rows, options.compression.is_some(), options.metadata_version);
        let mut messages = Vec::new();
        Encoder::new(batch.schema(), options).unwrap().encode(&batch, &mut messages).unwrap();
        (measured, messages[0].encoded_size())
    }

    #[test]
    fn measured_is_what_is_written_and_a_few_words() {
        for version in [MetadataVersion::V4, MetadataVersion::V5] {
            let plain = IpcWriteOptions::default().with_metadata_version(version);
            for columns in [1, 2, 3, 4, 10, 100] {
                let (measured, written) = sizes(columns, plain.clone());
                assert!((written..written + 100).contains(&measured), "{columns}: {measured} for {written}");
                for codec in [CompressionCodec::Lz4, CompressionCodec::Zstd] {
                    let (measured, written) = sizes(columns, plain.clone().with_compression(codec));
                    assert!(measured >= written, "{columns} {codec}: {measured} for {written}");
                }
            }
        }
    }

    #[test]
    fn the_codec_of_version_4_has_its_room() {
        let empty = RecordBatch::new_empty(Arc::new(arrow_schema::Schema::empty()));
        for codec in [CompressionCodec::Lz4, CompressionCodec::Zstd] {
            let version = MetadataVersion::V4;
            let options = IpcWriteOptions::default().with_metadata_version(version).with_compression(codec);
            let mut messages = Vec::new();
            Encoder::new(empty.schema(), options).unwrap().encode(&empty, &mut messages).unwrap();
            let measured = message_size(&[], Rows { start: 0, count: 0 }, true, version);
            let written = messages[0].encoded_size();
            assert!((written..written + 100).contains(&measured), "{measured} for {written}");
        }
    }
}
