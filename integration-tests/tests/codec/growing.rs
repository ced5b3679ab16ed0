//! Dictionaries that grow, sent as deltas on request: what is sent of them, and that all of it is read.

use std::sync::Arc;

use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Int8Array, Int32Array, Int64Array, ListArray, RecordBatch, StringArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field};
use peregrine::ipc::{
    CompressionCodec, EncodeStats, EncodedMessage, Encoder, IpcWriteOptions, MessageKind, MetadataVersion,
};
use peregrine_testkit::random;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::framing::{arrow_decode, decode, decode_with, decoder, encode, parts};

/// A dictionary message: how many values it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Whole(usize),
    Delta(usize),
}

use Sent::{Delta, Whole};

fn deltas() -> IpcWriteOptions {
    IpcWriteOptions::default().with_dictionary_deltas(true)
}

fn dictionary(message: &EncodedMessage) -> Option<(i64, Sent)> {
    let header = arrow_ipc::root_as_message(&message.header).unwrap();
    let dictionary = header.header_as_dictionary_batch()?;
    let values = dictionary.data().unwrap().length() as usize;
    Some((dictionary.id(), if dictionary.isDelta() { Delta(values) } else { Whole(values) }))
}

/// The dictionaries that go with each batch, by their ids.
fn sent(batches: &[RecordBatch], options: IpcWriteOptions) -> (Vec<Vec<(i64, Sent)>>, EncodeStats) {
    let mut encoder = Encoder::new(batches[0].schema(), options).unwrap();
    let mut messages = vec![encoder.schema_message()];
    let mut dictionaries = Vec::new();
    for batch in batches {
        let before = messages.len();
        encoder.encode(batch, &mut messages).unwrap();
        dictionaries.push(messages[before..].iter().filter_map(dictionary).collect());
    }
    let stats = encoder.stats();
    let messages = parts(&messages);
    let mut decoder = decoder();
    assert_eq!(decode_with(&mut decoder, &messages).unwrap(), batches);
    assert_eq!(arrow_decode(&messages).1, batches);
    let read = decoder.stats();
    assert_eq!((stats.num_messages, stats.num_record_batches), (read.num_messages, read.num_record_batches));
    assert_eq!(
        (stats.num_dictionary_batches, stats.num_dictionary_deltas, stats.num_replaced_dictionaries),
        (read.num_dictionary_batches, read.num_dictionary_deltas, read.num_replaced_dictionaries),
    );
    (dictionaries, stats)
}

/// A column with each of these values once.
pub(crate) fn batch(values: ArrayRef) -> RecordBatch {
    let keys = Int32Array::from_iter_values(0..values.len() as i32);
    let column = DictionaryArray::<Int32Type>::try_new(keys, values).unwrap();
    RecordBatch::try_from_iter([("d", Arc::new(column) as ArrayRef)]).unwrap()
}

fn words(words: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(words.to_vec()))
}

#[test]
fn what_is_sent_of_a_dictionary_is_what_cpp_sends() {
    let steps: [(&[&str], Option<Sent>, Option<Sent>); 11] = [
        (&["a", "b"], Some(Whole(2)), Some(Whole(2))),
        (&["a", "b", "c"], Some(Delta(1)), Some(Whole(3))),
        (&["a", "b", "c"], None, None),
        (&["a", "b", "c", "d", "e"], Some(Delta(2)), Some(Whole(5))),
        (&["a", "b"], Some(Whole(2)), Some(Whole(2))),
        (&["a", "c"], Some(Whole(2)), Some(Whole(2))),
        (&["x", "a", "c"], Some(Whole(3)), Some(Whole(3))),
        (&["x", "b", "c", "d"], Some(Whole(4)), Some(Whole(4))),
        (&[], Some(Whole(0)), Some(Whole(0))),
        (&["x"], Some(Whole(1)), Some(Whole(1))),
        (&["x", "x"], Some(Delta(1)), Some(Whole(2))),
    ];
    let batches = steps.map(|(values, _, _)| batch(words(values)));
    let flat = |sent: Vec<Vec<(i64, Sent)>>| sent.iter().map(|s| s.first().map(|s| s.1)).collect::<Vec<_>>();
    let (on, stats) = sent(&batches, deltas());
    assert_eq!(flat(on), steps.map(|(_, on, _)| on));
    assert_eq!((stats.num_dictionary_batches, stats.num_dictionary_deltas), (10, 3));
    assert_eq!(stats.num_replaced_dictionaries, 6);
    let (off, stats) = sent(&batches, IpcWriteOptions::default());
    assert_eq!(flat(off), steps.map(|(_, _, off)| off));
    assert_eq!((stats.num_dictionary_deltas, stats.num_replaced_dictionaries), (0, 9));
}

