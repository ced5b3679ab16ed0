//! Dictionary ids as the user wants them, and dictionaries that several fields share.

use std::sync::Arc;

use arrow_array::types::Int8Type;
use arrow_array::{Array, ArrayRef, DictionaryArray, ListArray, RecordBatch, StringArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use peregrine::ipc::{
    DictionaryIds, EncodedMessage, Encoder, Error, IpcWriteOptions, MessageKind, MetadataVersion, Problem,
};
use peregrine::proto::encode_schema_header_with_ids;

use crate::framing::{arrow_decode, decode, decoder, parts};

fn listed(ids: &[i64]) -> IpcWriteOptions {
    IpcWriteOptions::default().with_dictionary_ids(DictionaryIds::Listed(ids.to_vec()))
}

fn of_fields() -> IpcWriteOptions {
    IpcWriteOptions::default().with_dictionary_ids(DictionaryIds::OfFields)
}

fn words(words: [&str; 2]) -> ArrayRef {
    Arc::new(StringArray::from(words.to_vec()))
}

fn dictionary(keys: [i8; 3], values: &ArrayRef) -> ArrayRef {
    Arc::new(DictionaryArray::<Int8Type>::try_new(keys.to_vec().into(), values.clone()).unwrap())
}

/// Two columns, and a list of one row with the same values inside.
fn batch(a: &ArrayRef, b: &ArrayRef, c: &ArrayRef) -> RecordBatch {
    let item = Arc::new(Field::new("item", c.data_type().clone(), true));
    let list = ListArray::new(item, OffsetBuffer::from_lengths([1, 0, 2]), c.clone(), None);
    RecordBatch::try_from_iter([("a", a.clone()), ("b", b.clone()), ("c", Arc::new(list) as ArrayRef)]).unwrap()
}

fn encode(batches: &[RecordBatch], options: IpcWriteOptions) -> Result<Vec<EncodedMessage>, Error> {
    let mut encoder = Encoder::new(batches[0].schema(), options)?;
    let mut messages = vec![encoder.schema_message()];
    batches.iter().try_for_each(|batch| encoder.encode(batch, &mut messages))?;
    Ok(messages)
}

/// The ids of the dictionary messages.
fn sent(messages: &[EncodedMessage]) -> Vec<i64> {
    let dictionaries = messages.iter().filter(|message| message.kind == MessageKind::DictionaryBatch);
    let id = |message: &EncodedMessage| {
        arrow_ipc::root_as_message(&message.header).unwrap().header_as_dictionary_batch().unwrap().id()
    };
    dictionaries.map(id).collect()
}

/// The ids that the fields of a schema message have, those of children first.
fn announced(message: &EncodedMessage) -> Vec<i64> {
    fn collect(field: arrow_ipc::Field<'_>, ids: &mut Vec<i64>) {
        field.children().into_iter().flatten().for_each(|child| collect(child, ids));
        ids.extend(field.dictionary().map(|dictionary| dictionary.id()));
    }
    let mut ids = Vec::new();
    let message = arrow_ipc::root_as_message(&message.header).unwrap();
    message.header_as_schema().unwrap().fields().unwrap().iter().for_each(|field| collect(field, &mut ids));
    ids
}

#[test]
fn a_dictionary_that_fields_share_is_sent_once_and_again_when_it_changed() {
    let (one, two) = (words(["x", "y"]), words(["z", "w"]));
    let of =
        |values| batch(&dictionary([0, 1, 0], values), &dictionary([1, 1, 0], values), &dictionary([1, 0, 0], values));
    let batches = [of(&one), of(&one), of(&two)];
    let messages = encode(&batches, listed(&[-3, -3, -3])).unwrap();
    assert_eq!(announced(&messages[0]), [-3, -3, -3]);
    assert_eq!(sent(&messages), [-3, -3]);
    assert_eq!(decode(&parts(&messages)).unwrap(), batches);
    assert_eq!(arrow_decode(&parts(&messages)).1, batches);
    // Without a word about it each field has its own.
    assert_eq!(sent(&encode(&batches, IpcWriteOptions::default()).unwrap()), [0, 1, 2, 0, 1, 2]);
}

#[test]
fn equal_values_in_other_memory_are_shared_too() {
    let [a, b, c] = [(); 3].map(|()| words(["x", "y"]));
    let batch = batch(&dictionary([0, 1, 0], &a), &dictionary([1, 1, 0], &b), &dictionary([1, 0, 0], &c));
    assert_eq!(sent(&encode(&[batch], listed(&[5, 5, 5])).unwrap()), [5]);
}

#[test]
fn other_values_under_one_id_are_refused_and_the_next_batch_is_sent_whole() {
    let (one, two) = (words(["x", "y"]), words(["x", "z"]));
    let good = batch(&dictionary([0, 1, 0], &one), &dictionary([1, 1, 0], &one), &dictionary([1, 0, 0], &one));
    let bad = batch(&dictionary([0, 1, 0], &one), &dictionary([1, 1, 0], &one), &dictionary([1, 0, 0], &two));
    let mut encoder = Encoder::new(good.schema(), listed(&[8, 8, 8])).unwrap();
    let mut messages = vec![encoder.schema_message()];
    encoder.encode(&good, &mut messages).unwrap();
    let error = encoder.encode(&bad, &mut messages).unwrap_err();
    assert!(
        matches!(&error, Error::Field { path, problem: Problem::SharedDictionary { id: 8, with } } if path == "c" && with == "a")
    );
    encoder.encode(&good, &mut messages).unwrap();
    assert_eq!(decode(&parts(&messages)).unwrap(), [good.clone(), good]);
}

#[test]
fn ids_of_the_wire_go_out_as_they_came() {
    let (one, two) = (words(["x", "y"]), words(["z", "w"]));
    let batch = batch(&dictionary([0, 1, 0], &one), &dictionary([1, 1, 0], &two), &dictionary([1, 0, 0], &one));
    for ids in [[0, 1, 0], [7, 0, 7], [i64::MIN, i64::MAX, i64::MIN], [2, 1, 2]] {
        let first = encode(std::slice::from_ref(&batch), listed(&ids)).unwrap();
        let again = encode(&decode(&parts(&first)).unwrap(), of_fields()).unwrap();
        assert_eq!(announced(&again[0]), ids);
        assert_eq!(sent(&again), ids[..2]);
        assert_eq!(decode(&parts(&again)).unwrap(), std::slice::from_ref(&batch));
    }
}

#[test]
fn ids_that_cannot_be_are_refused() {
    let values = words(["x", "y"]);
    let keys = dictionary([0, 1, 0], &values);
    let schema = batch(&keys, &keys, &keys).schema();
    let refused = |schema: &SchemaRef, ids: &[i64]| Encoder::new(schema.clone(), listed(ids)).err();
    for ids in [&[][..], &[1, 2], &[1, 2, 3, 4]] {
        assert!(matches!(refused(&schema, ids), Some(Error::Schema { .. })), "{ids:?}");
    }
    let of = |values: DataType| DataType::Dictionary(Box::new(DataType::Int8), Box::new(values));
    let list = |items: DataType| DataType::List(Arc::new(Field::new("item", items, true)));
    let schema = |types: [DataType; 2]| -> SchemaRef {
        Arc::new(Schema::new(types.into_iter().map(|t| Field::new("d", t, true)).collect::<Vec<_>>()))
    };
    let is_type = |error| matches!(error, Some(Error::Field { problem: Problem::DictionaryType { .. }, .. }));
    assert!(is_type(refused(&schema([of(DataType::Utf8), of(DataType::Binary)]), &[4, 4])));
    // A dictionary inside itself, and one whose values hold two different ones.
    let nested = of(list(of(DataType::Utf8)));
    assert!(is_type(refused(&schema([nested.clone(), DataType::Null]), &[4, 4])));
    assert!(is_type(refused(&schema([nested.clone(), nested.clone()]), &[1, 4, 2, 4])));
    assert!(refused(&schema([nested.clone(), nested]), &[1, 4, 1, 4]).is_none());
}

#[test]
fn a_schema_from_outside_is_held_to_the_same_rules() {
    let of = |values: DataType| DataType::Dictionary(Box::new(DataType::Int8), Box::new(values));
    let list = DataType::List(Arc::new(Field::new("item", of(DataType::Utf8), true)));
    let schema = Schema::new(["a", "b"].map(|name| Field::new(name, of(list.clone()), true)).to_vec());
    let header = |ids: [i64; 4]| encode_schema_header_with_ids(&schema, MetadataVersion::V5, &ids).unwrap();
    let error = decoder().decode(&header([2, 1, 3, 1]), Bytes::new()).unwrap_err();
    assert!(matches!(error, Error::Field { problem: Problem::DictionaryType { id: 1 }, .. }), "{error}");
    // Other ids are another schema.
    let mut decoder = decoder();
    for _ in 0..2 {
        decoder.decode(&header([2, 1, 2, 1]), Bytes::new()).unwrap();
    }
    let error = decoder.decode(&header([2, 1, 3, 4]), Bytes::new()).unwrap_err();
    assert!(matches!(error, Error::SchemaChanged { .. }), "{error}");
}

#[test]
fn an_inner_dictionary_of_two_outer_ones_has_both_sent_again() {
    let of = |inner: [&str; 2], key: i8| -> ArrayRef {
        let item = dictionary([0, 1, 0], &words(inner));
        let field = Arc::new(Field::new("item", item.data_type().clone(), true));
        let lists = ListArray::new(field, OffsetBuffer::from_lengths([1, 2]), item, None);
        Arc::new(DictionaryArray::<Int8Type>::try_new(vec![key, 0].into(), Arc::new(lists)).unwrap())
    };
    let batch = |inner| RecordBatch::try_from_iter([("a", of(inner, 1)), ("b", of(inner, 0))]).unwrap();
    let batches = [batch(["x", "y"]), batch(["x", "y"]), batch(["x", "z"])];
    let messages = encode(&batches, listed(&[3, 1, 3, 2])).unwrap();
    assert_eq!(sent(&messages), [3, 1, 2, 3, 1, 2]);
    assert_eq!(decode(&parts(&messages)).unwrap(), batches);
}

#[test]
fn shared_dictionaries_grow_by_deltas() {
    let whole: ArrayRef = Arc::new(StringArray::from(vec!["x", "y", "z"]));
    let of = |count| {
        let values = whole.slice(0, count);
        batch(&dictionary([0, 1, 0], &values), &dictionary([1, 1, 0], &values), &dictionary([1, 0, 0], &values))
    };
    let options = listed(&[2, 2, 2]).with_dictionary_deltas(true);
    let messages = encode(&[of(2), of(3)], options).unwrap();
    assert_eq!(sent(&messages), [2, 2]);
    let mut decoder = decoder();
    let batches = crate::framing::decode_with(&mut decoder, &parts(&messages)).unwrap();
    assert_eq!(decoder.stats().num_dictionary_deltas, 1);
    assert_eq!(batches, [of(2), of(3)]);
}
