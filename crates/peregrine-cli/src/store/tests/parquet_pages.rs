//! Pages of Parquet files: what writers make is read, what is forged is refused.

use arrow_array::{FixedSizeBinaryArray, Int32Array, StringViewArray};
use parquet::basic::{BrotliLevel, Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion};

use super::*;

fn file_of(batch: &RecordBatch, properties: WriterPropertiesBuilder) -> Vec<u8> {
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties.build())).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

/// Text of many values, with a dictionary turned off.
fn text(encoding: Encoding) -> (RecordBatch, WriterPropertiesBuilder) {
    let text = StringArray::from_iter((0..20_000).map(|i| (i % 9 != 0).then(|| format!("text {}", i / 3))));
    let batch = RecordBatch::try_from_iter_with_nullable([("text", Arc::new(text) as ArrayRef, true)]).unwrap();
    let properties = WriterProperties::builder().set_dictionary_enabled(false).set_encoding(encoding);
    (batch, properties.set_data_page_row_count_limit(20_000))
}

fn assert_reads(bytes: &[u8], batch: &RecordBatch, what: &str) {
    let folder = Folder::new();
    let (schema, batches) = read(&folder.with("a.parquet", bytes));
    assert_eq!(concat_batches(&schema, &batches).unwrap(), *batch, "{what}");
}

fn assert_refused(bytes: &[u8], reason: &str) {
    let error = error_of(&Folder::new().with("a.parquet", bytes));
    assert_eq!(error.kind(), FlightErrorKind::DataLoss, "{error}");
    assert!(error.message().contains(reason) && error.message().contains("flight \"a\""), "{error}");
}

#[test]
fn every_compression_and_page_version_is_read() {
    let batch = batch(0, 3000);
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ];
    for codec in codecs {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            for dictionary in [true, false] {
                let properties = WriterProperties::builder().set_compression(codec).set_writer_version(version);
                let properties = properties.set_dictionary_enabled(dictionary).set_data_page_row_count_limit(500);
                assert_reads(&file_of(&batch, properties), &batch, &format!("{codec} {version:?} {dictionary}"));
            }
        }
    }
}

#[test]
fn every_encoding_of_text_is_read() {
    for encoding in [Encoding::PLAIN, Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY] {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let (batch, properties) = text(encoding);
            let properties = properties.set_writer_version(version).set_compression(Compression::SNAPPY);
            assert_reads(&file_of(&batch, properties), &batch, &format!("{encoding} {version:?}"));
        }
    }
}

#[test]
fn pages_without_values_are_read() {
    let nulls = || StringViewArray::from_iter((0..5).map(|_| None::<&str>));
    let fixed = FixedSizeBinaryArray::try_from_sparse_iter_with_size((0..5).map(|_| None::<[u8; 2]>), 2).unwrap();
    let batch = RecordBatch::try_from_iter([
        ("text", Arc::new(nulls()) as ArrayRef),
        ("fixed", Arc::new(fixed)),
        ("number", Arc::new(Int32Array::from(vec![None; 5]))),
    ])
    .unwrap();
    for encoding in [Encoding::PLAIN, Encoding::DELTA_BYTE_ARRAY] {
        let properties = WriterProperties::builder().set_dictionary_enabled(false);
        let properties = properties.set_column_encoding("text".into(), encoding).set_compression(Compression::SNAPPY);
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let properties = properties.clone().set_writer_version(version);
            assert_reads(&file_of(&batch, properties), &batch, &format!("{encoding} {version:?}"));
        }
    }
}

/// Replaces the first `old` by `new`, which is as long.
fn replace(bytes: &mut [u8], old: &[u8], new: &[u8]) {
    let at = bytes.windows(old.len()).position(|window| window == old).unwrap();
    bytes[at..at + new.len()].copy_from_slice(new);
}

