//! Streams and files of arrow-ipc and of hand, in every framing, cut, forged and big-endian.

use std::sync::Arc;

use arrow_array::types::Int8Type;
use arrow_array::{ArrayRef, DictionaryArray, Int64Array, RecordBatch, StringArray};
use arrow_ipc::writer::{DictionaryHandling, FileWriter, IpcWriteOptions as ArrowOptions, StreamWriter};
use arrow_ipc::{
    Block as WireBlock, CompressionType, Endianness, FieldBuilder, FooterBuilder, IntBuilder, Message as WireMessage,
    MessageBuilder, MessageHeader, MetadataVersion, SchemaBuilder, Type,
};
use bytes::{BufMut, Bytes, BytesMut};
use flatbuffers::{FlatBufferBuilder, WIPOffset};
use peregrine_proto::{FlightError, FlightErrorKind};

use super::*;
use crate::{
    Decoded, Decoder, DictionaryIds, EncodedMessage, Encoder, Error, FormatProblem, IpcReadOptions, IpcWriteOptions,
    MessageKind, MessageLimits, PassThrough,
};

fn limits() -> MessageLimits {
    MessageLimits::default()
}

/// Three batches of numbers and a dictionary that grows, of 3, 0 and 4 rows.
fn batches() -> Vec<RecordBatch> {
    let words = ["oslo", "lima", "rome"];
    let batch = |known: usize, keys: Vec<Option<i8>>| {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..keys.len() as i64));
        let values = Arc::new(StringArray::from(words[..known].to_vec()));
        let cities: ArrayRef = Arc::new(DictionaryArray::<Int8Type>::new(keys.into(), values));
        RecordBatch::try_from_iter_with_nullable([("n", numbers, false), ("city", cities, true)]).unwrap()
    };
    vec![batch(2, vec![Some(0), None, Some(1)]), batch(2, vec![]), batch(3, vec![Some(2), Some(2), Some(0), Some(1)])]
}

/// Ours, which are known to be good.
fn messages() -> Vec<EncodedMessage> {
    let batches = batches();
    let options = IpcWriteOptions::default().with_dictionary_deltas(true);
    let mut encoder = Encoder::new(batches[0].schema(), options).unwrap();
    let mut messages = vec![encoder.schema_message()];
    batches.iter().for_each(|batch| encoder.encode(batch, &mut messages).unwrap());
    messages
}

/// The bytes of a stream: with the mark, or with lengths alone and headers padded so that what follows is aligned to 8.
fn framed(messages: &[EncodedMessage], legacy: bool) -> BytesMut {
    let mut bytes = BytesMut::new();
    for message in messages {
        let header = &message.header[..];
        let padding = if legacy { 4 } else { 0 };
        if !legacy {
            bytes.put_u32_le(u32::MAX);
        }
        bytes.put_u32_le((header.len() + padding) as u32);
        bytes.put_slice(header);
        bytes.put_bytes(0, padding);
        assert_eq!(bytes.len() % 8, 0);
        bytes.put_slice(&message.body_bytes());
    }
    bytes
}

/// What stands at the end of a stream, if anything does.
const ENDS: [&[u8]; 3] = [&[], &[0; 4], &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]];

fn read_all(pieces: impl IntoIterator<Item = Bytes>) -> Result<Vec<IpcMessage>, Error> {
    let mut messages = StreamMessages::new(limits());
    let mut read = Vec::new();
    for mut piece in pieces {
        while let Some(message) = messages.read(&mut piece)? {
            read.push(message);
        }
        assert!(piece.is_empty() || messages.is_over());
    }
    messages.finish()?;
    Ok(read)
}

fn decode(messages: &[IpcMessage]) -> Vec<RecordBatch> {
    let mut decoder = Decoder::new(IpcReadOptions::default(), limits());
    let decoded = messages.iter().map(|message| decoder.decode(&message.header, message.body.clone()).unwrap());
    decoded.filter_map(|decoded| if let Decoded::RecordBatch(batch) = decoded { Some(batch) } else { None }).collect()
}

