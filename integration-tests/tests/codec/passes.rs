//! What may be passed on without a look at its values: all that is written, and nothing that has too few bytes for its rows.

use arrow_array::RecordBatch;
use arrow_ipc::{FieldNode, MessageHeader};
use arrow_schema::DataType;
use bytes::Bytes;
use flatbuffers::FlatBufferBuilder;
use peregrine::ipc::{
    CompressionCodec, Error, IpcMessage, IpcWriteOptions, MessageLimits, MetadataVersion, PassThrough, Problem,
};
use peregrine_testkit::random;

use crate::dictionaries::dictionary_of;
use crate::framing::{Message, encode, parts};

fn pass(messages: &[Message]) -> Result<(), Error> {
    let mut check = PassThrough::for_stream(MessageLimits::default());
    messages.iter().try_for_each(|(header, body)| {
        check.message(&IpcMessage { header: header.clone(), body: body.clone() }).map(drop)
    })
}

#[test]
fn whatever_is_written_passes() {
    let mut options = Vec::new();
    for version in [MetadataVersion::V4, MetadataVersion::V5] {
        let plain = IpcWriteOptions::default().with_metadata_version(version);
        options
            .extend([CompressionCodec::Lz4, CompressionCodec::Zstd].map(|codec| plain.clone().with_compression(codec)));
        options.push(plain);
    }
    for data_type in random::all_types() {
        let batch = random::batch(&[data_type.clone(), DataType::Int8], 100, 7);
        for batch in [batch.slice(0, 0), batch.slice(3, 1), batch.slice(64, 30), batch] {
            for options in &options {
                let messages = parts(&encode(std::slice::from_ref(&batch), options.clone()));
                pass(&messages).unwrap_or_else(|error| panic!("{data_type}, {options:?}: {error}"));
            }
        }
    }
}

/// The header of a batch with other nodes, as many rows as they have, and its buffers shortened.
fn forged(header: &[u8], nodes: &[FieldNode], shorten: impl Fn(usize, i64) -> i64) -> Bytes {
    let message = arrow_ipc::root_as_message(header).unwrap();
    let batch = message.header_as_record_batch().unwrap();
    let buffers = batch.buffers().unwrap().iter().enumerate();
    let buffers: Vec<_> =
        buffers.map(|(index, b)| arrow_ipc::Buffer::new(b.offset(), shorten(index, b.length()))).collect();
    let variadic: Option<Vec<i64>> = batch.variadicBufferCounts().map(|counts| counts.iter().collect());
    let mut builder = FlatBufferBuilder::new();
    let args = arrow_ipc::RecordBatchArgs {
        length: nodes[0].length(),
        nodes: Some(builder.create_vector(nodes)),
        buffers: Some(builder.create_vector(&buffers)),
        variadicBufferCounts: variadic.map(|counts| builder.create_vector(&counts)),
        compression: None,
    };
    let args = arrow_ipc::MessageArgs {
        version: message.version(),
        header_type: MessageHeader::RecordBatch,
        header: Some(arrow_ipc::RecordBatch::create(&mut builder, &args).as_union_value()),
        bodyLength: message.bodyLength(),
        custom_metadata: None,
    };
    let message = arrow_ipc::Message::create(&mut builder, &args);
    builder.finish(message, None);
    Bytes::copy_from_slice(builder.finished_data())
}

fn nodes(header: &[u8]) -> Vec<FieldNode> {
    let message = arrow_ipc::root_as_message(header).unwrap();
    message.header_as_record_batch().unwrap().nodes().unwrap().iter().copied().collect()
}

#[test]
fn buffers_must_be_long_enough_for_their_rows() {
    for data_type in random::all_types() {
        let batch = random::batch(std::slice::from_ref(&data_type), 100, 7);
        let messages = parts(&encode(&[batch], IpcWriteOptions::default()));
        let (header, body) = messages.last().unwrap();
        let nodes = nodes(header);
        let count = arrow_ipc::root_as_message(header).unwrap().header_as_record_batch().unwrap();
        for short in 0..count.buffers().map_or(0, |buffers| buffers.len()) {
            let mut forged_messages = messages.clone();
            // The decoder says which buffers are needed to the last byte, and which only values speak of.
            let forged = forged(header, &nodes, |index, length| if index == short { length / 2 } else { length });
            *forged_messages.last_mut().unwrap() = (forged, body.clone());
            let decoded = crate::framing::decode(&forged_messages);
            let is_short = |error: &Error| matches!(error, Error::Field { problem: Problem::ShortBuffer { .. }, .. });
            match pass(&forged_messages) {
                Err(error) => assert!(is_short(&error) && decoded.is_err(), "{data_type} {short}: {error}"),
                Ok(()) => assert!(!decoded.is_err_and(|error| is_short(&error)), "{data_type} {short}"),
            }
        }
    }
}

fn ints(rows: usize) -> RecordBatch {
    random::batch(&[DataType::Int64], rows, 1)
}

#[test]
fn rows_without_bytes_do_not_pass() {
    let messages = parts(&encode(&[ints(0)], IpcWriteOptions::default()));
    let header = forged(&messages[1].0, &[FieldNode::new(1000, 0)], |_, length| length);
    let error = pass(&[messages[0].clone(), (header, Bytes::new())]).unwrap_err();
    assert!(matches!(error, Error::Field { problem: Problem::ShortBuffer { needed: 8000, .. }, .. }), "{error}");
}

#[test]
fn a_batch_passes_behind_its_dictionaries_alone() {
    let inner = dictionary_of(DataType::Int8, DataType::Utf8);
    let list = DataType::List(std::sync::Arc::new(arrow_schema::Field::new("item", inner, true)));
    let batch = random::batch(&[dictionary_of(DataType::Int8, list)], 10, 1);
    let messages = parts(&encode(&[batch], IpcWriteOptions::default()));
    assert_eq!(messages.len(), 4);
    pass(&messages).unwrap();
    for left_out in [1, 2] {
        let mut messages = messages.clone();
        messages.remove(left_out);
        let error = pass(&messages).unwrap_err();
        assert!(matches!(error, Error::Field { problem: Problem::NoDictionary { .. }, .. }), "{error}");
    }
}

#[test]
fn what_compressed_buffers_say_is_held_against_the_limits() {
    for codec in [CompressionCodec::Lz4, CompressionCodec::Zstd] {
        let messages = parts(&encode(&[ints(1000)], IpcWriteOptions::default().with_compression(codec)));
        let claiming = |claimed: i64| {
            let mut body = messages[1].1.to_vec();
            let last = arrow_ipc::root_as_message(&messages[1].0).unwrap().header_as_record_batch().unwrap();
            let place = last.buffers().unwrap().iter().next_back().unwrap().offset() as usize;
            body[place..place + 8].copy_from_slice(&claimed.to_le_bytes());
            pass(&[messages[0].clone(), (messages[1].0.clone(), body.into())])
        };
        claiming(8000).unwrap();
        assert!(matches!(claiming(i64::MAX), Err(Error::Limit { .. })));
        assert!(matches!(claiming(-2), Err(Error::Field { problem: Problem::Compressed { .. }, .. })));
        assert!(matches!(claiming(7999), Err(Error::Field { problem: Problem::ShortBuffer { .. }, .. })));
    }
}
