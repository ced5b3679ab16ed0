//! Valid streams of every type, written in every way.

use std::sync::OnceLock;

use arrow_array::RecordBatch;
use peregrine::ipc::{CompressionCodec, EncodedMessage, Encoder, IpcWriteOptions, MetadataVersion};
use peregrine_testkit::batches;
use peregrine_testkit::random::{self, RandomBatches};

const ROWS: usize = 12;
/// Streams with types inside of types, beside those with one type each.
const MIXED: u64 = 24;

/// The messages of one stream: a schema, dictionaries and batches.
pub(crate) type Stream = Vec<EncodedMessage>;

/// The ways to write a stream.
pub(crate) fn options() -> [IpcWriteOptions; 6] {
    let plain = IpcWriteOptions::default;
    let old = || plain().with_metadata_version(MetadataVersion::V4);
    [
        plain(),
        plain().with_compression(CompressionCodec::Lz4),
        plain().with_compression(CompressionCodec::Zstd),
        plain().with_dictionary_deltas(true),
        old(),
        old().with_compression(CompressionCodec::Lz4),
    ]
}

/// A stream for each table and each way, built once.
pub(crate) fn all() -> &'static [Stream] {
    static STREAMS: OnceLock<Vec<Stream>> = OnceLock::new();
    STREAMS.get_or_init(|| {
        let tables = tables();
        let ways = || options().into_iter();
        tables.iter().flat_map(|batches| ways().map(|options| encode(batches, options))).collect()
    })
}

/// The batches of each stream.
pub(crate) fn tables() -> Vec<Vec<RecordBatch>> {
    let of_type = |data_type| {
        let types = [data_type];
        [1, 2].map(|seed| random::batch(&types, ROWS, seed)).to_vec()
    };
    let mixed = |seed| RandomBatches { rows: 0..=ROWS, batches: 1..=3, columns: 1..=4, ..RandomBatches::new(seed) };
    let mut tables: Vec<_> = random::all_types().into_iter().map(of_type).collect();
    tables.extend((0..MIXED).map(|seed| mixed(seed).table().batches));
    tables.push(batches::dictionaries());
    tables
}

fn encode(batches: &[RecordBatch], options: IpcWriteOptions) -> Stream {
    let mut encoder = Encoder::new(batches[0].schema(), options).expect("a valid schema");
    let mut messages = vec![encoder.schema_message()];
    for batch in batches {
        encoder.encode(batch, &mut messages).expect("a valid batch");
    }
    messages
}