#[test]
fn both_framings_with_each_end_are_read_however_they_are_cut() {
    for (legacy, end) in [true, false].into_iter().flat_map(|legacy| ENDS.map(|end| (legacy, end))) {
        let mut stream = framed(&messages(), legacy);
        stream.put_slice(end);
        let stream = stream.freeze();
        let whole = read_all([stream.clone()]).unwrap();
        assert_eq!(whole.len(), 6);
        assert_eq!(decode(&whole), batches());
        for length in [1, 3, 8, 100, 1000] {
            let pieces = (0..stream.len()).step_by(length);
            let pieces = pieces.map(|at| stream.slice(at..stream.len().min(at + length)));
            assert_eq!(read_all(pieces).unwrap(), whole, "{length}");
        }
    }
}

#[test]
fn what_lies_whole_is_shared() {
    let stream = framed(&messages(), false).freeze();
    let inside = stream.as_ptr_range();
    for message in read_all([stream.clone()]).unwrap() {
        assert!(inside.contains(&message.header.as_ptr()));
        assert!(message.body.is_empty() || inside.contains(&message.body.as_ptr()));
    }
}

#[test]
fn who_reads_what_is_missing_has_it_shared() {
    let mut stream = framed(&messages(), true).freeze();
    let mut messages = StreamMessages::new(limits());
    let mut read = Vec::new();
    while let Some(missing) = messages.missing().filter(|_| !stream.is_empty()) {
        let mut part = stream.split_to(missing);
        let place = part.as_ptr();
        if let Some(message) = messages.read(&mut part).unwrap() {
            assert!(message.body.is_empty() || message.body.as_ptr() == place);
            read.push(message);
        }
        assert!(part.is_empty());
    }
    assert_eq!(decode(&read), batches());
}

#[test]
fn what_stands_behind_the_end_is_left_alone() {
    for end in &ENDS[1..] {
        let stream = [&framed(&messages(), false)[..], end, b"\xff\xff and more"].concat();
        let mut bytes = Bytes::from(stream);
        let mut messages = StreamMessages::new(limits());
        let mut count = 0;
        while messages.read(&mut bytes).unwrap().is_some() {
            count += 1;
        }
        assert_eq!((count, messages.is_over(), messages.missing()), (6, true, None));
        assert_eq!(bytes, &b"\xff\xff and more"[..]);
        messages.finish().unwrap();
    }
}

#[test]
fn a_cut_stream_says_where() {
    for legacy in [true, false] {
        let encoded = messages();
        let stream = framed(&encoded, legacy).freeze();
        let ends: Vec<usize> = (0..=encoded.len()).map(|count| framed(&encoded[..count], legacy).len()).collect();
        for length in 0..stream.len() {
            let cut = read_all([stream.slice(..length)]);
            let start = *ends.iter().rfind(|end| **end <= length).unwrap();
            if start == length {
                assert!(cut.is_ok(), "between two messages a stream may end");
                continue;
            }
            let error = cut.unwrap_err();
            let Error::Format { problem: FormatProblem::Cut { message, needed, actual, .. } } = &error else {
                panic!("{error}")
            };
            assert_eq!(*message, start as u64);
            assert!(actual < needed, "{error}");
            assert!(error.to_string().contains(&format!("message at byte {start} came {actual} of")), "{error}");
        }
    }
}

