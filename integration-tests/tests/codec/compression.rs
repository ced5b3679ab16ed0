//! Both codecs, both ways, and buffers that claim what they do not hold.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{IpcWriteOptions as ArrowOptions, StreamWriter};
use bytes::Bytes;
use peregrine::ipc::{
    CompressionCodec, Decoder, Encoder, Error, IpcReadOptions, IpcWriteOptions, MessageLimits, Problem,
};
use peregrine_testkit::random;

use crate::framing::{
    Message, arrow_decode, decode, decode_with, decoder, encode, layout, messages, parts, with_layout,
};

const CODECS: [CompressionCodec; 2] = [CompressionCodec::Lz4, CompressionCodec::Zstd];

fn options(codec: CompressionCodec) -> IpcWriteOptions {
    IpcWriteOptions::default().with_compression(codec)
}

fn zeros(rows: usize) -> RecordBatch {
    let zeros: ArrayRef = Arc::new(Int64Array::from(vec![0; rows]));
    RecordBatch::try_from_iter([("zeros", zeros)]).unwrap()
}

#[test]
fn every_type_with_each_codec() {
    for codec in CODECS {
        for data_type in random::all_types() {
            let batch = random::batch(std::slice::from_ref(&data_type), 500, 3);
            for batch in [batch.clone(), batch.slice(65, 200), batch.slice(1, 0)] {
                let messages = parts(&encode(std::slice::from_ref(&batch), options(codec)));
                assert_eq!(decode(&messages).unwrap(), std::slice::from_ref(&batch), "{data_type} {codec}");
                assert_eq!(arrow_decode(&messages).1, [batch], "{data_type} {codec}");
            }
        }
    }
}

#[test]
fn what_arrow_ipc_compresses_is_read() {
    for codec in [CompressionType::LZ4_FRAME, CompressionType::ZSTD] {
        let batch = random::batch(&random::all_types(), 3000, 3);
        let mut stream = Vec::new();
        let options = ArrowOptions::default().try_with_compression(Some(codec)).unwrap();
        let mut writer = StreamWriter::try_new_with_options(&mut stream, &batch.schema(), options).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        assert_eq!(decode(&messages(&stream.into())).unwrap(), [batch]);
    }
}

#[test]
fn what_shrinks_is_compressed_and_what_does_not_is_stored() {
    for codec in CODECS {
        let messages = encode(&[zeros(100_000)], options(codec));
        assert!(messages[1].body_length < 20_000, "{codec}: {}", messages[1].body_length);
        assert_eq!(decode(&parts(&messages)).unwrap(), [zeros(100_000)]);

        let noise = random::batch(&[arrow_schema::DataType::Int64], 1000, 1);
        let mut encoder = Encoder::new(noise.schema(), options(codec)).unwrap();
        let mut messages = vec![encoder.schema_message()];
        encoder.encode(&noise, &mut messages).unwrap();
        assert_eq!(messages[1].body[0].len(), 8 + 8000);
        assert_eq!(messages[1].body[0][..8], (-1_i64).to_le_bytes());
        assert_eq!(encoder.stats().raw_bytes, 8000);
        let mut decoder = decoder();
        assert_eq!(decode_with(&mut decoder, &parts(&messages)).unwrap(), [noise]);
        assert_eq!(decoder.stats().decompressed_bytes, 0);
    }
}

/// The messages of one compressed column, with another claim of its length.
fn forged(codec: CompressionCodec, claim: i64) -> Vec<Message> {
    let mut messages = parts(&encode(&[zeros(10_000)], options(codec)));
    let mut body = messages[1].1.to_vec();
    body[..8].copy_from_slice(&claim.to_le_bytes());
    messages[1].1 = body.into();
    messages
}

