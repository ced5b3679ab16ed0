//! What is received is copied at most once, lies where its type needs it, and is what was sent, however its bytes
//! are cut into frames.

use std::sync::Arc;

use arrow_array::{Array, RecordBatch};
use arrow_data::{ArrayData, BufferSpec, layout};
use arrow_ipc::MetadataVersion;
use arrow_ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions as ArrowWriteOptions};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::StreamExt;
use peregrine::ipc::IpcWriteOptions;
use peregrine::proto::{FlightData, Ticket};
use peregrine::stream::{BodyAlignment, FlightDataStream, FlightStreamReader, FlightStreamStats, FrameConfig};
use peregrine_testkit::one_rpc::DoGet;
use peregrine_testkit::{Pair, batches};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::sample::subsequence;
use proptest::test_runner::{Config, TestCaseError};
use proptest::{prop_assert, prop_assert_eq, proptest};

use crate::support::bare_peer::{BarePeer, encoded, framed};

/// Where a stream is cut at most: h2 closes a connection over some 100 000 frames of a byte that nobody has read yet.
const MOST_CUTS: usize = 20_000;

/// Who lays out the bytes.
#[derive(Debug, Clone, Copy)]
enum Sender {
    Ours(BodyAlignment),
    /// Aligns buffers to 8 inside bodies, as C++ does.
    ArrowRs,
}

/// A stream, and how its bytes are cut.
#[derive(Debug, Clone)]
struct Case {
    types: Vec<DataType>,
    rows: Vec<usize>,
    sender: Sender,
    /// The sizes of the frames, in turn.
    cuts: Vec<usize>,
}

impl Case {
    fn batches(&self) -> (SchemaRef, Vec<RecordBatch>) {
        let fields = self.types.iter().enumerate().map(|(at, of)| Field::new(format!("c{at}"), of.clone(), true));
        let schema: SchemaRef = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let batches = self.rows.iter().map(|rows| batches::of_schema(&schema, *rows)).collect();
        (schema, batches)
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let sender = prop_oneof![
        Just(Sender::Ours(BodyAlignment::Frame)),
        Just(Sender::Ours(BodyAlignment::Message)),
        Just(Sender::ArrowRs),
        Just(Sender::ArrowRs),
    ];
    // From single bytes to frames that hold many messages, of one scale or mixed.
    let scale = prop_oneof![Just(20_usize), Just(500), Just(20_000), Just(3_000_000)];
    let mixed = prop_oneof![1..500_usize, 1..20_000_usize, 1..100_000_usize];
    let cuts = prop_oneof![4 => scale.prop_flat_map(|scale| vec(1..scale, 1..6)), 1 => vec(mixed, 2..9)];
    let rows = prop_oneof![3 => 0..300_usize, 1 => 0..5000_usize];
    (subsequence(batches::flat_types(), 1..8), vec(rows, 0..5), sender, cuts)
        .prop_map(|(types, rows, sender, cuts)| Case { types, rows, sender, cuts })
}

proptest! {
    #![proptest_config(Config { cases: 96, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_received_byte_is_copied_at_most_once_wherever_frames_are_cut(case in cases()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(case))?;
    }
}

/// Bodies over the size from which they stay in a frame that holds them whole, at any place in it.
fn large_cases() -> impl Strategy<Value = Case> {
    let sender = prop_oneof![Just(Sender::Ours(BodyAlignment::Frame)), Just(Sender::ArrowRs)];
    let cuts = prop_oneof![vec(1..5000_usize, 1..3), vec(1..3_000_000_usize, 0..3)];
    (vec(40_000..60_000_usize, 1..3), sender, cuts).prop_map(|(rows, sender, mut cuts)| {
        cuts.push(3_500_000);
        let types = vec![DataType::Int32, DataType::Decimal128(38, 4), DataType::Int64];
        Case { types, rows, sender, cuts }
    })
}

proptest! {
    #![proptest_config(Config { cases: 24, failure_persistence: None, ..Config::default() })]

    #[test]
    fn large_bodies_are_copied_or_kept_and_aligned_either_way(case in large_cases()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(case))?;
    }
}

async fn check(case: Case) -> Result<(), TestCaseError> {
    let (schema, sent) = case.batches();
    let (messages, bytes) = match case.sender {
        Sender::Ours(alignment) => {
            let messages = encoded(schema.clone(), &sent, IpcWriteOptions::default());
            (messages, our_bytes(schema.clone(), sent.clone(), alignment).await)
        }
        Sender::ArrowRs => {
            let messages = arrow_messages(&schema, &sent);
            let bytes = messages.iter().map(framed).collect::<Vec<_>>().concat().into();
            (messages, bytes)
        }
    };
    let frames = cut(bytes, &case.cuts);
    let peer = BarePeer::new(move |_| frames.clone());
    let reader = peer.client.do_get(Ticket::new("")).await.unwrap();
    let (received, stats) = read(reader).await;

    prop_assert!(received == sent, "what was received differs");
    let bodies: usize = messages.iter().map(|message| message.data_body.len()).sum();
    prop_assert_eq!(stats.copied_bytes + stats.kept_bytes, bodies as u64);
    for (column, of) in received.iter().flat_map(|batch| batch.columns().iter().zip(&case.types)) {
        prop_assert!(is_aligned(&column.to_data()), "a buffer of {of} is not aligned");
    }
    let misplaced = match case.sender {
        Sender::Ours(_) => 0,
        Sender::ArrowRs => messages.iter().map(|message| misplaced(&message.data_header, &case.types)).sum(),
    };
    prop_assert_eq!(stats.realigned_buffers, misplaced);
    Ok(())
}

