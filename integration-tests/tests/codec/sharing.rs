//! Bodies share the arrays' memory, and arrays that of the bodies: pointers and counters say so.

use std::sync::Arc;

use arrow_array::builder::StringViewBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, StringViewArray, UnionArray};
use arrow_buffer::Buffer;
use arrow_schema::{DataType, Field, UnionFields};
use bytes::Bytes;
use peregrine::ipc::{EncodeStats, EncodedMessage, Encoder, IpcWriteOptions};
use peregrine_testkit::random;

use crate::framing::{decode_with, decoder, encode, parts};

fn encode_one(batch: &RecordBatch) -> (EncodedMessage, EncodeStats) {
    let mut encoder = Encoder::new(batch.schema(), IpcWriteOptions::default()).unwrap();
    let mut messages = Vec::new();
    encoder.encode(batch, &mut messages).unwrap();
    (messages.pop().unwrap(), encoder.stats())
}

fn pointers(buffers: &[Buffer]) -> Vec<*const u8> {
    buffers.iter().map(Buffer::as_ptr).collect()
}

#[test]
fn every_buffer_of_a_whole_batch_is_the_arrays_own() {
    for data_type in random::all_types() {
        let batch = random::batch(std::slice::from_ref(&data_type), 1000, 5);
        let (_, stats) = encode_one(&batch);
        // Random lists of list views use their values sparsely, which is worth a copy.
        let sparse = format!("{data_type}").contains("ListView");
        assert!(stats.copied_bytes == 0 || sparse, "{data_type}: {stats:?}");
    }
}

#[test]
fn bitmaps_offsets_and_values_travel_by_pointer() {
    let numbers = Int64Array::from_iter((0..200).map(|n| (n % 3 != 0).then_some(n)));
    let words = StringArray::from_iter_values((0..200).map(|n| format!("word {n}")));
    let columns: [(&str, ArrayRef); 2] = [("n", Arc::new(numbers.clone())), ("w", Arc::new(words.clone()))];
    let (message, stats) = encode_one(&RecordBatch::try_from_iter(columns).unwrap());
    let validity = numbers.nulls().unwrap().buffer().as_ptr();
    let offsets = words.offsets().inner().inner().as_ptr();
    let expected = [validity, numbers.values().inner().as_ptr(), offsets, words.values().as_ptr()];
    assert_eq!(pointers(&message.body), expected);
    assert_eq!(stats.copied_bytes, 0);
    assert_eq!(stats.shared_bytes, message.body.iter().map(|buffer| buffer.len() as u64).sum::<u64>());
}

#[test]
fn a_slice_at_a_byte_shares_its_bitmaps_and_one_inside_a_byte_copies_only_those() {
    let flags: ArrayRef = Arc::new(BooleanArray::from_iter((0..1000).map(|n| Some(n % 7 == 0))));
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter((0..1000).map(|n| (n % 5 != 0).then_some(n))));
    let batch = RecordBatch::try_from_iter([("f", flags), ("n", numbers)]).unwrap();
    assert_eq!(encode_one(&batch.slice(64, 128)).1.copied_bytes, 0);
    let stats = encode_one(&batch.slice(65, 128)).1;
    assert_eq!(stats.copied_bytes, 2 * 128 / 8);
    assert_eq!(stats.shared_bytes, 128 * 8);
}

#[test]
fn a_slice_of_strings_makes_new_offsets_and_shares_its_own_bytes() {
    let words: ArrayRef = Arc::new(StringArray::from_iter_values((0..1000).map(|n| format!("{n:05}"))));
    let batch = RecordBatch::try_from_iter([("w", words)]).unwrap().slice(512, 64);
    let (message, stats) = encode_one(&batch);
    assert_eq!(stats.copied_bytes, 65 * 4);
    assert_eq!(stats.shared_bytes, 64 * 5);
    assert_eq!(message.body[1].as_slice(), batch.column(0).as_string::<i32>().value_data()[512 * 5..576 * 5].as_ref());
}

#[test]
fn views_send_what_their_rows_use() {
    let words = |n: usize| format!("a word too long for a view, number {n:06}");
    let all: StringViewArray = (0..6400).map(|n| Some(words(n))).collect();
    let length = words(0).len();
    let batch = |array: StringViewArray| RecordBatch::try_from_iter([("v", Arc::new(array) as ArrayRef)]).unwrap();
    let data = |batch: &RecordBatch| {
        let (message, _) = encode_one(batch);
        message.body[1..].iter().map(Buffer::len).sum::<usize>()
    };
    assert_eq!(data(&batch(all.clone())), 6400 * length);
    // A slice that lies together is cut out of the buffers, one that uses little of them is copied together.
    assert_eq!(data(&batch(all.clone()).slice(640, 128)), 128 * length);
    let sparse = StringViewArray::try_new(
        all.views().iter().step_by(100).copied().collect::<Vec<u128>>().into(),
        all.data_buffers().to_vec(),
        None,
    );
    assert_eq!(data(&batch(sparse.unwrap())), 64 * length);
}

