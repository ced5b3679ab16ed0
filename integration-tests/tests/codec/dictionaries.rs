//! Dictionaries: sent once, kept, replaced; deltas read; never used before they were sent.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray};
use arrow_ipc::writer::{DictionaryHandling, IpcWriteOptions as ArrowOptions, StreamWriter};
use arrow_schema::DataType;
use peregrine::ipc::{Decoded, Encoder, Error, IpcWriteOptions, MessageKind, Problem};
use peregrine_testkit::random;

use crate::framing::{arrow_decode, decode, decode_with, decoder, messages, parts};

/// The type with these keys and values.
pub(crate) fn dictionary_of(keys: DataType, values: DataType) -> DataType {
    DataType::Dictionary(Box::new(keys), Box::new(values))
}

fn words(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn batch(keys: &[i32], values: &ArrayRef) -> RecordBatch {
    let keys = Int32Array::from(keys.to_vec());
    let column: ArrayRef = Arc::new(DictionaryArray::<Int32Type>::try_new(keys, values.clone()).unwrap());
    RecordBatch::try_from_iter([("d", column)]).unwrap()
}

/// The kinds of the messages of each batch, and all messages.
fn kinds(batches: &[RecordBatch]) -> (Vec<usize>, Vec<peregrine::ipc::EncodedMessage>, Encoder) {
    let mut encoder = Encoder::new(batches[0].schema(), IpcWriteOptions::default()).unwrap();
    let mut messages = vec![encoder.schema_message()];
    let mut dictionaries = Vec::new();
    for batch in batches {
        let before = messages.len();
        encoder.encode(batch, &mut messages).unwrap();
        let of_batch = &messages[before..];
        assert_eq!(of_batch.last().unwrap().kind, MessageKind::RecordBatch);
        dictionaries.push(of_batch.iter().filter(|message| message.kind == MessageKind::DictionaryBatch).count());
    }
    (dictionaries, messages, encoder)
}

#[test]
fn kept_by_pointer_and_by_value_and_replaced_when_it_changed() {
    let (first, equal, longer) = (words(&["a", "b"]), words(&["a", "b"]), words(&["a", "b", "c"]));
    let batches = [
        batch(&[0, 1], &first),
        batch(&[1, 1], &first),
        batch(&[0, 0], &equal),
        batch(&[2, 1], &longer),
        batch(&[1, 0], &first),
    ];
    let (sent, messages, encoder) = kinds(&batches);
    assert_eq!(sent, [1, 0, 0, 1, 1]);
    let stats = encoder.stats();
    assert_eq!((stats.num_dictionary_batches, stats.num_replaced_dictionaries), (3, 2));
    assert_eq!((stats.num_record_batches, stats.num_messages), (5, 9));

    let mut decoder = decoder();
    assert_eq!(decode_with(&mut decoder, &parts(&messages)).unwrap(), batches);
    let stats = decoder.stats();
    assert_eq!((stats.num_dictionary_batches, stats.num_replaced_dictionaries), (3, 2));
    assert_eq!((stats.num_record_batches, stats.num_messages), (5, 9));
    assert_eq!(arrow_decode(&parts(&messages)).1, batches);
}

#[test]
fn slices_of_a_batch_send_its_dictionary_once() {
    let whole = random::batch(&[dictionary_of(DataType::Int8, DataType::Utf8)], 300, 1);
    let slices = [whole.slice(0, 64), whole.slice(64, 100), whole.slice(164, 136), whole.slice(5, 0)];
    let (sent, messages, _) = kinds(&slices);
    assert_eq!(sent, [1, 0, 0, 0]);
    assert_eq!(decode(&parts(&messages)).unwrap(), slices);
}

#[test]
fn dictionaries_inside_of_dictionaries_come_first_and_change_both() {
    let nested = random::nested_types();
    let inner = nested.iter().filter(|t| matches!(t, DataType::Dictionary(_, v) if matches!(&**v, DataType::List(_))));
    for data_type in inner {
        let batches = [1, 2].map(|seed| random::batch(std::slice::from_ref(data_type), 50, seed));
        let (sent, messages, _) = kinds(&batches);
        assert_eq!(sent[0], sent[1]);
        assert_eq!(decode(&parts(&messages)).unwrap(), batches);
        assert_eq!(arrow_decode(&parts(&messages)).1, batches);
    }
}

#[test]
fn deltas_that_arrow_ipc_writes_are_read() {
    let values = ["a", "b", "c", "d", "e"];
    let batches: Vec<_> = (2..=5).map(|n| batch(&[0, n - 1], &words(&values[..n as usize]))).collect();
    let mut stream = Vec::new();
    let options = ArrowOptions::default().with_dictionary_handling(DictionaryHandling::Delta);
    let mut writer = StreamWriter::try_new_with_options(&mut stream, &batches[0].schema(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    let messages = messages(&stream.into());
    let mut decoder = decoder();
    assert_eq!(decode_with(&mut decoder, &messages).unwrap(), batches);
    assert_eq!(decoder.stats().num_dictionary_deltas, 3);
    assert_eq!(decoder.stats().num_replaced_dictionaries, 0);
}

#[test]
fn a_batch_whose_dictionary_was_not_sent_is_an_error() {
    let (_, messages, _) = kinds(&[batch(&[0, 1], &words(&["a", "b"]))]);
    let mut messages = parts(&messages);
    let dictionary = messages.remove(1);
    let mut decoder = decoder();
    let error = decode_with(&mut decoder, &messages).unwrap_err();
    assert!(
        matches!(&error, Error::Field { path, problem: Problem::NoDictionary { id: 0 } } if path == "d"),
        "{error}"
    );
    // The decoder goes on.
    assert_eq!(decoder.decode(&dictionary.0, dictionary.1).unwrap(), Decoded::Dictionary);
    assert!(decoder.decode(&messages[1].0, messages[1].1.clone()).is_ok());
}

#[test]
fn keys_behind_the_values_are_an_error() {
    let (_, long, _) = kinds(&[batch(&[0, 2], &words(&["a", "b", "c"]))]);
    let (_, short, _) = kinds(&[batch(&[0, 1], &words(&["a", "b"]))]);
    let (mut messages, short) = (parts(&long), parts(&short));
    messages[1] = short[1].clone();
    let error = decode(&messages).unwrap_err();
    assert!(matches!(&error, Error::Field { problem: Problem::Values { .. }, .. }), "{error}");
}

#[test]
fn an_array_keeps_the_dictionary_that_it_was_sent_with() {
    let (first, second) = (words(&["a", "b"]), words(&["x", "y"]));
    let batches = [batch(&[0, 1], &first), batch(&[0, 1], &second), batch(&[1, 1], &second)];
    let (_, messages, _) = kinds(&batches);
    let read = decode(&parts(&messages)).unwrap();
    assert_eq!(read, batches);
    let values = |batch: &RecordBatch| batch.column(0).to_data().child_data()[0].clone();
    assert!(values(&read[1]).ptr_eq(&values(&read[2])), "a kept dictionary is the same memory for both batches");
    assert!(!values(&read[0]).ptr_eq(&values(&read[1])));
}
