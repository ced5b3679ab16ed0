//! The store against folders of real, broken and forged files.

mod parquet_pages;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BinaryViewArray, DictionaryArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
    StructArray, TimestampMicrosecondArray,
};
use arrow_ipc::writer::{DictionaryHandling, FileWriter, IpcWriteOptions};
use arrow_ipc::{Block, CompressionType, FooterBuilder, MetadataVersion};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use flatbuffers::FlatBufferBuilder;
use parquet::arrow::ArrowWriter;
use peregrine::proto::{FlightError, FlightErrorKind};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::content::Content;
use super::flight::FlightContent;
use super::positioned::PositionedFile;
use super::{Store, StoredFlight, arrow_file, parquet_schema};

/// A folder that is served.
struct Folder {
    folder: tempfile::TempDir,
    store: Store,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        Self { folder, store }
    }

    fn path(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    /// Puts a file there and answers its flight.
    fn with(&self, file: &str, bytes: &[u8]) -> StoredFlight {
        fs::write(self.path(file), bytes).unwrap();
        self.store.flight(file.rsplit_once('.').unwrap().0).unwrap()
    }

    fn names(&self) -> Vec<String> {
        self.store.flights().unwrap().iter().map(|flight| flight.name().to_owned()).collect()
    }
}

/// Rows of several types, with nulls.
fn batch(first: i64, rows: i64) -> RecordBatch {
    let ids = first..first + rows;
    let names = || ids.clone().map(|i| (i % 7 != 0).then(|| format!("name {}", i % 13)));
    let values = ids.clone().map(|i| (i % 3 != 0).then_some(i as f64 / 2.0));
    let lists = ids.clone().map(|i| (i % 5 != 0).then(|| (0..i % 4).map(|j| Some(j as i32)).collect::<Vec<_>>()));
    let views = ids.clone().map(|i| (i % 2 == 0).then(|| format!("bytes longer than twelve {i}").into_bytes()));
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(ids.clone()));
    let text: ArrayRef = Arc::new(StringArray::from_iter(names()));
    let both = vec![Field::new("id", DataType::Int64, false), Field::new("text", DataType::Utf8, true)].into();
    RecordBatch::try_from_iter_with_nullable([
        ("id", id.clone(), false),
        ("text", text.clone(), true),
        ("value", Arc::new(values.collect::<Float64Array>()), true),
        ("time", Arc::new(ids.map(Some).collect::<TimestampMicrosecondArray>().with_timezone("UTC")), true),
        ("list", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists)), true),
        ("view", Arc::new(views.collect::<BinaryViewArray>()), true),
        ("both", Arc::new(StructArray::new(both, vec![id, text], None)), true),
    ])
    .unwrap()
}

/// Two batches of a dictionary column, the second with a value more.
fn dictionaries() -> Vec<RecordBatch> {
    let values = ["a", "b", "c"];
    let batch = |known: usize, keys: Vec<Option<i32>>| {
        let values = Arc::new(StringArray::from(values[..known].to_vec()));
        let column = DictionaryArray::<Int32Type>::new(keys.into(), values);
        RecordBatch::try_from_iter([("letter", Arc::new(column) as ArrayRef)]).unwrap()
    };
    vec![batch(2, vec![Some(0), None, Some(1)]), batch(3, vec![Some(2), Some(0)])]
}

