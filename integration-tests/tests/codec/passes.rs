//! What may be passed on without a look at its values: all that is written, and nothing that has too few bytes for its
//! rows.

use arrow_array::RecordBatch;
use arrow_ipc::FieldNode;
use arrow_schema::DataType;
use bytes::Bytes;
use peregrine::ipc::{
    CompressionCodec, Error, IpcMessage, IpcWriteOptions, MessageLimits, MetadataVersion, PassThrough, Problem,
};
use peregrine_testkit::random;

use crate::dictionaries::dictionary_of;
use crate::framing::{Message, decode, encode, layout, parts, with_layout};

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

#[test]
fn buffers_must_be_long_enough_for_their_rows() {
    for data_type in random::all_types() {
        let batch = random::batch(std::slice::from_ref(&data_type), 100, 7);
        let messages = parts(&encode(&[batch], IpcWriteOptions::default()));
        let (header, body) = messages.last().unwrap();
        let (nodes, buffers) = layout(header);
        for short in 0..buffers.len() {
            let mut forged_messages = messages.clone();
            // The decoder says which buffers are needed to the last byte, and which only values speak of.
            let mut buffers = buffers.clone();
            buffers[short] = arrow_ipc::Buffer::new(buffers[short].offset(), buffers[short].length() / 2);
            let forged = with_layout(header, &nodes, &buffers, body.len() as i64);
            *forged_messages.last_mut().unwrap() = (forged, body.clone());
            let decoded = decode(&forged_messages);
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
    let header = with_layout(&messages[1].0, &[FieldNode::new(1000, 0)], &layout(&messages[1].0).1, 0);
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
            let place = layout(&messages[1].0).1.last().unwrap().offset() as usize;
            body[place..place + 8].copy_from_slice(&claimed.to_le_bytes());
            pass(&[messages[0].clone(), (messages[1].0.clone(), body.into())])
        };
        claiming(8000).unwrap();
        assert!(matches!(claiming(i64::MAX), Err(Error::Limit { .. })));
        assert!(matches!(claiming(-2), Err(Error::Field { problem: Problem::Compressed { .. }, .. })));
        assert!(matches!(claiming(7999), Err(Error::Field { problem: Problem::ShortBuffer { .. }, .. })));
    }
}
