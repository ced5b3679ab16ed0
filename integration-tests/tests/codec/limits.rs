//! Limits of memory and size: each a plain error, after which the decoder goes on.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray, StringViewArray, new_null_array};
use arrow_schema::{DataType, Field, Fields, Schema, UnionFields, UnionMode};
use peregrine::ipc::{Decoder, Encoder, Error, IpcReadOptions, IpcWriteOptions, MessageLimits};
use peregrine::proto::{FlightError, FlightErrorKind};
use peregrine_testkit::random;

use crate::deltas::as_delta;
use crate::dictionaries::dictionary_of;
use crate::framing::{Message, decode_with, encode, parts};

fn decoder(limits: MessageLimits) -> Decoder {
    Decoder::new(IpcReadOptions::default(), limits)
}

fn kind(error: Error) -> FlightErrorKind {
    FlightError::from(error).kind()
}

#[test]
fn a_header_over_its_limit() {
    let messages = parts(&encode(&[random::batch(&random::flat_types(), 1, 1)], IpcWriteOptions::default()));
    let limits = MessageLimits { header: messages[0].0.len() - 1, ..MessageLimits::default() };
    let error = decode_with(&mut decoder(limits), &messages).unwrap_err();
    assert_eq!(kind(error), FlightErrorKind::ResourceExhausted);
    let limits = MessageLimits { header: messages[0].0.len(), ..MessageLimits::default() };
    assert_eq!(decode_with(&mut decoder(limits), &messages).unwrap().len(), 1);
}

/// Schema and dictionary messages of one dictionary of so many words, the latter as often as wanted.
fn dictionaries(times: usize) -> Vec<Message> {
    (0..times).fold(Vec::new(), |mut messages, time| {
        let words: ArrayRef = Arc::new(StringArray::from_iter_values((0..1000).map(|n| format!("word {n} of {time}"))));
        let column = DictionaryArray::<Int32Type>::try_new(Int32Array::from(vec![0]), words).unwrap();
        let batch = RecordBatch::try_from_iter([("d", Arc::new(column) as ArrayRef)]).unwrap();
        let encoded = parts(&encode(&[batch], IpcWriteOptions::default()));
        messages.extend_from_slice(if messages.is_empty() { &encoded[..2] } else { &encoded[1..2] });
        messages
    })
}

#[test]
fn dictionaries_that_are_kept_count_and_replaced_ones_do_not() {
    let messages = dictionaries(20);
    let size = messages[1].1.len();
    let limits = MessageLimits { dictionaries: size * 2, ..MessageLimits::default() };
    assert!(decode_with(&mut decoder(limits), &messages).is_ok());
    let limits = MessageLimits { dictionaries: size - 1, ..MessageLimits::default() };
    let error = decode_with(&mut decoder(limits), &messages).unwrap_err();
    assert!(matches!(error, Error::Limit { what: "bytes of dictionaries", .. }), "{error}");
    assert_eq!(kind(error), FlightErrorKind::ResourceExhausted);
}

#[test]
fn deltas_count_together() {
    let messages = dictionaries(1);
    let size = messages[1].1.len();
    let limits = MessageLimits { dictionaries: size * 10, ..MessageLimits::default() };
    let mut decoder = decoder(limits);
    decode_with(&mut decoder, &messages).unwrap();
    let delta = as_delta(&messages[1]);
    let taken = (0..20).take_while(|_| decode_with(&mut decoder, std::slice::from_ref(&delta)).is_ok()).count();
    assert!((7..=9).contains(&taken), "{taken}");
    assert_eq!(decoder.stats().num_dictionary_deltas, taken as u64);
}

#[test]
fn a_delta_before_its_dictionary_is_an_error() {
    let messages = dictionaries(1);
    let mut decoder = decoder(MessageLimits::default());
    decode_with(&mut decoder, &messages[..1]).unwrap();
    assert!(decode_with(&mut decoder, &[as_delta(&messages[1])]).is_err());
}