pub(crate) fn may_grow(values: &DataType) -> bool {
    let name = format!("{values:?}");
    !["Union", "RunEndEncoded", "Dictionary"].iter().any(|part| name.contains(part))
}

pub(crate) fn value_types() -> impl Iterator<Item = DataType> {
    random::all_types().into_iter().filter(|data_type| !matches!(data_type, DataType::Dictionary(_, _)))
}

#[test]
fn values_of_every_type_grow_in_the_same_memory_and_in_other() {
    for data_type in value_types() {
        // The same values at another place, both with values before the first one and behind the last.
        let memory = [5, 5].map(|seed| random::array(&data_type, 60, true, seed));
        let steps = [(0, 7), (0, 7), (1, 7), (0, 20), (1, 33), (0, 12), (1, 40)];
        let batches = steps.map(|(place, count)| batch(memory[place].slice(3, count)));
        let (sent, stats) = sent(&batches, deltas());
        let last_of = |sent: &[(i64, Sent)]| sent.last().map(|sent| sent.1);
        let outer: Vec<_> = sent.iter().map(|sent| last_of(sent)).collect();
        let more = |all, new| Some(if may_grow(&data_type) { Delta(new) } else { Whole(all) });
        let expected = [Some(Whole(7)), None, None, more(20, 13), more(33, 13), Some(Whole(12)), more(40, 28)];
        assert_eq!(outer, expected, "{data_type}");
        assert_eq!(stats.num_dictionary_deltas, if may_grow(&data_type) { 3 } else { 0 }, "{data_type}");
    }
}

#[test]
fn a_delta_is_a_slice_of_the_values() {
    let all = Int64Array::from_iter_values(0..100);
    let batches = [10, 100].map(|count| batch(Arc::new(all.slice(0, count))));
    let messages = encode(&batches, deltas());
    let delta = &messages[3];
    assert_eq!(dictionary(delta), Some((0, Delta(90))));
    assert_eq!(delta.body[0].as_ptr(), all.values()[10..].as_ptr().cast());
    assert_eq!(delta.body[0].len(), 90 * 8);
}

#[test]
fn large_dictionaries_are_compared_for_a_delta() {
    let values = |count| -> ArrayRef { Arc::new(Int64Array::from_iter_values(0..count)) };
    let (sent, _) = sent(&[200_000, 200_000, 200_001].map(|count| batch(values(count))), deltas());
    assert_eq!(sent, [vec![(0, Whole(200_000))], vec![], vec![(0, Delta(1))]]);
}

/// Lists of one word each, as a dictionary: words are a dictionary themselves.
fn lists(inner: &[&str], keys: Vec<i8>) -> RecordBatch {
    let keys = Int8Array::from(keys);
    let inner = DictionaryArray::<Int8Type>::try_new(keys, words(inner)).unwrap();
    let item = Arc::new(Field::new_list_field(inner.data_type().clone(), true));
    let offsets = OffsetBuffer::from_repeated_length(1, inner.len());
    batch(Arc::new(ListArray::try_new(item, offsets, Arc::new(inner), None).unwrap()))
}

#[test]
fn a_dictionary_is_sent_again_after_one_inside_of_it() {
    let batches = [
        lists(&["a", "b"], vec![0, 1]),
        // The same lists. C++ looks their keys up in the words that came last.
        lists(&["b", "a"], vec![1, 0]),
        lists(&["b", "a", "c"], vec![1, 0]),
        lists(&["b", "a", "c"], vec![1, 0, 2]),
        lists(&["b", "a", "c"], vec![1, 0, 2]),
        lists(&["b", "a", "c", "d"], vec![1, 0, 2, 3]),
    ];
    let whole = |inner| vec![(0, Whole(inner)), (1, Whole(2))];
    let (on, stats) = sent(&batches, deltas());
    let grown = |outer| vec![(0, Delta(1)), (1, Whole(outer))];
    assert_eq!(on, [whole(2), whole(2), grown(2), vec![(1, Whole(3))], vec![], grown(4)]);
    assert_eq!((stats.num_dictionary_deltas, stats.num_replaced_dictionaries), (2, 5));
    let (off, _) = sent(&batches, IpcWriteOptions::default());
    assert_eq!(off[..3], [whole(2), whole(2), whole(3)]);
}