fn arrow_bytes(batches: &[RecordBatch], compression: Option<CompressionType>) -> Vec<u8> {
    let options = IpcWriteOptions::default().with_dictionary_handling(DictionaryHandling::Delta);
    let options = options.try_with_compression(compression).unwrap();
    let mut writer = FileWriter::try_new_with_options(Vec::new(), batches[0].schema_ref(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.into_inner().unwrap()
}

fn parquet_bytes(batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = ArrowWriter::try_new(Vec::new(), batches[0].schema(), None).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
        writer.flush().unwrap();
    }
    writer.into_inner().unwrap()
}

type Decoded = Box<dyn Iterator<Item = Result<RecordBatch, FlightError>>>;

/// The batches of a flight, however it is sent.
fn decoded(flight: &StoredFlight) -> Result<(SchemaRef, Decoded), FlightError> {
    Ok(match flight.read()? {
        FlightContent::Batches(batches) => (batches.schema().clone(), Box::new(batches)),
        FlightContent::Messages(messages) => {
            (messages.schema().clone(), Box::new(messages.into_batches(Default::default())?))
        }
    })
}

fn read(flight: &StoredFlight) -> (SchemaRef, Vec<RecordBatch>) {
    let (schema, batches) = decoded(flight).unwrap();
    (schema, batches.map(|batch| batch.unwrap()).collect())
}

/// The first error that describing or reading the flight gives.
fn error_of(flight: &StoredFlight) -> FlightError {
    let read = || decoded(flight).and_then(|(_, mut batches)| batches.find_map(Result::err).map_or(Ok(()), Err));
    flight.describe().map(drop).and_then(|()| read()).unwrap_err()
}

#[test]
fn an_arrow_file_reads_as_it_was_written() {
    let written = [batch(0, 100), batch(100, 0), batch(100, 50)];
    let folder = Folder::new();
    for (compression, bytes_known) in
        [(None, true), (Some(CompressionType::LZ4_FRAME), false), (Some(CompressionType::ZSTD), false)]
    {
        let flight = folder.with("in/a.arrow", &arrow_bytes(&written, compression));
        let description = flight.describe().unwrap();
        assert_eq!(description.schema, written[0].schema());
        assert_eq!(description.totals.rows, 150);
        assert_eq!(description.totals.bytes.is_some(), bytes_known);
        assert_eq!(read(&flight), (written[0].schema(), written.to_vec()));
    }
}

#[test]
fn an_arrow_file_is_sent_as_it_is_unless_a_batch_is_to_be_cut() {
    let folder = Folder::new();
    let wide = |rows: usize| {
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows as i64));
        RecordBatch::try_from_iter([("n", values)]).unwrap()
    };
    let small = folder.with("small.feather", &arrow_bytes(&[wide(100_000), wide(400_000)], None));
    assert!(matches!(small.read().unwrap(), FlightContent::Messages(_)));
    let written = [wide(1), wide(600_000)];
    let large = folder.with("large.arrow", &arrow_bytes(&written, None));
    assert!(matches!(large.read().unwrap(), FlightContent::Batches(_)));
    assert_eq!(read(&large).1, written);
}

#[test]
fn the_bytes_of_an_arrow_file_are_those_of_its_buffers() {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter([None, Some(1), Some(2)]));
    let batch = RecordBatch::try_from_iter([("id", ids)]).unwrap();
    let folder = Folder::new();
    let flight = folder.with("a.arrow", &arrow_bytes(&[batch.clone(), batch], None));
    assert_eq!(flight.describe().unwrap().totals.bytes, Some(2 * (3 * 8 + 1)), "no padding");
}

#[test]
fn dictionaries_of_an_arrow_file_may_grow() {
    let written = dictionaries();
    let folder = Folder::new();
    let flight = folder.with("a.arrow", &arrow_bytes(&written, None));
    assert_eq!(flight.describe().unwrap().totals.rows, 5);
    let (schema, batches) = read(&flight);
    assert_eq!(schema, written[0].schema());
    // All dictionaries are read first, so each batch has the last one.
    let column = |batches: &[RecordBatch]| -> Vec<Option<String>> {
        let arrays = batches.iter().map(|batch| arrow_cast::cast(batch.column(0), &DataType::Utf8).unwrap());
        let text = |array: ArrayRef| {
            let array = arrow_array::cast::AsArray::as_string::<i32>(&array).clone();
            array.iter().map(|value| value.map(str::to_owned)).collect::<Vec<_>>()
        };
        arrays.flat_map(text).collect()
    };
    assert_eq!(column(&batches), column(&written));
}

