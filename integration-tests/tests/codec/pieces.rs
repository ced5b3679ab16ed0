//! Batches cut by rows: under the target, at multiples of 64, nothing lost, one piece at a time.

use arrow_array::RecordBatch;
use arrow_schema::DataType;
use arrow_select::concat::concat_batches;
use peregrine::ipc::{CompressionCodec, EncodedMessage, Encoder, IpcWriteOptions, MessageKind};
use peregrine_testkit::random;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::framing::{decode, parts};

fn cut(batch: &RecordBatch, options: IpcWriteOptions) -> (Vec<EncodedMessage>, Encoder) {
    let mut encoder = Encoder::new(batch.schema(), options).unwrap();
    let mut messages = vec![encoder.schema_message()];
    let mut pieces = encoder.pieces(batch).unwrap();
    while !pieces.is_done() {
        let (before, rows) = (messages.len(), pieces.remaining_rows());
        assert!(encoder.encode_piece(&mut pieces, &mut messages).unwrap());
        let batches = messages[before..].iter().filter(|message| message.kind == MessageKind::RecordBatch);
        assert_eq!(batches.count(), 1, "one piece at a time");
        assert!(pieces.remaining_rows() < rows || rows == 0);
    }
    assert!(!encoder.encode_piece(&mut pieces, &mut messages).unwrap());
    (messages, encoder)
}

fn rows(message: &EncodedMessage) -> usize {
    arrow_ipc::root_as_message(&message.header).unwrap().header_as_record_batch().unwrap().length() as usize
}

fn pieces_of(messages: &[EncodedMessage]) -> Vec<&EncodedMessage> {
    messages.iter().filter(|message| message.kind == MessageKind::RecordBatch).collect()
}

/// No piece is over the target unless it has one row; all but the last end at a multiple of 64 unless 64 are too many;
/// no piece could have had 64 rows more.
fn assert_promises(batch: &RecordBatch, target: usize) {
    let name = format!("{} rows, target {target}, {:?}", batch.num_rows(), batch.schema().field(0).data_type());
    let (messages, _) = cut(batch, IpcWriteOptions::default().with_target_message_size(target));
    let pieces = pieces_of(&messages);
    let mut start = 0;
    for (index, piece) in pieces.iter().enumerate() {
        let count = rows(piece);
        assert!(piece.encoded_size() <= target || count == 1, "{name}: {} bytes", piece.encoded_size());
        start += count;
        if index + 1 < pieces.len() {
            assert!(start % 64 == 0 || count < 64, "{name}: cut at {start}");
        }
    }
    assert_eq!(start, batch.num_rows(), "{name}");
    let read = decode(&parts(&messages)).unwrap();
    assert_eq!(read.len(), pieces.len());
    let mut start = 0;
    for piece in &read {
        assert_eq!(*piece, batch.slice(start, piece.num_rows()), "{name}");
        start += piece.num_rows();
    }
}

#[test]
fn every_type_under_any_target() {
    let mut random = StdRng::seed_from_u64(1);
    for data_type in random::all_types() {
        let batch = random::batch(std::slice::from_ref(&data_type), 1500, 6);
        for target in [1, 600, 1500, 4096, 20_000, 1 << 20] {
            assert_promises(&batch, target);
            let start = random.random_range(0..200);
            assert_promises(&batch.slice(start, random.random_range(1..1300)), target);
        }
    }
}

#[test]
fn random_schemas_under_random_targets() {
    let mut random = StdRng::seed_from_u64(2);
    let all = random::all_types();
    for seed in 0..60 {
        let columns: Vec<_> =
            (0..random.random_range(1..6)).map(|_| all[random.random_range(0..all.len())].clone()).collect();
        let batch = random::batch(&columns, random.random_range(1..3000), seed);
        assert_promises(&batch, random.random_range(500..60_000));
    }
}

#[test]
fn pieces_of_fixed_width_fill_the_target() {
    let batch = random::batch(&[DataType::Int64], 100_000, 1);
    let (messages, encoder) = cut(&batch, IpcWriteOptions::default().with_target_message_size(64 << 10));
    let pieces = pieces_of(&messages);
    // 8 bytes a row: 64 rows more would be 512 bytes over.
    let (last, full) = pieces.split_last().unwrap();
    assert!(full.iter().all(|piece| piece.encoded_size() > (64 << 10) - 512 - 256), "{}", full[0].encoded_size());
    assert!(last.encoded_size() <= 64 << 10);
    assert_eq!(encoder.stats().copied_bytes, 0);
    assert_eq!(encoder.stats().num_record_batches, pieces.len() as u64);
}

#[test]
fn bitmaps_stay_shared_across_pieces() {
    let batch = random::batch(&[DataType::Boolean, DataType::Int32], 10_000, 2);
    let (_, encoder) = cut(&batch, IpcWriteOptions::default().with_target_message_size(4096));
    assert_eq!(encoder.stats().copied_bytes, 0);
    assert!(encoder.stats().num_record_batches > 10);
}

#[test]
fn a_slice_is_cut_back_to_multiples_of_64_of_its_own_rows() {
    let batch = random::batch(&[DataType::Int32], 10_000, 2).slice(13, 5000);
    let (messages, _) = cut(&batch, IpcWriteOptions::default().with_target_message_size(4096));
    let counts: Vec<usize> = pieces_of(&messages).into_iter().map(rows).collect();
    assert!(counts[..counts.len() - 1].iter().all(|count| count % 64 == 0), "{counts:?}");
}

#[test]
fn one_row_is_never_cut_and_no_rows_are_one_piece() {
    let batch = random::batch(&[DataType::LargeBinary], 10, 2);
    let (messages, _) = cut(&batch, IpcWriteOptions::default().with_target_message_size(1));
    assert!(pieces_of(&messages).into_iter().map(rows).eq([1; 10]));
    let (messages, _) = cut(&batch.slice(0, 0), IpcWriteOptions::default().with_target_message_size(1));
    assert!(pieces_of(&messages).into_iter().map(rows).eq([0]));
    let (messages, _) = cut(&batch, IpcWriteOptions::default());
    assert!(pieces_of(&messages).into_iter().map(rows).eq([10]));
}

#[test]
fn compressed_pieces_hold_the_promise_too() {
    let batch = random::batch(&[DataType::Int64, DataType::Utf8, DataType::Null], 5000, 3);
    for codec in [CompressionCodec::Lz4, CompressionCodec::Zstd] {
        let options = IpcWriteOptions::default().with_compression(codec).with_target_message_size(8192);
        let (messages, _) = cut(&batch, options);
        assert!(pieces_of(&messages).iter().all(|piece| piece.encoded_size() <= 8192));
        let read = decode(&parts(&messages)).unwrap();
        assert_eq!(concat_batches(&batch.schema(), &read).unwrap(), batch);
    }
}
