//! Deltas of dictionaries: added where that is safe, and an error of their own type where it is not.

use std::sync::Arc;

use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, FixedSizeListArray, Int8Array, Int32Array, Int64Array, ListArray, NullArray,
    RecordBatch, StringArray, StructArray, UnionArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Fields, UnionFields};
use bytes::Bytes;
use peregrine::ipc::{Error, IpcWriteOptions, Problem};
use peregrine_testkit::random;

use crate::framing::{Message, decode_with, decoder, encode, parts};

/// The dictionary message with its delta flag set. A flag that is false is not written at all: the header is new.
pub(crate) fn as_delta((header, body): &Message) -> Message {
    let dictionary = arrow_ipc::root_as_message(header).unwrap().header_as_dictionary_batch().unwrap();
    let batch = dictionary.data().unwrap();
    let mut builder = flatbuffers::FlatBufferBuilder::new();
    let nodes: Vec<_> = batch.nodes().unwrap().iter().copied().collect();
    let buffers: Vec<_> = batch.buffers().unwrap().iter().copied().collect();
    let variadic = batch.variadicBufferCounts().map(|counts| counts.iter().collect::<Vec<_>>());
    let (nodes, buffers) = (builder.create_vector(&nodes), builder.create_vector(&buffers));
    let variadic = variadic.map(|counts| builder.create_vector(&counts));
    let args = arrow_ipc::RecordBatchArgs {
        length: batch.length(),
        nodes: Some(nodes),
        buffers: Some(buffers),
        variadicBufferCounts: variadic,
        ..Default::default()
    };
    let data = Some(arrow_ipc::RecordBatch::create(&mut builder, &args));
    let args = arrow_ipc::DictionaryBatchArgs { id: dictionary.id(), data, isDelta: true };
    let dictionary = arrow_ipc::DictionaryBatch::create(&mut builder, &args);
    let args = arrow_ipc::MessageArgs {
        version: arrow_ipc::MetadataVersion::V5,
        header_type: arrow_ipc::MessageHeader::DictionaryBatch,
        header: Some(dictionary.as_union_value()),
        bodyLength: body.len() as i64,
        custom_metadata: None,
    };
    let message = arrow_ipc::Message::create(&mut builder, &args);
    builder.finish(message, None);
    (Bytes::copy_from_slice(builder.finished_data()), body.clone())
}

/// A column that has one key, and these values.
fn dictionary(values: ArrayRef) -> RecordBatch {
    let column = DictionaryArray::<Int32Type>::try_new(Int32Array::from(vec![0]), values).unwrap();
    RecordBatch::try_from_iter([("d", Arc::new(column) as ArrayRef)]).unwrap()
}

/// What becomes of a batch whose dictionary (the last one, if there are more) came twice, the second time as a delta.
fn twice(values: ArrayRef) -> Result<Vec<RecordBatch>, Error> {
    let mut messages = parts(&encode(&[dictionary(values)], IpcWriteOptions::default()));
    let last = messages.len() - 1;
    messages.insert(last, as_delta(&messages[last - 1]));
    decode_with(&mut decoder(), &messages)
}

fn assert_unsupported(read: &Result<Vec<RecordBatch>, Error>, name: &dyn std::fmt::Debug) {
    let refused = matches!(read, Err(Error::Field { problem: Problem::Unsupported { .. }, .. }));
    assert!(refused, "{name:?}: {read:?}");
}

#[test]
fn values_of_every_type_are_added_or_refused_by_their_type() {
    fn refuses(data_type: &DataType) -> bool {
        let name = format!("{data_type:?}");
        ["Union", "RunEndEncoded", "Dictionary"].iter().any(|part| name.contains(part))
    }
    for data_type in random::all_types().into_iter().filter(|t| !matches!(t, DataType::Dictionary(_, _))) {
        let values = random::batch(std::slice::from_ref(&data_type), 40, 5).column(0).clone();
        let read = twice(values.clone());
        if refuses(&data_type) {
            assert_unsupported(&read, &data_type);
        } else {
            let read = read.unwrap_or_else(|error| panic!("{data_type:?}: {error}"));
            let all = arrow_array::make_array(read[0].column(0).to_data().child_data()[0].clone());
            assert_eq!((all.slice(0, 40).as_ref(), all.slice(40, 40).as_ref()), (&*values, &*values), "{data_type:?}");
        }
    }
}

#[test]
fn large_lists_below_unions_reserve_nothing() {
    let item = Arc::new(Field::new_list_field(DataType::Int64, true));
    let lists = FixedSizeListArray::try_new(item, i32::MAX, Arc::new(Int64Array::from(Vec::<i64>::new())), None);
    let numbers = Field::new("n", DataType::Int8, true);
    let lists = lists.unwrap();
    let fields = UnionFields::try_new([0, 1], [numbers, Field::new("l", lists.data_type().clone(), true)]).unwrap();
    let children: Vec<ArrayRef> = vec![Arc::new(Int8Array::from(vec![1; 1000])), Arc::new(lists)];
    let offsets = (0..1000).collect::<Vec<i32>>().into();
    let union = UnionArray::try_new(fields, vec![0_i8; 1000].into(), Some(offsets), children).unwrap();
    assert_unsupported(&twice(Arc::new(union)), &"union");
}

#[test]
fn keys_of_inner_dictionaries_do_not_overflow() {
    let words: ArrayRef = Arc::new(StringArray::from_iter_values((0..100).map(|n| n.to_string())));
    let inner = DictionaryArray::<Int8Type>::try_new((0..100).collect::<Int8Array>(), words).unwrap();
    let item = Arc::new(Field::new_list_field(inner.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths([50, 50]);
    let lists = ListArray::try_new(item, offsets, Arc::new(inner), None).unwrap();
    assert_unsupported(&twice(Arc::new(lists)), &"list of dictionaries");
}

#[test]
fn rows_without_bytes_do_not_become_bits_without_end() {
    let structs = |rows, nulls| StructArray::try_new_with_length(Fields::empty(), vec![], nulls, rows).unwrap();
    let one = structs(1, Some(NullBuffer::new_null(1)));
    let mut messages = parts(&encode(&[dictionary(Arc::new(one))], IpcWriteOptions::default()));
    let many = parts(&encode(&[dictionary(Arc::new(structs(1 << 30, None)))], IpcWriteOptions::default()));
    messages.insert(2, as_delta(&many[1]));
    let error = decode_with(&mut decoder(), &messages).unwrap_err();
    assert!(matches!(error, Error::Limit { what: "values of a dictionary", .. }), "{error}");
    // A replacement is still taken, and then batches are.
    assert_eq!(twice(Arc::new(NullArray::new(10))).unwrap().len(), 1);
}