#[test]
fn lengths_that_a_page_does_not_have_are_refused() {
    // Blocks of 128 deltas in four parts; 17777 values that are not null.
    let (lengths, claimed) = ([0x80, 1, 4, 0xf1, 0x8a, 1], [0x80, 1, 4, 0xff, 0xff, 0x7f]);
    for encoding in [Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY] {
        let (batch, properties) = text(encoding);
        let mut bytes = file_of(&batch, properties);
        replace(&mut bytes, &lengths, &claimed);
        assert_refused(&bytes, "claims more values than the page");
    }
    // The second lengths of a page that has two.
    let (batch, properties) = text(Encoding::DELTA_BYTE_ARRAY);
    let mut bytes = file_of(&batch, properties);
    let at = bytes.windows(lengths.len()).rposition(|window| window == lengths).unwrap();
    bytes[at..at + claimed.len()].copy_from_slice(&claimed);
    assert_refused(&bytes, "claims more values than the page");
}

#[test]
fn pages_larger_than_the_limit_are_refused() {
    let (batch, properties) = text(Encoding::PLAIN);
    let mut bytes = file_of(&batch, properties.set_compression(Compression::SNAPPY));
    // The head of the first page begins with its type and its size; the longer number moves the rest, and the chunk's
    // place in the file stays.
    assert_eq!(bytes[4..7], [0x15, 0, 0x15]);
    let size = bytes[7..].iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    bytes.splice(7..7 + size, [0xfe, 0xff, 0xff, 0xff, 0x0f]);
    assert_refused(&bytes, "more than 256 MiB");
}

#[test]
fn a_page_that_becomes_larger_than_it_says_is_refused() {
    let zeros = RecordBatch::try_from_iter([("n", Arc::new(Int32Array::from(vec![0; 16_000])) as ArrayRef)]).unwrap();
    for codec in [Compression::GZIP(GzipLevel::default()), Compression::BROTLI(BrotliLevel::default())] {
        let properties = WriterProperties::builder().set_dictionary_enabled(false).set_compression(codec);
        let mut bytes = file_of(&zeros, properties);
        // 64000 bytes, zigzag; it says four less.
        replace(&mut bytes, &[0x15, 0x80, 0xe8, 0x07], &[0x15, 0xf8, 0xe7, 0x07]);
        assert_refused(&bytes, "does not decompress to the size");
    }
}

#[test]
fn strings_of_unknown_size_come_in_small_batches() {
    let text = StringArray::from_iter_values((0..5000).map(|i| format!("{:01000}", i % 2)));
    let batch = RecordBatch::try_from_iter([("text", Arc::new(text) as ArrayRef)]).unwrap();
    let properties = WriterProperties::builder().set_statistics_enabled(EnabledStatistics::None);
    let folder = Folder::new();
    let (_, batches) = read(&folder.with("a.parquet", &file_of(&batch, properties)));
    assert!(batches.iter().all(|batch| batch.num_rows() <= 1024));
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 5000);
}

#[test]
fn no_changed_byte_of_a_page_ends_the_process() {
    let gzip = Compression::GZIP(GzipLevel::default());
    let brotli = Compression::BROTLI(BrotliLevel::default());
    let folder = Folder::new();
    let batch = batch(0, 60).project(&[1, 4, 5]).unwrap();
    for (codec, encoding) in [
        (Compression::UNCOMPRESSED, Encoding::DELTA_LENGTH_BYTE_ARRAY),
        (Compression::UNCOMPRESSED, Encoding::DELTA_BYTE_ARRAY),
        (gzip, Encoding::PLAIN),
        (brotli, Encoding::PLAIN),
        (Compression::LZ4, Encoding::PLAIN),
    ] {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let properties = WriterProperties::builder().set_compression(codec).set_writer_version(version);
            let properties = properties.set_statistics_enabled(EnabledStatistics::None);
            let properties = match encoding {
                Encoding::PLAIN => properties,
                encoding => properties
                    .set_dictionary_enabled(false)
                    .set_column_encoding("text".into(), encoding)
                    .set_column_encoding("view".into(), encoding),
            };
            let bytes = file_of(&batch, properties);
            let flight = folder.with("a.parquet", &bytes);
            let (mut whole, mut refused) = (0, 0);
            with_each_change(&folder, "a.parquet", &bytes, 1000, || {
                let read = decoded(&flight).and_then(|(_, batches)| batches.collect::<Result<Vec<_>, _>>());
                *if read.is_ok() { &mut whole } else { &mut refused } += 1;
            });
            assert!(whole > 100 && refused > 100, "{codec} {encoding}: {whole} read, {refused} refused");
        }
    }
}