#[test]
fn dictionaries_of_three_levels_follow_each_other() {
    let level = |values: RecordBatch| -> RecordBatch {
        let item = Arc::new(Field::new_list_field(values.column(0).data_type().clone(), true));
        let offsets = OffsetBuffer::from_repeated_length(1, values.num_rows());
        batch(Arc::new(ListArray::try_new(item, offsets, values.column(0).clone(), None).unwrap()))
    };
    let batches = [level(lists(&["a", "b"], vec![0, 1])), level(lists(&["a", "b", "c"], vec![0, 1]))];
    let (sent, _) = sent(&batches, deltas());
    assert_eq!(sent[1], [(0, Delta(1)), (1, Whole(2)), (2, Whole(2))]);
}

#[test]
fn each_dictionary_of_a_batch_grows_by_itself() {
    let batch = |a: &[&str], b: &[&str]| {
        let columns = [("a", batch(words(a))), ("b", batch(words(b)))];
        let columns = columns.map(|(name, batch)| (name, batch.column(0).slice(0, 1)));
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let batches = [batch(&["x"], &["y"]), batch(&["x"], &["y", "z"]), batch(&["x", "w"], &["z", "y"])];
    let (sent, _) = sent(&batches, deltas());
    let expected = [vec![(0, Whole(1)), (1, Whole(1))], vec![(1, Delta(1))], vec![(0, Delta(1)), (1, Whole(2))]];
    assert_eq!(sent, expected);
}

#[test]
fn a_batch_in_pieces_sends_its_delta_once() {
    let values = |count: i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values(0..count)) };
    let mut encoder = Encoder::new(batch(values(1)).schema(), deltas().with_target_message_size(600)).unwrap();
    let mut messages = vec![encoder.schema_message()];
    for batch in [batch(values(1000)), batch(values(1001))] {
        let mut pieces = encoder.pieces(&batch).unwrap();
        while encoder.encode_piece(&mut pieces, &mut messages).unwrap() {}
    }
    let dictionaries: Vec<_> = messages.iter().filter_map(dictionary).collect();
    assert_eq!(dictionaries, [(0, Whole(1000)), (0, Delta(1))]);
    assert!(messages.iter().filter(|message| message.kind == MessageKind::RecordBatch).count() > 10);
    let rows: usize = decode(&parts(&messages)).unwrap().iter().map(RecordBatch::num_rows).sum();
    assert_eq!(rows, 2001);
}

/// Batches whose dictionary grows, shrinks, changes or stays, in the same memory or in other.
fn walk(values: &DataType, random: &mut StdRng) -> Vec<RecordBatch> {
    let (mut seed, mut count) = (0, 10);
    (0..8)
        .map(|_| {
            match random.random_range(0..6) {
                0 => seed += 1,
                1 => count = random.random_range(1..count + 1),
                2 => {}
                _ => count += random.random_range(1..10),
            }
            batch(random::array(values, 100, true, seed).slice(0, count))
        })
        .collect()
}

#[test]
fn random_changes_with_each_codec_and_version() {
    let mut random = StdRng::seed_from_u64(7);
    let mut grown = 0;
    for data_type in value_types() {
        let batches = walk(&data_type, &mut random);
        let v4 = deltas().with_metadata_version(MetadataVersion::V4);
        let lz4 = deltas().with_compression(CompressionCodec::Lz4);
        for options in [deltas(), lz4, v4.clone(), v4.with_compression(CompressionCodec::Zstd)] {
            let mut decoder = decoder();
            let messages = parts(&encode(&batches, options.clone()));
            assert_eq!(decode_with(&mut decoder, &messages).unwrap(), batches, "{data_type} {options:?}");
            grown += decoder.stats().num_dictionary_deltas;
        }
    }
    assert!(grown > 200, "{grown}");
}