#[test]
fn inner_dictionaries_that_were_replaced_count_while_outer_ones_have_them() {
    // The outer one may be the last to hold the bytes of the inner one, so these count for both.
    let data_type =
        dictionary_of(DataType::Int8, DataType::new_list(dictionary_of(DataType::Int16, DataType::Utf8), true));
    let batch = random::batch(std::slice::from_ref(&data_type), 20, 1);
    let messages = parts(&encode(&[batch], IpcWriteOptions::default()));
    let (inner, outer) = (messages[1].1.len(), messages[2].1.len());
    let limits = |dictionaries| MessageLimits { dictionaries, ..MessageLimits::default() };
    let overhead = 3 * 512;
    assert!(decode_with(&mut decoder(limits(2 * inner + outer + overhead)), &messages).is_ok());
    let error = decode_with(&mut decoder(limits(2 * inner + outer + overhead - 1)), &messages).unwrap_err();
    assert_eq!(kind(error), FlightErrorKind::ResourceExhausted);
}

fn nested(depth: usize) -> DataType {
    (1..depth).fold(DataType::Int32, |inner, _| DataType::Struct(Fields::from(vec![Field::new("inner", inner, true)])))
}

fn on_stack<T: Send>(bytes: usize, f: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        std::thread::Builder::new().stack_size(bytes).spawn_scoped(scope, f).unwrap().join().unwrap()
    })
}

/// A column of `fitting` is read on a stack of so many bytes, and a schema with `refused` is not. What arrow does to make
/// and to compare such columns takes more.
fn assert_depth(limit: usize, stack: usize, fitting: &DataType, refused: &DataType) {
    on_stack(64 << 20, || {
        let limits = MessageLimits { schema_depth: limit, ..MessageLimits::default() };
        let schema = |data_type: &DataType| Arc::new(Schema::new(vec![Field::new("c0", data_type.clone(), true)]));
        let batch = RecordBatch::try_new(schema(fitting), vec![new_null_array(fitting, 20)]).unwrap();
        let messages = parts(&encode(std::slice::from_ref(&batch), IpcWriteOptions::default()));
        let read = on_stack(stack, || decode_with(&mut decoder(limits.clone()), &messages).unwrap());
        assert_eq!(read, [batch]);
        let message = Encoder::new(schema(refused), IpcWriteOptions::default()).unwrap().schema_message();
        let error = on_stack(stack, || decode_with(&mut decoder(limits), &parts(&[message])).unwrap_err());
        let error = FlightError::from(error);
        assert_eq!(error.kind(), FlightErrorKind::ResourceExhausted, "{refused}");
        assert!(error.message().contains(&format!("limit of {limit}")), "{error}");
    });
}

/// What a thread has unless told otherwise.
const THREAD: usize = 2 << 20;

#[test]
fn types_nest_up_to_the_limit_and_no_deeper() {
    for (limit, refused) in [(64, 65), (10, 11), (64, 100), (64, 300)] {
        assert_depth(limit, THREAD, &nested(limit), &nested(refused));
    }
}

/// A type of so many levels, by each way to put a type into another one.
fn nestings(depth: usize) -> Vec<DataType> {
    type Nest = fn(Arc<Field>) -> DataType;
    let nests: [Nest; 10] = [
        DataType::List,
        DataType::LargeList,
        DataType::ListView,
        DataType::LargeListView,
        |field| DataType::FixedSizeList(field, 1),
        |field| DataType::Union(UnionFields::from_fields([field]), UnionMode::Sparse),
        |field| DataType::Union(UnionFields::from_fields([field]), UnionMode::Dense),
        |values| DataType::RunEndEncoded(Arc::new(Field::new("run_ends", DataType::Int16, false)), values),
        // Two levels each: keys and lists, or pairs and what is in them.
        |field| dictionary_of(DataType::Int8, DataType::List(field)),
        |value| {
            let pair = Fields::from(vec![Arc::new(Field::new("key", DataType::Int8, false)), value]);
            DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), false)
        },
    ];
    let nest = |nest: &Nest| {
        let mut data_type = DataType::Int32;
        let mut levels = 1;
        while levels < depth {
            data_type = nest(Arc::new(Field::new("inner", data_type, true)));
            levels += if matches!(data_type, DataType::Map(_, _) | DataType::Dictionary(_, _)) { 2 } else { 1 };
        }
        data_type
    };
    nests.iter().map(nest).collect()
}