#[test]
fn a_parquet_file_reads_as_it_was_written() {
    let written = [batch(0, 20_000), batch(20_000, 5)];
    let metadata = HashMap::from([("made by".to_owned(), "hand".to_owned())]);
    let schema = Arc::new(Schema::clone(&written[0].schema()).with_metadata(metadata));
    let written = written.map(|batch| batch.with_schema(schema.clone()).unwrap());
    let folder = Folder::new();
    let flight = folder.with("a.parquet", &parquet_bytes(&written));
    let description = flight.describe().unwrap();
    assert_eq!(description.schema, schema);
    assert_eq!(description.totals.rows, 20_005);
    assert!(description.totals.bytes.unwrap() > 20_005 * 8);
    let (read_schema, batches) = read(&flight);
    assert_eq!(read_schema, schema);
    assert!(batches.iter().all(|batch| batch.num_rows() <= 8192 && batch.schema() == schema));
    assert_eq!(concat_batches(&schema, &batches).unwrap(), concat_batches(&schema, &written).unwrap());
}

#[test]
fn wide_rows_come_in_small_batches() {
    let wide = StringArray::from_iter_values((0..128).map(|i| format!("{i:050000}")));
    let batch = RecordBatch::try_from_iter([("wide", Arc::new(wide) as ArrayRef)]).unwrap();
    let folder = Folder::new();
    let (_, batches) = read(&folder.with("a.parquet", &parquet_bytes(&[batch])));
    assert!(batches.iter().all(|batch| batch.num_rows() <= (4 << 20) / 50_000), "4 MiB at most");
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 128);
}

#[test]
fn a_file_without_rows_is_a_flight() {
    let empty = batch(0, 0);
    let folder = Folder::new();
    for (file, bytes) in [
        ("a.arrow", arrow_bytes(std::slice::from_ref(&empty), None)),
        ("b.parquet", parquet_bytes(std::slice::from_ref(&empty))),
    ] {
        let flight = folder.with(file, &bytes);
        assert_eq!(flight.describe().unwrap().totals.rows, 0);
        let (schema, batches) = read(&flight);
        assert_eq!(schema, empty.schema());
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
    }
}

#[test]
fn the_folder_is_read_anew() {
    let folder = Folder::new();
    assert!(folder.names().is_empty());
    let flight = folder.with("a.parquet", &parquet_bytes(&[batch(0, 3)]));
    assert_eq!(folder.names(), ["a"]);
    folder.with("b.arrow", b"");
    assert_eq!(folder.names(), ["a", "b"]);
    fs::remove_file(folder.path("a.parquet")).unwrap();
    assert_eq!(folder.names(), ["b"]);
    assert_eq!(folder.store.flight("a").unwrap_err().kind(), FlightErrorKind::NotFound);
    assert_eq!(flight.describe().unwrap_err().kind(), FlightErrorKind::NotFound, "it was listed before");
}

#[test]
fn names_are_not_paths() {
    let folder = Folder::new();
    folder.with("in/a.parquet", &parquet_bytes(&[batch(0, 3)]));
    let store = Store::open(&folder.path("in")).unwrap();
    folder.with("b.parquet", b"");
    let absolute = folder.path("b").to_string_lossy().into_owned();
    for name in ["../b", "./a", "/a", "a/", "a/../a", "..", "", "A", "a.parquet", "a\0", &absolute] {
        assert_eq!(store.flight(name).unwrap_err().kind(), FlightErrorKind::NotFound, "{name:?}");
    }
    assert!(store.flight("a").is_ok());
}

