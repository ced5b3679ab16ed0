//! Projections by top-level columns: their order, their schema, and what is not done for what is left out.

use arrow_schema::DataType;
use peregrine::ipc::{CompressionCodec, Decoder, Error, IpcReadOptions, IpcWriteOptions, MessageLimits};
use peregrine_testkit::random;

use crate::dictionaries::dictionary_of;
use crate::framing::{decode_with, encode, parts};

fn decoder(projection: &[usize]) -> Decoder {
    Decoder::new(IpcReadOptions::default().with_projection(projection.to_vec()), MessageLimits::default())
}

#[test]
fn each_column_alone_and_any_order() {
    let types = random::all_types();
    let batch = random::batch(&types, 70, 2);
    let messages = parts(&encode(std::slice::from_ref(&batch), IpcWriteOptions::default()));
    for index in 0..types.len() {
        let projection = [(index * 7 + 3) % types.len(), index];
        let mut decoder = decoder(&projection);
        let read = decode_with(&mut decoder, &messages).unwrap();
        assert_eq!(read, [batch.project(&projection).unwrap()], "{}", types[index]);
        assert_eq!(decoder.schema(), Some(&read[0].schema()));
        assert_eq!(read[0].schema().metadata(), batch.schema().metadata());
    }
}

#[test]
fn no_column_at_all_keeps_the_rows() {
    let batch = random::batch(&[DataType::Int32], 70, 2);
    let messages = parts(&encode(std::slice::from_ref(&batch), IpcWriteOptions::default()));
    assert_eq!(decode_with(&mut decoder(&[]), &messages).unwrap()[0].num_rows(), 70);
}

#[test]
fn what_is_left_out_is_neither_decompressed_nor_decoded() {
    let types = [DataType::Int64, dictionary_of(DataType::Int32, DataType::Utf8), DataType::Int64];
    let batch = random::batch(&types, 1000, 2);
    let options = IpcWriteOptions::default().with_compression(CompressionCodec::Zstd);
    let messages = parts(&encode(std::slice::from_ref(&batch), options));
    let read = |projection: &[usize]| {
        let mut decoder = decoder(projection);
        decode_with(&mut decoder, &messages).unwrap();
        assert_eq!(decoder.stats().num_dictionary_batches, 1);
        decoder.stats().decompressed_bytes
    };
    assert!(read(&[1]) > 0);
    // Random numbers do not shrink, so only bitmaps are compressed in the others.
    assert!(read(&[2]) <= 128, "{}", read(&[2]));
}

#[test]
fn a_column_that_is_not_there_is_an_error_at_the_schema() {
    let batch = random::batch(&[DataType::Int32], 1, 2);
    let messages = parts(&encode(&[batch], IpcWriteOptions::default()));
    let error = decode_with(&mut decoder(&[0, 1]), &messages).unwrap_err();
    assert!(matches!(error, Error::Projection { index: 1, columns: 1 }), "{error}");
}