#[test]
fn lengths_are_held_against_the_limits_before_memory_is_taken() {
    let read = |bytes: &[u8], limits: MessageLimits| {
        let mut messages = StreamMessages::new(limits);
        let error = messages.read(&mut Bytes::copy_from_slice(bytes)).unwrap_err();
        assert!(messages.is_over() && messages.finish().is_ok());
        error
    };
    for marked in [&[0xff; 4][..], &[]] {
        for stated in [-1_i32, i32::MIN, -2] {
            if marked.is_empty() && stated == -1 {
                continue; // the mark
            }
            let error = read(&[marked, &stated.to_le_bytes()].concat(), limits());
            let expected = format!("the message at byte 0 states a header of {stated} bytes");
            assert_eq!(error.to_string(), expected);
        }
        let error = read(&[marked, &i32::MAX.to_le_bytes()].concat(), limits());
        assert!(matches!(error, Error::Limit { actual: 0x7fff_ffff, .. }), "{error}");
    }
    // A header that states a body, and nothing of it behind.
    let last = messages().pop().unwrap();
    let size = last.encoded_size();
    let mut stream = framed(std::slice::from_ref(&last), false);
    stream.truncate(8 + last.header.len());
    let error = read(&stream, MessageLimits { message: size - 1, ..limits() });
    assert!(matches!(error, Error::Limit { limit, actual, .. } if (limit, actual) == (size - 1, size)), "{error}");
    let mut enough = StreamMessages::new(MessageLimits { message: size, ..limits() });
    assert!(enough.read(&mut stream.freeze()).unwrap().is_none());
}

#[test]
fn a_header_that_is_none_ends_the_stream() {
    let mut stream = framed(&messages(), false);
    stream[8..12].fill(0x77);
    let mut bytes = stream.freeze();
    let mut messages = StreamMessages::new(limits());
    assert!(matches!(messages.read(&mut bytes).unwrap_err(), Error::Header { .. }));
    assert!(messages.read(&mut bytes).unwrap().is_none() && messages.is_over());
}

#[test]
fn negative_and_endless_bodies_are_refused() {
    for stated in [-1, i64::MIN, i64::MAX] {
        let last = messages().pop().unwrap();
        let mut header = last.header.to_vec();
        let place = {
            let table = arrow_ipc::root_as_message(&header).unwrap()._tab;
            table.loc() + usize::from(table.vtable().get(WireMessage::VT_BODYLENGTH))
        };
        header[place..place + 8].copy_from_slice(&stated.to_le_bytes());
        let forged = EncodedMessage { header: header.into(), body: Vec::new(), body_length: 0, ..last };
        let error = read_all([framed(&[forged], false).freeze()]).unwrap_err();
        match error {
            Error::BodyLength { stated: found, .. } => assert_eq!(found, stated),
            Error::Limit { .. } => assert_eq!(stated, i64::MAX),
            other => panic!("{other}"),
        }
    }
}

/// One byte of a header at a time: neither panics, and what is decoded would also have been passed on.
#[test]
fn passing_on_asks_for_no_more_than_decoding() {
    let messages = read_all([framed(&messages(), false).freeze()]).unwrap();
    let (mut passed_on, mut refused) = (0, 0);
    for (index, message) in messages.iter().enumerate() {
        let changes = (0..message.header.len()).flat_map(|place| [1, 4, 0x80, 0xff].map(|change| (place, change)));
        for (place, change) in changes {
            let mut header = message.header.to_vec();
            header[place] ^= change;
            let changed = IpcMessage { header: header.into(), body: message.body.clone() };
            let mut decoder = Decoder::new(IpcReadOptions::default(), limits());
            let mut check = PassThrough::for_stream(limits());
            for good in &messages[..index] {
                decoder.decode(&good.header, good.body.clone()).unwrap();
                check.message(good).unwrap();
            }
            let passed = check.message(&changed);
            match decoder.decode(&changed.header, changed.body) {
                Ok(_) => assert!(passed.is_ok(), "{passed:?}"),
                Err(_) => refused += usize::from(passed.is_err()),
            }
            passed_on += usize::from(passed.is_ok());
        }
    }
    assert!(passed_on > 500 && refused > 500, "{passed_on} {refused}");
}

/// Options of arrow-ipc: as 0.14 wrote, as 0.15 did, and as today.
fn arrow_options() -> [ArrowOptions; 3] {
    let options = |legacy, version| ArrowOptions::try_new(8, legacy, version).unwrap();
    [options(true, MetadataVersion::V4), options(false, MetadataVersion::V4), options(false, MetadataVersion::V5)]
}