#[test]
fn a_broken_file_is_its_own_flights_error() {
    let (arrow, parquet) = (arrow_bytes(&[batch(0, 9)], None), parquet_bytes(&[batch(0, 9)]));
    let folder = Folder::new();
    let broken: &[(&str, &[u8])] = &[
        ("empty.arrow", b""),
        ("empty.parquet", b""),
        ("text.arrow", b"this is not an Arrow file at all, is it?"),
        ("text.parquet", b"this is not a Parquet file at all, is it?"),
        ("magic.arrow", b"ARROW1ARROW1ARROW1"),
        ("magic.parquet", b"PAR1PAR1PAR1"),
        ("other.arrow", &parquet),
        ("other.parquet", &arrow),
        ("cut.arrow", &arrow[..arrow.len() - 1]),
        ("cut.parquet", &parquet[..parquet.len() - 1]),
        ("short.arrow", &arrow[arrow.len() - 100..]),
    ];
    for (file, bytes) in broken {
        let flight = folder.with(file, bytes);
        let error = error_of(&flight);
        assert_eq!(error.kind(), FlightErrorKind::DataLoss, "{file}: {error}");
        assert!(error.message().contains(&format!("flight {:?}", flight.name())), "{error}");
        assert!(!error.message().contains(folder.folder.path().to_str().unwrap()), "no paths for clients: {error}");
        fs::remove_file(folder.path(file)).unwrap();
    }
}

/// An Arrow file whose footer says this about the places of its messages.
fn arrow_with_footer(dictionaries: &[Block], batches: &[Block], footer_length: Option<i32>) -> Vec<u8> {
    let mut file = arrow_bytes(&[batch(0, 4)], None);
    let length = i32::from_le_bytes(file[file.len() - 10..file.len() - 6].try_into().unwrap());
    file.truncate(file.len() - 10 - length as usize);
    let mut builder = FlatBufferBuilder::new();
    let (dictionaries, batches) = (builder.create_vector(dictionaries), builder.create_vector(batches));
    let schema = arrow_ipc::convert::IpcSchemaEncoder::new().schema_to_fb_offset(&mut builder, &batch(0, 0).schema());
    let mut footer = FooterBuilder::new(&mut builder);
    footer.add_version(MetadataVersion::V5);
    footer.add_schema(schema);
    footer.add_dictionaries(dictionaries);
    footer.add_recordBatches(batches);
    let footer = footer.finish();
    builder.finish(footer, None);
    file.extend(builder.finished_data());
    let length = footer_length.unwrap_or(builder.finished_data().len() as i32);
    file.extend(length.to_le_bytes());
    file.extend(b"ARROW1");
    file
}

#[test]
fn forged_places_of_messages_are_refused() {
    let folder = Folder::new();
    let whole = arrow_bytes(&[batch(0, 4)], None);
    let real = folder.with("real.arrow", &whole);
    assert_eq!(read(&real).1, [batch(0, 4)]);
    let forged = [
        vec![Block::new(i64::MAX, 8, 8)],
        vec![Block::new(-8, 8, 8)],
        vec![Block::new(0, 8, 8)],
        vec![Block::new(8, -1, 8)],
        vec![Block::new(8, 8, -1)],
        vec![Block::new(8, 8, i64::MAX)],
        vec![Block::new(8, i32::MAX, 8)],
        vec![Block::new(8, 8, whole.len() as i64)],
        vec![Block::new(8, 0, 0)],
        vec![Block::new(8, 8, 64); 1000],
        vec![Block::new(16, 8, 0)],
    ];
    for blocks in forged {
        for (dictionaries, batches) in [(&blocks[..], &[][..]), (&[], &blocks)] {
            let flight = folder.with("forged.arrow", &arrow_with_footer(dictionaries, batches, None));
            let error = error_of(&flight);
            assert_eq!(error.kind(), FlightErrorKind::DataLoss, "{:?}: {error}", blocks[0]);
        }
    }
    for length in [i32::MIN, -1, 0, 1, 7, i32::MAX] {
        let flight = folder.with("forged.arrow", &arrow_with_footer(&[], &[], Some(length)));
        assert_eq!(error_of(&flight).kind(), FlightErrorKind::DataLoss, "a footer of {length} bytes");
    }
}