#[test]
fn a_slice_of_views_names_the_buffers_that_it_uses() {
    let words: Vec<String> = (0..4000).map(|n| format!("a word too long for a view, number {n:06}")).collect();
    // A buffer for every ten words.
    let mut builder = StringViewBuilder::new().with_fixed_block_size(words[0].len() as u32 * 10);
    words.iter().for_each(|word| builder.append_value(word));
    let all: ArrayRef = Arc::new(builder.finish());
    assert_eq!(all.as_string_view().data_buffers().len(), 400);
    let batch = RecordBatch::try_from_iter([("v", all)]).unwrap().slice(1205, 64);
    let (message, _) = encode_one(&batch);
    let named = arrow_ipc::root_as_message(&message.header).unwrap().header_as_record_batch().unwrap();
    assert_eq!(named.variadicBufferCounts().unwrap().iter().collect::<Vec<_>>(), [7]);
    assert!(message.encoded_size() < 5000, "{}", message.encoded_size());
    let messages = parts(&encode(std::slice::from_ref(&batch), IpcWriteOptions::default()));
    assert_eq!(decode_with(&mut decoder(), &messages).unwrap(), [batch]);
}

#[test]
fn a_dense_union_that_uses_little_of_its_members_sends_that() {
    let union = |ids: Vec<i8>, offsets: Vec<i32>| {
        let members = [Field::new("n", DataType::Int64, false), Field::new("w", DataType::Utf8, false)];
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..10_000));
        let words: ArrayRef = Arc::new(StringArray::from_iter_values((0..100).map(|n| format!("{n:04}"))));
        let members = UnionFields::from_fields(members);
        let union = UnionArray::try_new(members, ids.into(), Some(offsets.into()), vec![numbers, words]).unwrap();
        RecordBatch::try_from_iter([("u", Arc::new(union) as ArrayRef)]).unwrap()
    };
    // Ids and offsets, then the numbers, and offsets and bytes of the words.
    let sizes = |batch: &RecordBatch| encode_one(batch).0.body.iter().map(Buffer::len).collect::<Vec<_>>();
    let sparse = union(vec![0, 1, 0, 1, 0, 1], vec![9000, 50, 5, 51, 9000, 52]);
    assert_eq!(sizes(&sparse), [6, 24, 3 * 8, 4 * 4, 3 * 4]);
    assert_eq!(sizes(&sparse.slice(2, 3)), [3, 12, 2 * 8, 2 * 4, 4]);
    let dense = union(vec![0, 0, 1, 1], vec![7, 9, 98, 99]);
    assert_eq!(sizes(&dense), [4, 16, 3 * 8, 3 * 4, 2 * 4]);
    for batch in [sparse.slice(2, 3), sparse, dense] {
        let messages = parts(&encode(std::slice::from_ref(&batch), IpcWriteOptions::default()));
        assert_eq!(decode_with(&mut decoder(), &messages).unwrap(), [batch]);
    }
}

#[test]
fn arrays_share_the_body_that_they_came_in() {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1000));
    let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
    let mut messages = parts(&encode(&[batch], IpcWriteOptions::default()));
    // Arrow's memory is aligned to 64.
    let body = Bytes::from_owner(Buffer::from_slice_ref(&messages[1].1[..]));
    messages[1].1 = body.clone();
    let mut decoder = decoder();
    let batches = decode_with(&mut decoder, &messages).unwrap();
    let values = batches[0].column(0).as_primitive::<Int64Type>().values().inner().as_ptr();
    assert_eq!(values, body.as_ptr());
    assert_eq!(decoder.stats().realigned_buffers, 0);
}

#[test]
fn the_body_has_each_buffer_at_a_multiple_of_64() {
    for data_type in random::all_types() {
        let batch = random::batch(std::slice::from_ref(&data_type), 77, 9);
        for message in encode(&[batch], IpcWriteOptions::default()) {
            assert!(message.header.len().is_multiple_of(8), "{data_type}");
            assert_eq!(message.body_length, message.body_bytes().len(), "{data_type}");
            assert_eq!(message.encoded_size(), message.header.len() + message.body_length);
            let header = arrow_ipc::root_as_message(&message.header).unwrap();
            assert_eq!(header.bodyLength(), message.body_length as i64);
            let Some(batch) = header.header_as_record_batch() else { continue };
            assert!(batch.buffers().unwrap().iter().all(|buffer| buffer.offset() % 64 == 0), "{data_type}");
            let bytes = message.body_bytes();
            let parts = message.parts().flat_map(|(buffer, zeros)| [buffer.to_vec(), zeros.to_vec()].concat());
            assert!(parts.eq(bytes), "{data_type}");
        }
    }
}

#[test]
fn a_batch_without_nulls_sends_no_bitmaps() {
    let batch = random::batch(&[DataType::Int32], 100, 1);
    assert_eq!(batch.column(0).null_count(), 0);
    assert_eq!(encode_one(&batch).0.body.len(), 1);
}
