//! Random tables over all types: cut into random frames, up to a live server and down again, and what each message of
//! theirs weighs.

use arrow_array::RecordBatch;
use bytes::{Buf, Bytes, BytesMut};
use futures_util::StreamExt;
use integration_tests::ensure_same;
use peregrine::client::FlightCallOptions;
use peregrine::ipc::{CompressionCodec, IpcWriteOptions, MetadataVersion};
use peregrine::proto::{FlightData, FlightDescriptor, FlightError, FlightMessage, Ticket};
use peregrine::stream::{BodyAlignment, FlightDataStream, FrameConfig, Table};
use peregrine_testkit::one_rpc::DoGet;
use peregrine_testkit::random::RandomBatches;
use peregrine_testkit::{MemoryService, Pair};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::data_path::one_copy::cut;
use crate::support::bare_peer::BarePeer;

/// Options of every kind; those without a target leave batches whole.
fn options(random: &mut StdRng) -> IpcWriteOptions {
    let options = IpcWriteOptions::default().with_dictionary_deltas(random.random());
    let options = match random.random_range(0..4) {
        0 => options.with_compression(CompressionCodec::Lz4),
        1 => options.with_compression(CompressionCodec::Zstd),
        2 => options.with_metadata_version(MetadataVersion::V4),
        _ => options,
    };
    match random.random() {
        true => options.with_target_message_size(random.random_range(500..20_000)),
        false => options,
    }
}

fn stream(table: &Table, options: IpcWriteOptions) -> FlightDataStream {
    FlightDataStream::from_batches(table.schema.clone(), table.batches.clone()).with_write_options(options)
}

/// The bytes that a server sends for a stream, without HTTP/2.
async fn bytes_of(stream: FlightDataStream, alignment: BodyAlignment) -> Bytes {
    let mut frames = stream.into_frames(FrameConfig { alignment, ..FrameConfig::default() }).unwrap();
    let mut bytes = BytesMut::new();
    while let Some(frame) = frames.next().await {
        let mut rope = frame.unwrap();
        bytes.extend_from_slice(&rope.copy_to_bytes(rope.len()));
    }
    bytes.freeze()
}

/// Frames of one scale, from single bytes to those that hold many messages.
fn sizes(random: &mut StdRng) -> Vec<usize> {
    let scale = [20, 500, 20_000, 3_000_000][random.random_range(0..4)];
    (0..random.random_range(1..6)).map(|_| random.random_range(1..scale)).collect()
}

fn alignment(random: &mut StdRng) -> BodyAlignment {
    if random.random() { BodyAlignment::Frame } else { BodyAlignment::Message }
}

#[tokio::test]
async fn random_tables_come_back_equal_however_they_are_cut_into_frames() {
    for seed in 0..200 {
        let (mut random, table) = (StdRng::seed_from_u64(seed), RandomBatches::new(seed).table());
        let options = options(&mut random);
        let bytes = bytes_of(stream(&table, options.clone()), alignment(&mut random)).await;
        let frames = cut(bytes, &sizes(&mut random));
        let peer = BarePeer::new(move |_| frames.clone());
        let read = peer.client.do_get(Ticket::new("")).await.unwrap().read_all().await;
        let read = read.unwrap_or_else(|error| panic!("seed {seed}, {options:?}: {error}"));
        ensure_same(&read, &table).unwrap_or_else(|error| panic!("seed {seed}, {options:?}: {error:#}"));
    }
}

#[tokio::test]
async fn random_tables_go_up_by_do_put_and_come_down_by_do_get() {
    let service = MemoryService::new();
    let pair = Pair::new(service.clone());
    for seed in 1000..1300 {
        let (mut random, table) = (StdRng::seed_from_u64(seed), RandomBatches::new(seed).table());
        let name = seed.to_string();
        let options = options(&mut random);
        let call = FlightCallOptions::new().with_write_options(options.clone());
        let descriptor = FlightDescriptor::for_path([&name]);
        let (mut writer, _) = pair.client().with(call.clone()).do_put(descriptor, table.schema.clone()).await.unwrap();
        for batch in &table.batches {
            writer.write_batch(batch).await.unwrap_or_else(|error| panic!("seed {seed}, {options:?}: {error}"));
        }
        writer.close().await.unwrap_or_else(|error| panic!("seed {seed}, {options:?}: {error}"));
        let stands = service.table(&name).unwrap();
        ensure_same(&stands, &table).unwrap_or_else(|error| panic!("up, seed {seed}, {options:?}: {error:#}"));
        let read = pair.client().do_get(Ticket::new(name)).await.unwrap().read_all().await.unwrap();
        ensure_same(&read, &stands).unwrap_or_else(|error| panic!("down, seed {seed}: {error:#}"));
    }
}