fn open(folder: &Folder, file: &str) -> PositionedFile {
    PositionedFile::open(&folder.path(file)).unwrap()
}

/// Changes one byte of a file at a time, calls `use_it`, and changes it back.
fn with_each_change(folder: &Folder, name: &str, bytes: &[u8], changes: usize, mut use_it: impl FnMut()) {
    let mut random = StdRng::seed_from_u64(1);
    let mut file = File::create(folder.path(name)).unwrap();
    file.write_all(bytes).unwrap();
    for _ in 0..changes {
        let at = random.random_range(0..bytes.len());
        let byte = bytes[at] ^ random.random_range(1..=255_u8);
        file.write_all_at(&[byte], at as u64).unwrap();
        use_it();
        file.write_all_at(&bytes[at..=at], at as u64).unwrap();
    }
}

#[test]
fn no_changed_byte_of_an_arrow_file_panics() {
    let folder = Folder::new();
    let plain = arrow_bytes(&[batch(0, 20), batch(20, 3)], None);
    let compressed = arrow_bytes(&[batch(0, 20)], Some(CompressionType::LZ4_FRAME));
    let grown = arrow_bytes(&dictionaries(), None);
    let (mut whole, mut refused) = (0, 0);
    for bytes in [plain, compressed, grown] {
        with_each_change(&folder, "a.arrow", &bytes, 2000, || {
            // Past the flight, which would make an error of a panic.
            let file = open(&folder, "a.arrow");
            let _ = arrow_file::describe(file.clone());
            let read = arrow_file::read(file).and_then(|content| match content {
                Content::Messages(messages) => {
                    messages.into_batches(Default::default())?.collect::<Result<Vec<_>, _>>()
                }
                Content::Batches(..) => panic!("its batches are small"),
            });
            match read {
                Ok(_) => whole += 1,
                Err(_) => refused += 1,
            }
        });
    }
    assert!(whole > 100 && refused > 100, "{whole} read, {refused} refused");
}

#[test]
fn no_changed_byte_of_a_parquet_file_ends_the_process() {
    let folder = Folder::new();
    let bytes = parquet_bytes(&[batch(0, 20), batch(20, 3)]);
    let flight = folder.with("a.parquet", &bytes);
    let mut refused = 0;
    with_each_change(&folder, "a.parquet", &bytes, 1000, || {
        let described = flight.describe().is_ok();
        let read = decoded(&flight).and_then(|(_, batches)| batches.collect::<Result<Vec<_>, _>>());
        refused += usize::from(!described || read.is_err());
    });
    assert!(refused > 100, "{refused} refused");
}

#[test]
fn a_parquet_schema_that_nests_without_end_does_not_overflow_the_stack() {
    let footer = parquet_schema::tests::nested(100_000);
    let length = (footer.len() as u32).to_le_bytes();
    let folder = Folder::new();
    let flight = folder.with("deep.parquet", &[b"PAR1", &footer[..], &length, b"PAR1"].concat());
    let error = error_of(&flight);
    assert_eq!(error.kind(), FlightErrorKind::DataLoss);
    assert!(error.message().contains("nests deeper"), "{error}");
}

#[test]
fn a_record_batch_larger_than_the_limit_is_refused() {
    let (folder, size) = (Folder::new(), 300 << 20);
    let bytes = arrow_with_footer(&[], &[Block::new(8, 8, size)], None);
    // A hole in front of the footer, so that the batch lies inside the file.
    let file = File::create(folder.path("large.arrow")).unwrap();
    file.write_all_at(&bytes[..8], 0).unwrap();
    file.write_all_at(&bytes[8..], size as u64 + 16).unwrap();
    let error = error_of(&folder.store.flight("large").unwrap());
    assert_eq!(error.kind(), FlightErrorKind::ResourceExhausted, "{error}");
}