#[test]
fn streams_that_arrow_ipc_writes_are_read() {
    for options in arrow_options() {
        let batches = batches();
        let mut writer = StreamWriter::try_new_with_options(Vec::new(), &batches[0].schema(), options).unwrap();
        batches.iter().for_each(|batch| writer.write(batch).unwrap());
        let stream = Bytes::from(writer.into_inner().unwrap());
        assert_eq!(decode(&read_all([stream]).unwrap()), batches);
    }
}

fn file(options: ArrowOptions) -> Bytes {
    let batches = batches();
    let options = options.with_dictionary_handling(DictionaryHandling::Delta);
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &batches[0].schema(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.into_inner().unwrap().into()
}

fn read_file(file: &Bytes) -> Result<(FileFooter, Vec<IpcMessage>), Error> {
    let footer = FileFooter::of_file(file, &limits())?;
    let part = |range: std::ops::Range<u64>| file.slice(range.start as usize..range.end as usize);
    let mut messages = vec![IpcMessage { header: footer.schema_header().clone(), body: Bytes::new() }];
    for block in footer.blocks() {
        assert_eq!(block.length() as u64, block.body().end - block.header().start);
        messages.push(block.message(&part(block.header()), part(block.body()), &limits())?);
    }
    Ok((footer, messages))
}

#[test]
fn files_that_arrow_ipc_writes_are_read() {
    let compressed = ArrowOptions::default().try_with_compression(Some(CompressionType::ZSTD)).unwrap();
    for options in arrow_options().into_iter().chain([ArrowOptions::default(), compressed]) {
        let file = file(options);
        let (footer, messages) = read_file(&file).unwrap();
        assert_eq!(*footer.schema(), batches()[0].schema());
        assert_eq!((footer.dictionaries().len(), footer.record_batches().len()), (2, 3));
        // All dictionaries come first, so the first batches know a value more than they did.
        let text = |batch: &RecordBatch| {
            let cities = batch.column(1).as_any().downcast_ref::<DictionaryArray<Int8Type>>().unwrap();
            let cities = cities.downcast_dict::<StringArray>().unwrap();
            cities.into_iter().map(|city| city.map(str::to_owned)).collect::<Vec<_>>()
        };
        let read = decode(&messages);
        assert_eq!(read.iter().map(text).collect::<Vec<_>>(), batches().iter().map(text).collect::<Vec<_>>());
    }
}

#[test]
fn the_schema_of_a_footer_keeps_the_ids_of_its_dictionaries_and_nothing_else_of_the_footer() {
    let schema = batches()[0].schema();
    let ids = IpcWriteOptions::default().with_dictionary_ids(DictionaryIds::Listed(vec![77]));
    let message = Encoder::new(schema.clone(), ids).unwrap().schema_message();
    let wire = arrow_ipc::root_as_message(&message.header).unwrap().header_as_schema().unwrap();
    // The schema's table is where it is in the message; a footer before it points there.
    let mut footer = vec![0_u8; 32];
    let table = 32 + wire._tab.loc() as u32;
    footer[..4].copy_from_slice(&16_u32.to_le_bytes());
    footer[4..12].copy_from_slice(&[8, 0, 12, 0, 8, 0, 4, 0]);
    footer[16..20].copy_from_slice(&12_i32.to_le_bytes());
    footer[20..24].copy_from_slice(&(table - 20).to_le_bytes());
    footer[24] = MetadataVersion::V4.0 as u8;
    footer.extend(&message.header);
    let read = FileFooter::read(&footer, 100..1000, &limits()).unwrap();
    assert_eq!(*read.schema(), schema);
    let again = arrow_ipc::root_as_message(read.schema_header()).unwrap();
    assert_eq!(again.version(), MetadataVersion::V4);
    let city = again.header_as_schema().unwrap().fields().unwrap().get(1);
    assert_eq!(city.dictionary().unwrap().id(), 77);
    assert_eq!(read.schema_header().len(), message.header.len());
}

#[test]
fn every_cut_of_a_file_is_an_error() {
    let file = file(ArrowOptions::default());
    for length in 0..file.len() {
        let error = FileFooter::of_file(&file[..length], &limits()).unwrap_err();
        assert!(matches!(error, Error::Format { problem: FormatProblem::Magic }), "{error}");
    }
    assert!(FileFooter::of_file(&[&file[..], b"\n"].concat(), &limits()).is_err());
}

/// A file whose footer says this.
fn forged(dictionaries: &[WireBlock], batches: &[WireBlock], endianness: Endianness, length: Option<i32>) -> Bytes {
    let mut file = BytesMut::from(&file(ArrowOptions::default())[..]);
    let stated = i32::from_le_bytes(file[file.len() - 10..file.len() - 6].try_into().unwrap());
    file.truncate(file.len() - 10 - stated as usize);
    let mut builder = FlatBufferBuilder::new();
    let (dictionaries, batches) = (builder.create_vector(dictionaries), builder.create_vector(batches));
    let fields = builder.create_vector::<WIPOffset<arrow_ipc::Field<'_>>>(&[]);
    let mut schema = SchemaBuilder::new(&mut builder);
    schema.add_endianness(endianness);
    schema.add_fields(fields);
    let schema = schema.finish();
    let mut footer = FooterBuilder::new(&mut builder);
    footer.add_version(MetadataVersion::V5);
    footer.add_schema(schema);
    footer.add_dictionaries(dictionaries);
    footer.add_recordBatches(batches);
    let footer = footer.finish();
    builder.finish(footer, None);
    file.put_slice(builder.finished_data());
    file.put_i32_le(length.unwrap_or(builder.finished_data().len() as i32));
    file.put_slice(b"ARROW1");
    file.freeze()
}

#[test]
fn forged_places_of_messages_are_refused() {
    let size = file(ArrowOptions::default()).len() as i64;
    let block = WireBlock::new;
    let outside = [
        block(i64::MAX, 8, 8),
        block(-8, 8, 8),
        block(0, 8, 8),
        block(8, -1, 8),
        block(8, 8, -1),
        block(8, 8, i64::MAX),
        block(8, i32::MAX, 8),
        block(8, 8, size),
    ];
    let little = Endianness::Little;
    for outside in outside {
        for (dictionaries, batches) in [(&[outside][..], &[][..]), (&[], &[outside])] {
            let error = read_file(&forged(dictionaries, batches, little, None)).unwrap_err();
            assert!(matches!(error, Error::Format { problem: FormatProblem::BlockRange { .. } }), "{error}");
        }
    }
    let over = [block(8, 8, 64), block(72, 8, 0)];
    for (dictionaries, batches) in
        [(&over[..], &[][..]), (&[], &over), (&over[..1], &over[1..]), (&over[1..], &over[..1])]
    {
        let error = read_file(&forged(dictionaries, batches, little, None)).unwrap_err();
        assert!(matches!(error, Error::Format { problem: FormatProblem::BlocksOverlap { offset: 72 } }), "{error}");
    }
    for none in [block(8, 0, 0), block(8, 8, 0)] {
        let error = read_file(&forged(&[], &[none], little, None)).unwrap_err();
        assert!(matches!(error, Error::Format { problem: FormatProblem::BlockMessage { .. } }), "{error}");
    }
    let small = MessageLimits { message: 71, ..limits() };
    let error = FileFooter::of_file(&forged(&[], &over[..1], little, None), &small).unwrap_err();
    assert!(matches!(error, Error::Limit { limit: 71, actual: 72, .. }), "{error}");
}

#[test]
fn footers_of_impossible_lengths_are_refused() {
    for length in [i32::MIN, -1, 0, 100_000, i32::MAX] {
        let error = read_file(&forged(&[], &[], Endianness::Little, Some(length))).unwrap_err();
        assert!(
            matches!(error, Error::Format { problem: FormatProblem::FooterLength { stated, .. } } if stated == length)
        );
    }
    for length in [1, 7, 20] {
        let error = read_file(&forged(&[], &[], Endianness::Little, Some(length))).unwrap_err();
        let Error::Format { problem: FormatProblem::Footer { .. } | FormatProblem::NoSchema } = error else {
            panic!("{error}")
        };
    }
    let small = MessageLimits { header: 16, ..limits() };
    let error = FileFooter::of_file(&forged(&[], &[], Endianness::Little, None), &small).unwrap_err();
    assert!(matches!(error, Error::Limit { limit: 16, .. }), "{error}");
    assert_eq!(read_file(&forged(&[], &[], Endianness::Little, None)).unwrap().1.len(), 1, "a good one");
}

#[test]
fn a_block_of_another_kind_is_refused() {
    let real = FileFooter::of_file(&file(ArrowOptions::default()), &limits()).unwrap();
    let wire = |block: &FileBlock| {
        let (header, body) = (block.header(), block.body());
        WireBlock::new(header.start as i64, (header.end - header.start) as i32, (body.end - body.start) as i64)
    };
    let (dictionary, batch) = (wire(&real.dictionaries()[0]), wire(&real.record_batches()[0]));
    let little = Endianness::Little;
    for (dictionaries, batches) in [(&[batch][..], &[][..]), (&[], &[dictionary])] {
        let error = read_file(&forged(dictionaries, batches, little, None)).unwrap_err();
        assert!(matches!(error, Error::Format { problem: FormatProblem::BlockMessage { .. } }), "{error}");
    }
    assert_eq!(read_file(&forged(&[dictionary], &[batch], little, None)).unwrap().1.len(), 3);
}

#[test]
fn big_endian_streams_and_files_are_refused_and_say_so() {
    let assert_refused = |error: Error| {
        let error = FlightError::from(error);
        assert_eq!(error.kind(), FlightErrorKind::Unimplemented);
        assert!(error.message().contains("big-endian"), "{error}");
    };
    assert_refused(read_file(&forged(&[], &[], Endianness::Big, None)).unwrap_err());
    for (endianness, refused) in [(Endianness::Big, true), (Endianness::Little, false)] {
        let header = schema_of_endianness(endianness);
        let message = EncodedMessage { header, body: Vec::new(), body_length: 0, kind: MessageKind::Schema, rows: 0 };
        let messages = read_all([framed(&[message], true).freeze()]).unwrap();
        let mut decoder = Decoder::new(IpcReadOptions::default(), limits());
        match decoder.decode(&messages[0].header, Bytes::new()) {
            Err(error) => assert_refused(error),
            Ok(_) => assert!(!refused),
        }
    }
}

/// A schema message of one column, as a machine of this endianness writes it: the flatbuffer itself is always
/// little-endian.
fn schema_of_endianness(endianness: Endianness) -> Bytes {
    let mut builder = FlatBufferBuilder::new();
    let mut int = IntBuilder::new(&mut builder);
    int.add_bitWidth(64);
    int.add_is_signed(true);
    let int = int.finish().as_union_value();
    let mut field = FieldBuilder::new(&mut builder);
    field.add_type_type(Type::Int);
    field.add_type_(int);
    let field = field.finish();
    let fields = builder.create_vector(&[field]);
    let mut schema = SchemaBuilder::new(&mut builder);
    schema.add_endianness(endianness);
    schema.add_fields(fields);
    let schema = schema.finish().as_union_value();
    let mut message = MessageBuilder::new(&mut builder);
    message.add_version(MetadataVersion::V5);
    message.add_header_type(MessageHeader::Schema);
    message.add_header(schema);
    let message = message.finish();
    builder.finish(message, None);
    let mut header = builder.finished_data().to_vec();
    header.resize(header.len().next_multiple_of(8), 0);
    header.into()
}