async fn read(mut reader: FlightStreamReader) -> (Vec<RecordBatch>, FlightStreamStats) {
    let mut batches = Vec::new();
    while let Some(batch) = reader.read_next().await.unwrap() {
        batches.push(batch);
    }
    (batches, reader.stats())
}

/// The bytes that our server sends for a stream whose batches are not cut.
async fn our_bytes(schema: SchemaRef, sent: Vec<RecordBatch>, alignment: BodyAlignment) -> Bytes {
    let stream = FlightDataStream::from_batches(schema, sent).with_write_options(IpcWriteOptions::default());
    let mut frames = stream.into_frames(FrameConfig { alignment, ..FrameConfig::default() }).unwrap();
    let mut bytes = BytesMut::new();
    while let Some(frame) = frames.next().await {
        let mut rope = frame.unwrap();
        bytes.extend_from_slice(&rope.copy_to_bytes(rope.len()));
    }
    bytes.freeze()
}

fn arrow_messages(schema: &Schema, sent: &[RecordBatch]) -> Vec<FlightData> {
    let options = ArrowWriteOptions::try_new(8, false, MetadataVersion::V5).unwrap();
    let (generator, mut tracker) = (IpcDataGenerator::default(), DictionaryTracker::new(false));
    let mut messages = vec![generator.schema_to_bytes_with_dictionary_tracker(schema, &mut tracker, &options)];
    for batch in sent {
        let mut context = IpcWriteContext::default();
        let (dictionaries, batch) = generator.encode(batch, &mut tracker, &options, &mut context).unwrap();
        messages.extend(dictionaries);
        messages.push(batch);
    }
    let data = messages.into_iter().map(|message| FlightData {
        data_header: message.ipc_message.into(),
        data_body: message.arrow_data.into(),
        ..FlightData::default()
    });
    data.collect()
}

/// Frames of these sizes in turn.
pub(crate) fn cut(mut bytes: Bytes, sizes: &[usize]) -> Vec<Bytes> {
    let mut frames = Vec::new();
    for size in sizes.iter().cycle().take(MOST_CUTS) {
        frames.push(bytes.split_to(bytes.len().min(*size)));
    }
    frames.push(bytes);
    frames.retain(|frame| !frame.is_empty());
    frames
}

fn alignment(data_type: &DataType) -> usize {
    match layout(data_type).buffers.first() {
        Some(BufferSpec::FixedWidth { alignment, .. }) => *alignment,
        _ => 1,
    }
}

/// Whether an array's values, offsets or views, and those of its dictionary, lie where they must.
fn is_aligned(data: &ArrayData) -> bool {
    let first =
        data.buffers().first().is_none_or(|buffer| buffer.as_ptr().align_offset(alignment(data.data_type())) == 0);
    first && data.child_data().iter().all(is_aligned)
}

/// How many buffers of 16-byte types a batch has off a multiple of 16 inside its body. Dictionaries are of strings,
/// which need less.
fn misplaced(header: &[u8], types: &[DataType]) -> u64 {
    let message = arrow_ipc::root_as_message(header).unwrap();
    let Some(batch) = message.header_as_record_batch() else { return 0 };
    let buffers: Vec<_> = batch.buffers().unwrap().iter().collect();
    let mut variadic = batch.variadicBufferCounts().into_iter().flatten();
    let (mut at, mut misplaced) = (0, 0);
    for of in types {
        let layout = layout(of);
        if *of == DataType::Null {
            continue;
        }
        // Validity comes first.
        let values = buffers[at + 1];
        let is_off = values.offset() % 16 != 0 && values.length() > 0;
        misplaced += u64::from(alignment(of) == 16 && is_off);
        at += 1 + layout.buffers.len() + if layout.variadic { variadic.next().unwrap() as usize } else { 0 };
    }
    assert_eq!(at, buffers.len());
    misplaced
}

#[tokio::test]
async fn a_sender_that_aligns_to_8_misplaces_some_and_they_are_counted() {
    let types = vec![DataType::Int64, DataType::Decimal128(38, 4), DataType::Utf8View, DataType::Decimal256(76, 5)];
    let case = Case { types, rows: vec![1, 3, 5, 7], sender: Sender::ArrowRs, cuts: vec![1000] };
    let (schema, sent) = case.batches();
    let messages = arrow_messages(&schema, &sent);
    let expected: u64 = messages.iter().map(|message| misplaced(&message.data_header, &case.types)).sum();
    assert!(expected > 0, "the case shows what it is for");
    check(case).await.unwrap();
}

#[tokio::test]
async fn a_large_body_that_lies_whole_in_a_frame_stays_there() {
    let batch = batches::int64(64 << 10);
    let sent = batch.clone();
    let pair = Pair::new(DoGet(move |_, _| {
        let stream = FlightDataStream::from_batches(sent.schema(), vec![sent.clone(); 8]);
        async { Ok(stream) }
    }));
    let reader = pair.client().do_get(Ticket::new("")).await.unwrap();
    let (received, stats) = read(reader).await;
    assert!(received == vec![batch; 8]);
    assert!(received.iter().all(|batch| batch.columns().iter().all(|column| is_aligned(&column.to_data()))));
    assert_eq!(stats.copied_bytes + stats.kept_bytes, 16 << 20);
    assert_eq!(stats.realigned_buffers, 0);
    assert!(stats.kept_bytes > 0, "each body lies whole in a frame");
}
