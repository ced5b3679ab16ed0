//! Random tables over all types: what goes in comes out with any options, cut or whole; and what a message may weigh.

use arrow_array::{Array, RecordBatch, RecordBatchOptions, make_array};
use arrow_data::transform::MutableArrayData;
use integration_tests::ensure_same;
use peregrine::ipc::{CompressionCodec, EncodedMessage, Encoder, IpcWriteOptions, MessageKind, MetadataVersion};
use peregrine::stream::Table;
use peregrine_testkit::random::RandomBatches;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::framing::{decode_with, decoder, encode, parts};

/// Every combination of options in turn, with a target of any scale.
fn options(seed: u64) -> IpcWriteOptions {
    let mut options = IpcWriteOptions::default().with_dictionary_deltas(seed.is_multiple_of(2));
    if seed / 2 % 2 == 1 {
        options = options.with_metadata_version(MetadataVersion::V4);
    }
    options = match seed / 4 % 3 {
        0 => options.with_compression(CompressionCodec::Lz4),
        1 => options.with_compression(CompressionCodec::Zstd),
        _ => options,
    };
    let mut random = StdRng::seed_from_u64(seed);
    match seed / 12 % 4 {
        0 => options,
        scale => options.with_target_message_size(random.random_range(0..[0, 1000, 5000, 50_000][scale as usize])),
    }
}

/// The messages of a table, cut where the options say so.
fn messages(table: &Table, options: IpcWriteOptions) -> Vec<EncodedMessage> {
    let mut encoder = Encoder::new(table.schema.clone(), options).unwrap();
    let mut messages = vec![encoder.schema_message()];
    for batch in &table.batches {
        let mut pieces = encoder.pieces(batch).unwrap();
        while encoder.encode_piece(&mut pieces, &mut messages).unwrap() {}
    }
    messages
}

fn rows(message: &EncodedMessage) -> i64 {
    arrow_ipc::root_as_message(&message.header).unwrap().header_as_record_batch().unwrap().length()
}

#[test]
fn random_tables_come_back_equal_with_any_options_and_under_any_target() {
    let (mut cut, mut dictionaries) = (0, 0);
    for seed in 0..600 {
        let (table, options) = (RandomBatches::new(seed).table(), options(seed));
        let messages = messages(&table, options.clone());
        let mut decoder = decoder();
        let read = decode_with(&mut decoder, &parts(&messages));
        let read = read.unwrap_or_else(|error| panic!("seed {seed}, {options:?}: {error}"));
        cut += usize::from(read.len() > table.batches.len());
        dictionaries += decoder.stats().num_dictionary_batches;
        let schema = decoder.schema().unwrap().clone();
        ensure_same(&Table::new(schema, read), &table).unwrap_or_else(|e| panic!("seed {seed}, {options:?}: {e:#}"));
        let target = options.target_message_size.unwrap_or(usize::MAX);
        for message in messages.iter().filter(|message| message.kind == MessageKind::RecordBatch) {
            let size = message.encoded_size();
            assert!(size <= target || rows(message) <= 1, "seed {seed}: {size} bytes, {} rows", rows(message));
        }
    }
    assert!(cut > 100 && dictionaries > 500, "{cut} tables were cut, {dictionaries} dictionaries sent");
}

/// The same rows in memory of their own.
fn copied(batch: &RecordBatch) -> RecordBatch {
    let columns = batch.columns().iter().map(|column| {
        let data = column.to_data();
        let mut copy = MutableArrayData::new(vec![&data], false, data.len());
        copy.try_extend(0, 0, data.len()).unwrap();
        make_array(copy.freeze())
    });
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(batch.schema(), columns.collect(), &options).unwrap()
}

#[test]
fn a_slice_of_a_random_batch_weighs_what_its_rows_do() {
    let size = |batch: &RecordBatch| {
        let messages = encode(std::slice::from_ref(batch), IpcWriteOptions::default());
        messages.last().unwrap().encoded_size()
    };
    let mut random = StdRng::seed_from_u64(1);
    for seed in 0..100 {
        let table = RandomBatches { columns: 1..=1, batches: 1..=1, rows: 4000..=4000, ..RandomBatches::new(seed) };
        let batch = &table.table().batches[0];
        let slice = batch.slice(random.random_range(0..3900), random.random_range(0..100));
        let (whole, sliced, copied) = (size(batch), size(&slice), size(&copied(&slice)));
        // Up to half of what is sent may be between the rows' values, twice where lists are in lists.
        assert!(sliced <= 4 * copied, "seed {seed}: {sliced} bytes, copied {copied}, all {whole}: {}", batch.schema());
    }
}