#[test]
fn a_forged_length_is_an_error_and_reserves_nothing() {
    let limits = MessageLimits { decompression_ratio: usize::MAX, ..MessageLimits::default() };
    for codec in CODECS {
        for claim in [i64::MIN, -2, 1, 79_999, 80_001, 1 << 30, i64::from(i32::MAX)] {
            let mut decoder = Decoder::new(IpcReadOptions::default(), limits.clone());
            let error = decode_with(&mut decoder, &forged(codec, claim)).unwrap_err();
            let Error::Field { path, problem } = error else { panic!("{error}") };
            assert_eq!(path, "zeros");
            match problem {
                Problem::Compressed { claimed, codec: named, .. } => assert_eq!((claimed, named), (claim, codec)),
                problem => panic!("{problem}"),
            }
        }
        assert!(matches!(decode(&forged(codec, 0)).unwrap_err(), Error::Field { .. }));
        // Over the limit of a buffer.
        for claim in [1 << 31, i64::MAX] {
            assert!(matches!(decode(&forged(codec, claim)).unwrap_err(), Error::Limit { .. }));
        }
        assert_eq!(decode(&forged(codec, 80_000)).unwrap(), [zeros(10_000)]);
    }
}

#[test]
fn limits_hold_for_each_buffer_and_for_the_message() {
    for codec in CODECS {
        let columns = (0..4).map(|n| (format!("c{n}"), zeros(10_000).column(0).clone()));
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let messages = parts(&encode(&[batch], options(codec)));
        let read = |limits: MessageLimits| decode_with(&mut Decoder::new(IpcReadOptions::default(), limits), &messages);
        let limits = MessageLimits::default();
        let limit = |result: Result<_, Error>| match result {
            Err(Error::Limit { limit, actual, .. }) => (limit, actual),
            other => panic!("{other:?}"),
        };
        let small = MessageLimits { decompressed_buffer: 79_999, ..limits.clone() };
        assert_eq!(limit(read(small)), (79_999, 80_000));
        let small = MessageLimits { decompressed_message: 319_999, ..limits.clone() };
        assert_eq!(limit(read(small)), (319_999, 320_000));
        let enough = MessageLimits { decompressed_buffer: 80_000, decompressed_message: 320_000, ..limits };
        assert_eq!(read(enough).unwrap()[0].column(0).len(), 10_000);
    }
}

#[test]
fn a_small_message_may_not_become_large() {
    const FREE: i64 = 64 << 20;
    for codec in CODECS {
        let read = |claimed: i64, decompression_ratio: usize| {
            let limits = MessageLimits { decompression_ratio, ..MessageLimits::default() };
            decode_with(&mut Decoder::new(IpcReadOptions::default(), limits), &forged(codec, claimed)).unwrap_err()
        };
        // What is within the limits is looked at, and found not to hold what it claims.
        let is_over = |error: &Error| matches!(error, Error::Limit { actual, .. } if *actual > FREE as usize);
        assert!(!is_over(&read(FREE, 1024)));
        assert!(is_over(&read(FREE + 1, 1024)));
        assert!(!is_over(&read(FREE + 1, usize::MAX)));
    }
}

#[test]
fn large_buffers_grow_while_they_decompress() {
    // 40 MB out of a few KB: far over the ratio that is reserved at once.
    for codec in CODECS {
        let messages = parts(&encode(&[zeros(5_000_000)], options(codec)));
        let mut decoder = decoder();
        assert_eq!(decode_with(&mut decoder, &messages).unwrap(), [zeros(5_000_000)]);
        assert_eq!(decoder.stats().decompressed_bytes, 40_000_000);
    }
}

/// The header of a batch with all of its buffers in the first eight bytes of a body of 64.
fn eight_bytes_each(header: &[u8]) -> Bytes {
    let (nodes, buffers) = layout(header);
    with_layout(header, &nodes, &vec![arrow_ipc::Buffer::new(0, 8); buffers.len()], 64)
}

#[test]
fn empty_buffers_that_are_a_length_alone_as_java_writes_them() {
    for codec in CODECS {
        for data_type in random::all_types().into_iter().filter(|t| !format!("{t:?}").contains("Dictionary")) {
            let batch = random::batch(std::slice::from_ref(&data_type), 0, 3);
            let mut messages = parts(&encode(std::slice::from_ref(&batch), options(codec)));
            messages[1] = (eight_bytes_each(&messages[1].0), Bytes::from_static(&[0; 64]));
            let read = decode(&messages).unwrap_or_else(|error| panic!("{data_type} {codec}: {error}"));
            assert_eq!(read, [batch], "{data_type} {codec}");
        }
    }
}