#[tokio::test]
async fn random_tables_come_down_by_do_get_with_any_options() {
    let pair = Pair::new(DoGet(|_, ticket: Ticket| async move {
        let seed = u64::from_le_bytes(ticket.ticket()[..].try_into().unwrap());
        let table = RandomBatches::new(seed).table();
        Ok::<_, FlightError>(stream(&table, options(&mut StdRng::seed_from_u64(seed))))
    }));
    for seed in 2000..2200_u64 {
        let ticket = Ticket::new(seed.to_le_bytes().to_vec());
        let read = pair.client().do_get(ticket).await.unwrap().read_all().await.unwrap();
        ensure_same(&read, &RandomBatches::new(seed).table()).unwrap_or_else(|error| panic!("seed {seed}: {error:#}"));
    }
}

/// The FlightData messages in the bytes of a stream, and the length that gRPC states for each.
fn messages(mut bytes: Bytes) -> Vec<(FlightData, usize)> {
    let mut messages = Vec::new();
    while bytes.has_remaining() {
        assert_eq!(bytes.get_u8(), 0, "not compressed by gRPC");
        let length = bytes.get_u32() as usize;
        messages.push((FlightData::deserialize(bytes.split_to(length)).unwrap(), length));
    }
    messages
}

/// The rows of a batch; none of a schema or a dictionary.
fn rows(message: &FlightData) -> Option<i64> {
    let header = arrow_ipc::root_as_message(&message.data_header).unwrap();
    header.header_as_record_batch().map(|batch| batch.length())
}

#[tokio::test]
async fn whole_flight_data_messages_are_under_their_target_unless_they_have_a_single_row() {
    let mut filled = 0;
    for seed in 0..100 {
        let mut random = StdRng::seed_from_u64(seed);
        let table = RandomBatches { rows: 0..=2000, ..RandomBatches::new(seed) }.table();
        let target = random.random_range(300..40_000);
        let options = options(&mut random).with_target_message_size(target);
        let bytes = bytes_of(stream(&table, options.clone()), alignment(&mut random)).await;
        let batches = messages(bytes).into_iter().filter_map(|(message, length)| Some((rows(&message)?, length)));
        for (rows, length) in batches {
            assert!(length <= target || rows <= 1, "seed {seed}, {options:?}: {length} bytes with {rows} rows");
            filled += usize::from(length <= target && 2 * length > target);
        }
    }
    assert!(filled > 50, "{filled} messages were more than half of their target");
}

#[tokio::test]
async fn a_target_of_a_byte_less_than_a_message_has_is_kept() {
    let mut cut = 0;
    for seed in 0..150 {
        let mut random = StdRng::seed_from_u64(seed);
        let table = RandomBatches { batches: 1..=1, rows: 2..=200, columns: 1..=3, ..RandomBatches::new(seed) }.table();
        let alignment = alignment(&mut random);
        let whole = bytes_of(stream(&table, IpcWriteOptions::default()), alignment).await;
        let (_, length) = messages(whole).pop().unwrap();
        let options = IpcWriteOptions::default().with_target_message_size(length - 1);
        let bytes = bytes_of(stream(&table, options), alignment).await;
        let pieces: Vec<_> = messages(bytes).into_iter().filter_map(|(m, length)| Some((rows(&m)?, length))).collect();
        let is_kept = |&(rows, piece): &(i64, usize)| piece < length || rows == 1;
        assert!(pieces.iter().all(is_kept), "seed {seed}: {pieces:?} where {length} are too many");
        cut += usize::from(pieces.len() > 1);
    }
    assert_eq!(cut, 150, "tables were cut");
}

#[tokio::test]
async fn a_batch_of_fixed_width_fills_the_targets_of_its_messages() {
    let batch: RecordBatch = peregrine_testkit::batches::int64(100_000);
    let target = 64 << 10;
    let options = IpcWriteOptions::default().with_target_message_size(target);
    let table = Table::new(batch.schema(), vec![batch]);
    let bytes = bytes_of(stream(&table, options), BodyAlignment::Frame).await;
    let lengths: Vec<_> = messages(bytes).into_iter().skip(1).map(|(_, length)| length).collect();
    let (_, full) = lengths.split_last().unwrap();
    // 64 rows of 32 bytes more would be over it, with all that a message may have beside them.
    assert!(full.iter().all(|length| (target - 64 * 32 - 512..=target).contains(length)), "{lengths:?}");
}