#[test]
fn every_kind_of_type_nests_up_to_the_limit() {
    // Those that take two levels have an odd number.
    for (fitting, refused) in nestings(63).iter().zip(&nestings(65)) {
        assert_depth(64, THREAD, fitting, refused);
    }
    for (fitting, refused) in nestings(9).iter().zip(&nestings(10)) {
        assert_depth(9, THREAD, fitting, refused);
    }
}

#[test]
fn the_deepest_types_of_all_need_more_stack_without_optimization() {
    assert_depth(128, 16 << 20, &nested(128), &nested(129));
}

#[test]
fn values_without_bytes_do_not_count_as_many_as_a_peer_likes() {
    let item = Arc::new(Field::new("item", DataType::Struct(Fields::empty()), false));
    let list = DataType::FixedSizeList(item, 1 << 20);
    let batch = random::batch(&[DataType::Null, list], 64, 1);
    let messages = parts(&encode(&[batch], IpcWriteOptions::default()));
    // 64 lists of a million empty structs each, and some of the lists are null: 8 MiB of bitmap for 8 bytes.
    let error = decode_with(&mut decoder(MessageLimits::default()), &messages).unwrap_err();
    assert_eq!(kind(error), FlightErrorKind::ResourceExhausted);
}

#[test]
fn views_that_share_bytes_count_each_time() {
    let long = "x".repeat(10_000);
    let shared = StringViewArray::from_iter_values([&long]);
    let views = vec![shared.views()[0]; 1000];
    let array = StringViewArray::try_new(views.into(), shared.data_buffers().to_vec(), None).unwrap();
    let batch = RecordBatch::try_from_iter([("v", Arc::new(array) as ArrayRef)]).unwrap();
    let messages = parts(&encode(std::slice::from_ref(&batch), IpcWriteOptions::default()));
    assert!(messages[1].1.len() < 30_000);
    let limits = MessageLimits { decompressed_message: 9_999_999, ..MessageLimits::default() };
    let error = decode_with(&mut decoder(limits), &messages).unwrap_err();
    assert_eq!(kind(error), FlightErrorKind::ResourceExhausted);
    assert_eq!(decode_with(&mut decoder(MessageLimits::default()), &messages).unwrap(), [batch]);
}

#[test]
fn many_columns_of_the_same_bytes_are_refused() {
    let fields: Vec<_> = (0..50).map(|n| Field::new(format!("c{n}"), DataType::Int8, false)).collect();
    let schema = Arc::new(Schema::new(fields));
    let column: ArrayRef = Arc::new(arrow_array::Int8Array::from(vec![1; 64]));
    let batch = RecordBatch::try_new(schema, vec![column; 50]).unwrap();
    let mut messages = parts(&encode(&[batch], IpcWriteOptions::default()));
    // Every column's values are the last one's.
    let (header, body) = &mut messages[1];
    let mut moved = header.to_vec();
    let last = (body.len() as i64 - 64).to_le_bytes();
    let buffers = arrow_ipc::root_as_message(header).unwrap().header_as_record_batch().unwrap().buffers().unwrap();
    let start = buffers.bytes().as_ptr() as usize - header.as_ptr() as usize;
    for buffer in 0..buffers.len() {
        moved[start + buffer * 16..][..8].copy_from_slice(&last);
    }
    *header = moved.into();
    let read = |messages: &[Message]| decode_with(&mut decoder(MessageLimits::default()), messages);
    assert!(read(&messages).is_ok(), "the sum of the buffers is no more than the body");
    // And now in a body that has no room for more than one of them.
    let (header, body) = &mut messages[1];
    *body = body.slice(..64);
    let mut small = header.to_vec();
    let stated = arrow_ipc::root_as_message(header).unwrap().bodyLength().to_le_bytes();
    let place = (0..small.len() - 8).find(|&place| small[place..place + 8] == stated).unwrap();
    small[place..place + 8].copy_from_slice(&64_i64.to_le_bytes());
    for buffer in 0..100 {
        small[start + buffer * 16..][..8].copy_from_slice(&0_i64.to_le_bytes());
    }
    *header = small.into();
    assert_eq!(kind(read(&messages).unwrap_err()), FlightErrorKind::ResourceExhausted);
}
