//! The order of messages, and headers that are not what they should be.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array, RecordBatch};
use arrow_ipc::{
    Buffer as WireBuffer, FieldNode, Message as WireMessage, MessageArgs, MessageHeader, MetadataVersion,
    RecordBatch as WireBatch, RecordBatchArgs, TensorBuilder,
};
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use flatbuffers::{FlatBufferBuilder, UnionWIPOffset, WIPOffset};
use peregrine::ipc::{Decoded, Decoder, Encoder, Error, IpcWriteOptions, MessageKind, Problem};
use peregrine::proto::{FlightError, FlightErrorKind};
use peregrine_testkit::random;

use crate::dictionaries::dictionary_of;
use crate::framing::{Message, decode, decode_with, decoder, encode, parts};

fn numbers(values: Vec<i32>) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int32Array::from(values));
    RecordBatch::try_from_iter_with_nullable([("n", column, true)]).unwrap()
}

fn message(
    version: MetadataVersion,
    kind: MessageHeader,
    body: i64,
    header: impl FnOnce(&mut FlatBufferBuilder<'static>) -> WIPOffset<UnionWIPOffset>,
) -> Bytes {
    let mut builder = FlatBufferBuilder::new();
    let header = Some(header(&mut builder));
    let args = MessageArgs { version, header_type: kind, header, bodyLength: body, custom_metadata: None };
    let message = WireMessage::create(&mut builder, &args);
    builder.finish(message, None);
    Bytes::copy_from_slice(builder.finished_data())
}

/// The header of a batch with these nodes and buffers.
fn batch(version: MetadataVersion, rows: i64, nodes: &[(i64, i64)], buffers: &[(i64, i64)], body: i64) -> Bytes {
    message(version, MessageHeader::RecordBatch, body, |builder| {
        let nodes: Vec<_> = nodes.iter().map(|&(rows, nulls)| FieldNode::new(rows, nulls)).collect();
        let buffers: Vec<_> = buffers.iter().map(|&(offset, length)| WireBuffer::new(offset, length)).collect();
        let (nodes, buffers) = (builder.create_vector(&nodes), builder.create_vector(&buffers));
        let args = RecordBatchArgs { length: rows, nodes: Some(nodes), buffers: Some(buffers), ..Default::default() };
        WireBatch::create(builder, &args).as_union_value()
    })
}

/// A decoder that knows the schema of [`numbers`], and a good batch for it.
fn ready() -> (Decoder, Message) {
    let mut messages = parts(&encode(&[numbers(vec![1, 2, 3])], IpcWriteOptions::default()));
    let mut decoder = decoder();
    decode_with(&mut decoder, &messages[..1]).unwrap();
    (decoder, messages.remove(1))
}

#[test]
fn nothing_comes_before_the_schema() {
    let messages = parts(&encode(
        &[random::batch(&[dictionary_of(DataType::Int8, DataType::Utf8)], 3, 1)],
        IpcWriteOptions::default(),
    ));
    for (message, expected) in messages[1..].iter().zip([MessageKind::DictionaryBatch, MessageKind::RecordBatch]) {
        let error = decode(std::slice::from_ref(message)).unwrap_err();
        assert!(matches!(error, Error::BeforeSchema { kind } if kind == expected), "{error}");
    }
}

#[test]
fn the_schema_may_come_again_but_not_another_one() {
    let messages = parts(&encode(&[numbers(vec![1])], IpcWriteOptions::default()));
    let again =
        [messages[0].clone(), messages[0].clone(), messages[1].clone(), messages[0].clone(), messages[1].clone()];
    assert_eq!(decode(&again).unwrap().len(), 2);
    let other = parts(&encode(&[random::batch(&[DataType::Int8], 1, 1)], IpcWriteOptions::default()));
    let mut decoder = decoder();
    decode_with(&mut decoder, &messages).unwrap();
    let error = decode_with(&mut decoder, &other).unwrap_err();
    assert!(matches!(error, Error::SchemaChanged { .. }), "{error}");
    assert!(error.to_string().contains("second schema"), "{error}");
}

#[test]
fn a_stream_may_be_a_schema_and_no_more() {
    let schema = numbers(vec![]).schema();
    let message = Encoder::new(schema.clone(), IpcWriteOptions::default()).unwrap().schema_message();
    let mut decoder = decoder();
    assert_eq!(decoder.schema(), None);
    assert_eq!(decoder.decode(&message.header, message.body_bytes()).unwrap(), Decoded::Schema(schema.clone()));
    assert_eq!(decoder.schema(), Some(&schema));
}

#[test]
fn an_error_names_its_field_and_the_decoder_goes_on() {
    let v5 = MetadataVersion::V5;
    let good = [(0, 0), (0, 12)];
    let cases: Vec<(Bytes, &str)> = vec![
        (batch(v5, 3, &[(3, 0)], &[(0, 0), (0, 8)], 64), "field 'n': the values buffer has 8 bytes and needs 12"),
        (batch(v5, 3, &[(3, 1)], &good, 64), "field 'n': the validity buffer has 0 bytes and needs 1"),
        (batch(v5, 3, &[(3, 4)], &good, 64), "field 'n': 4 nulls stated, but 3"),
        (batch(v5, 3, &[(3, -1)], &good, 64), "field 'n': -1 nulls stated, but 3"),
        (batch(v5, 3, &[(3, 2)], &[(0, 1), (0, 12)], 64), "field 'n': 2 nulls stated, but 3"),
        (batch(v5, 3, &[(-3, 0)], &good, 64), "field 'n': -3 rows stated where 2147483647 are possible"),
        (batch(v5, 2, &[(3, 0)], &good, 64), "field 'n': 3 rows stated where 2 are possible"),
        (batch(v5, 3, &[(i64::MAX, 0)], &good, 64), "field 'n': 9223372036854775807 rows"),
        (batch(v5, -1, &[(3, 0)], &good, 64), "-1 rows stated"),
        (batch(v5, 3, &[], &good, 64), "0 field nodes in a message whose schema needs 1"),
        (batch(v5, 3, &[(3, 0), (3, 0)], &good, 64), "2 field nodes in a message whose schema needs 1"),
        (batch(v5, 3, &[(3, 0)], &good[1..], 64), "1 buffers in a message whose schema needs 2"),
        (batch(v5, 3, &[(3, 0)], &[(0, 0), (60, 12)], 64), "buffer 1 (offset 60, length 12) is not inside"),
        (batch(v5, 3, &[(3, 0)], &[(0, 0), (-4, 12)], 64), "buffer 1 (offset -4, length 12) is not inside"),
        (batch(v5, 3, &[(3, 0)], &[(0, 0), (0, -12)], 64), "buffer 1 (offset 0, length -12) is not inside"),
        (batch(v5, 3, &[(3, 0)], &[(0, 0), (i64::MAX, i64::MAX)], 64), "is not inside"),
        (batch(v5, 3, &[(3, 0)], &good, 65), "states a body of 65 bytes where 64 came"),
        (batch(v5, 3, &[(3, 0)], &good, -1), "states a body of -1 bytes where 64 came"),
        (batch(v5, 3, &[(3, 0)], &good, i64::MAX), "states a body of"),
    ];
    let (mut decoder, (header, body)) = ready();
    let zeros = Bytes::from(vec![0; 64]);
    for (bad, expected) in cases {
        let error = decoder.decode(&bad, zeros.clone()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}, not {expected}");
        assert_eq!(FlightError::from(error).kind(), FlightErrorKind::InvalidArgument);
        decoder.decode(&header, body.clone()).expect("the decoder goes on");
    }
}

#[test]
fn a_body_may_be_longer_than_stated() {
    let (mut decoder, (header, body)) = ready();
    let longer = [&body[..], &[1; 100]].concat();
    assert_eq!(decoder.decode(&header, longer.into()).unwrap(), Decoded::RecordBatch(numbers(vec![1, 2, 3])));
    assert!(matches!(decoder.decode(&header, body.slice(1..)).unwrap_err(), Error::BodyLength { .. }));
}

#[test]
fn a_bitmap_counts_only_where_nulls_are_stated() {
    let (mut decoder, _) = ready();
    let body = Bytes::from(vec![0b011; 64]);
    let two = batch(MetadataVersion::V5, 3, &[(3, 1)], &[(0, 1), (0, 12)], 64);
    let Decoded::RecordBatch(read) = decoder.decode(&two, body.clone()).unwrap() else { panic!() };
    assert_eq!(read.column(0).null_count(), 1);
    let none = batch(MetadataVersion::V5, 3, &[(3, 0)], &[(0, 1), (0, 12)], 64);
    let Decoded::RecordBatch(read) = decoder.decode(&none, body).unwrap() else { panic!() };
    assert_eq!(read.column(0).null_count(), 0);
}

#[test]
fn other_kinds_and_versions_are_refused_plainly() {
    let (mut decoder, _) = ready();
    let tensor = message(MetadataVersion::V5, MessageHeader::Tensor, 0, |builder| {
        let kind = arrow_ipc::NullBuilder::new(builder).finish().as_union_value();
        let shape = builder.create_vector::<WIPOffset<arrow_ipc::TensorDim<'_>>>(&[]);
        let mut tensor = TensorBuilder::new(builder);
        tensor.add_type_type(arrow_ipc::Type::Null);
        tensor.add_type_(kind);
        tensor.add_shape(shape);
        tensor.add_data(&WireBuffer::new(0, 0));
        tensor.finish().as_union_value()
    });
    let old = batch(MetadataVersion::V3, 0, &[], &[], 0);
    for header in [tensor, old] {
        let error = decoder.decode(&header, Bytes::new()).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        assert_eq!(FlightError::from(error).kind(), FlightErrorKind::Unimplemented);
    }
    for bytes in [&b""[..], b"1234", &[0xff; 64]] {
        assert!(matches!(decoder.decode(bytes, Bytes::new()).unwrap_err(), Error::Header { .. }));
    }
}

#[test]
fn a_batch_of_another_schema_is_refused_and_changes_nothing() {
    let mut encoder = Encoder::new(numbers(vec![]).schema(), IpcWriteOptions::default()).unwrap();
    let mut messages = Vec::new();
    let others = [random::batch(&[DataType::Int32], 2, 1), random::batch(&[], 2, 1), {
        let values: ArrayRef = Arc::new(arrow_array::Int64Array::from(vec![1]));
        RecordBatch::try_from_iter([("n", values)]).unwrap()
    }];
    for other in others {
        let error = encoder.encode(&other, &mut messages).unwrap_err();
        assert!(matches!(error, Error::BatchSchema { .. }), "{error}");
        assert!(encoder.pieces(&other).is_err());
    }
    assert!(messages.is_empty());
    assert_eq!(encoder.stats(), Default::default());
    encoder.encode(&numbers(vec![1]), &mut messages).unwrap();
}

#[test]
fn metadata_may_differ_and_nullability_where_there_are_no_nulls() {
    let strict = Arc::new(Schema::new(vec![Field::new("n", DataType::Int32, false)]));
    let loose = Schema::new(vec![Field::new("n", DataType::Int32, true)]);
    let loose = Arc::new(loose.with_metadata([("k".to_owned(), "v".to_owned())]));
    let batch = |values: Vec<Option<i32>>| {
        RecordBatch::try_new(loose.clone(), vec![Arc::new(Int32Array::from(values))]).unwrap()
    };
    let mut encoder = Encoder::new(strict.clone(), IpcWriteOptions::default()).unwrap();
    let mut messages = vec![encoder.schema_message()];
    encoder.encode(&batch(vec![Some(1)]), &mut messages).unwrap();
    for _ in 0..2 {
        let error = encoder.encode(&batch(vec![None]), &mut messages).unwrap_err();
        assert!(matches!(error, Error::Field { problem: Problem::UnexpectedNulls, .. }), "{error}");
    }
    assert_eq!(decode(&parts(&messages)).unwrap()[0].schema(), strict);
}

#[test]
fn both_ends_may_move_between_threads() {
    fn assert_send<T: Send>() {}
    assert_send::<Encoder>();
    assert_send::<Decoder>();
    assert_send::<peregrine::ipc::Pieces>();
    assert_send::<Error>();
}

#[test]
fn a_dictionary_of_dictionaries_is_refused_by_name() {
    let inner = dictionary_of(DataType::Int8, DataType::Utf8);
    let schema = Schema::new(vec![Field::new("dd", dictionary_of(DataType::Int8, inner), true)]);
    let error = Encoder::new(Arc::new(schema), IpcWriteOptions::default()).err().unwrap();
    assert_eq!(error.to_string(), "field 'dd': a dictionary whose values are a dictionary: not supported");
    assert_eq!(FlightError::from(error).kind(), FlightErrorKind::Unimplemented);
}

#[test]
#[expect(unsafe_code, reason = "the messages are our own")]
fn the_unvalidated_decoder_reads_the_same() {
    let batch = random::batch(&random::all_types(), 100, 3);
    let messages = parts(&encode(std::slice::from_ref(&batch), IpcWriteOptions::default()));
    // SAFETY: the messages were just written from valid arrays.
    let mut decoder = unsafe { Decoder::new_unvalidated(Default::default(), Default::default()) };
    assert_eq!(decode_with(&mut decoder, &messages).unwrap(), [batch]);
}

#[test]
fn a_batch_that_its_schema_refuses_does_not_count() {
    let column: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None]));
    let batch = |nullable| RecordBatch::try_from_iter_with_nullable([("n", column.clone(), nullable)]);
    let with_null = parts(&encode(&[batch(true).unwrap()], IpcWriteOptions::default()));
    let strict = Arc::new(Schema::new(vec![Field::new("n", DataType::Int32, false)]));
    let schema = Encoder::new(strict, IpcWriteOptions::default()).unwrap().schema_message();
    let mut decoder = decoder();
    let error = decode_with(&mut decoder, &[parts(&[schema]).remove(0), with_null[1].clone()]).unwrap_err();
    assert!(matches!(error, Error::Batch { .. }), "{error}");
    assert_eq!((decoder.stats().num_messages, decoder.stats().num_record_batches), (1, 0));
}
