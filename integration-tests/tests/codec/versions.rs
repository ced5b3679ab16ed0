//! Metadata version 4, both ways: every type, the place that unions and run ends had for validity, hostile headers.

use arrow_array::RecordBatch;
use arrow_ipc::writer::{IpcWriteOptions as ArrowOptions, StreamWriter};
use arrow_ipc::{Message as WireMessage, MetadataVersion as WireVersion};
use arrow_schema::DataType;
use bytes::Bytes;
use peregrine::ipc::{
    CompressionCodec, Decoder, Error, IpcReadOptions, IpcWriteOptions, MessageLimits, MetadataVersion, Problem,
};
use peregrine_testkit::random;

use crate::dictionaries::dictionary_of;
use crate::framing::{Message, arrow_decode, decode, decode_with, decoder, encode, layout, messages, parts};

pub(crate) fn v4() -> IpcWriteOptions {
    IpcWriteOptions::default().with_metadata_version(MetadataVersion::V4)
}

fn encoded(batch: &RecordBatch, options: IpcWriteOptions) -> Vec<Message> {
    parts(&encode(std::slice::from_ref(batch), options))
}

/// How many arrays of a message have a place for validity in version 4 only. The values of dictionaries are in messages
/// of their own.
fn old_places(data_type: &DataType) -> usize {
    match data_type {
        DataType::Union(fields, _) => 1 + fields.iter().map(|(_, field)| old_places(field.data_type())).sum::<usize>(),
        DataType::RunEndEncoded(_, values) => 1 + old_places(values.data_type()),
        DataType::Struct(fields) => fields.iter().map(|field| old_places(field.data_type())).sum(),
        DataType::List(field) | DataType::LargeList(field) | DataType::ListView(field) | DataType::Map(field, _) => {
            old_places(field.data_type())
        }
        DataType::LargeListView(field) | DataType::FixedSizeList(field, _) => old_places(field.data_type()),
        _ => 0,
    }
}

/// Types that lie otherwise in version 4.
pub(crate) fn changed_types() -> Vec<DataType> {
    random::nested_types().into_iter().filter(|data_type| old_places(data_type) > 0).collect()
}

fn buffers((header, _): &Message) -> Vec<(i64, i64)> {
    layout(header).1.iter().map(|buffer| (buffer.offset(), buffer.length())).collect()
}

#[test]
fn every_type_whole_sliced_and_empty_with_each_codec() {
    let codecs = [CompressionCodec::Lz4, CompressionCodec::Zstd].map(|codec| v4().with_compression(codec));
    for data_type in random::all_types() {
        let batch = random::batch(std::slice::from_ref(&data_type), 300, 3);
        for batch in [batch.clone(), batch.slice(65, 200), batch.slice(1, 0)] {
            for options in codecs.iter().cloned().chain([v4()]) {
                let messages = encoded(&batch, options);
                assert_eq!(decode(&messages).unwrap(), std::slice::from_ref(&batch), "{data_type}");
                // Run ends of this version are written by arrow-ipc as we do, and not read.
                if !format!("{data_type}").contains("RunEndEncoded") {
                    assert_eq!(arrow_decode(&messages).1, std::slice::from_ref(&batch), "{data_type}");
                }
            }
        }
    }
}

#[test]
fn what_arrow_ipc_writes_is_read() {
    for data_type in random::all_types() {
        let batch = random::batch(&[data_type], 200, 3);
        for batch in [batch.clone(), batch.slice(9, 70), batch.slice(3, 0)] {
            let mut stream = Vec::new();
            let options = ArrowOptions::try_new(64, false, WireVersion::V4).unwrap();
            let mut writer = StreamWriter::try_new_with_options(&mut stream, &batch.schema(), options).unwrap();
            writer.write(&batch).unwrap();
            writer.finish().unwrap();
            assert_eq!(decode(&messages(&stream.into())).unwrap(), [batch]);
        }
    }
}

#[test]
fn every_message_says_its_version() {
    let batches = [1, 2].map(|seed| random::batch(&[dictionary_of(DataType::Int8, DataType::Utf8)], 9, seed));
    for (options, version) in [(v4(), WireVersion::V4), (IpcWriteOptions::default(), WireVersion::V5)] {
        let messages = encode(&batches, options);
        assert_eq!(messages.len(), 5);
        for message in messages {
            assert_eq!(arrow_ipc::root_as_message(&message.header).unwrap().version(), version);
        }
    }
}

#[test]
fn unions_and_run_ends_have_an_empty_buffer_more() {
    for data_type in random::all_types() {
        let batch = random::batch(std::slice::from_ref(&data_type), 20, 1);
        let messages = [v4(), IpcWriteOptions::default()].map(|options| encoded(&batch, options).pop().unwrap());
        let [old, new] = messages.each_ref().map(buffers);
        assert_eq!(old.len(), new.len() + old_places(&data_type), "{data_type}");
        assert_eq!(messages[0].1, messages[1].1, "{data_type}: the bodies are the same");
        if let DataType::Union(_, _) | DataType::RunEndEncoded(_, _) = data_type {
            assert_eq!(old[0], (0, 0), "{data_type}: it comes first");
        }
    }
}

#[test]
fn the_codec_also_stands_where_cpp_looks_for_it() {
    let batch = random::batch(&[DataType::Int8], 200, 1);
    let metadata = |options: IpcWriteOptions| {
        let messages = encoded(&batch, options);
        let message = arrow_ipc::root_as_message(&messages[1].0).unwrap();
        let entry = message.custom_metadata().map(|metadata| metadata.get(0));
        entry.map(|entry| (entry.key().unwrap().to_owned(), entry.value().unwrap().to_owned()))
    };
    for (codec, name) in [(CompressionCodec::Lz4, "LZ4"), (CompressionCodec::Zstd, "ZSTD")] {
        let expected = ("ARROW:experimental_compression".to_owned(), name.to_owned());
        assert_eq!(metadata(v4().with_compression(codec)), Some(expected));
        assert_eq!(metadata(IpcWriteOptions::default().with_compression(codec)), None);
    }
    assert_eq!(metadata(v4()), None);
}

/// The header as Arrow 0.17 wrote it: its batch says nothing about compression.
fn without_compression(header: &Bytes) -> Bytes {
    let message = arrow_ipc::root_as_message(header).unwrap();
    let dictionary = message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data());
    let table = message.header_as_record_batch().or(dictionary).unwrap()._tab;
    let back = i32::from_le_bytes(header[table.loc()..table.loc() + 4].try_into().unwrap());
    let vtable = table.loc() - back as usize;
    let place = vtable + usize::from(arrow_ipc::RecordBatch::VT_COMPRESSION);
    let mut header = header.to_vec();
    header[place..place + 2].fill(0);
    header.into()
}

#[test]
fn a_codec_that_stands_in_the_metadata_alone_is_used() {
    let types = [
        DataType::Float64,
        DataType::Utf8,
        random::nested_types()[0].clone(),
        dictionary_of(DataType::Int8, DataType::Utf8),
    ];
    let batch = random::batch(&types, 200, 1);
    for codec in [CompressionCodec::Lz4, CompressionCodec::Zstd] {
        let mut messages = encoded(&batch, v4().with_compression(codec));
        for (header, _) in &mut messages[1..] {
            *header = without_compression(header);
        }
        assert_eq!(decode(&messages).unwrap(), std::slice::from_ref(&batch), "{codec}");
        // In version 5 the same metadata means nothing.
        for (header, _) in &mut messages {
            let place = version_place(header);
            let mut bytes = header.to_vec();
            bytes[place] = 4;
            *header = bytes.into();
        }
        assert!(decode(&messages).is_err(), "{codec}");
    }
}

#[test]
fn an_unknown_codec_in_the_metadata_is_refused() {
    let batch = random::batch(&[DataType::Int8], 200, 1);
    let mut messages = encoded(&batch, v4().with_compression(CompressionCodec::Zstd));
    let mut header = without_compression(&messages[1].0).to_vec();
    let place = header.windows(4).position(|bytes| bytes == b"ZSTD").unwrap();
    header[place..place + 4].copy_from_slice(b"GZIP");
    messages[1].0 = header.into();
    assert!(matches!(decode(&messages), Err(Error::Unsupported { .. })));
}

#[test]
fn a_column_behind_unions_and_run_ends_is_found() {
    let mut columns = changed_types();
    columns.push(DataType::Int32);
    let batch = random::batch(&columns, 50, 2);
    let last = columns.len() - 1;
    let options = IpcReadOptions::default().with_projection([last]);
    let mut decoder = Decoder::new(options, MessageLimits::default());
    let read = decode_with(&mut decoder, &encoded(&batch, v4())).unwrap();
    assert_eq!(read, [batch.project(&[last]).unwrap()]);
}

/// The place of the version in a header.
fn version_place(header: &[u8]) -> usize {
    let table = arrow_ipc::root_as_message(header).unwrap()._tab;
    table.loc() + usize::from(table.vtable().get(WireMessage::VT_VERSION))
}

#[test]
fn a_message_of_one_version_that_says_another_is_an_error() {
    let versions = [(MetadataVersion::V4, 4_u8), (MetadataVersion::V5, 3)];
    for (data_type, (version, other)) in random::all_types().iter().flat_map(|t| versions.map(|version| (t, version))) {
        let batch = random::batch(std::slice::from_ref(data_type), 20, 1);
        let mut messages = encoded(&batch, IpcWriteOptions::default().with_metadata_version(version));
        let last = messages.len() - 1;
        let mut header = messages[last].0.to_vec();
        let place = version_place(&header);
        header[place] = other;
        messages[last].0 = header.into();
        match decode(&messages) {
            Err(Error::Count { what: "buffers", .. }) => assert!(old_places(data_type) > 0, "{data_type}"),
            Ok(read) => assert_eq!((read, old_places(data_type)), (vec![batch], 0), "{data_type}"),
            Err(error) => panic!("{data_type}: {error}"),
        }
    }
}

#[test]
fn nulls_of_unions_and_run_ends_themselves_are_refused() {
    let types = random::nested_types();
    for data_type in types.iter().filter(|t| matches!(t, DataType::Union(_, _) | DataType::RunEndEncoded(_, _))) {
        let mut messages = encoded(&random::batch(std::slice::from_ref(data_type), 20, 1), v4());
        let last = messages.len() - 1;
        let mut header = messages[last].0.to_vec();
        let batch = arrow_ipc::root_as_message(&messages[last].0).unwrap().header_as_record_batch().unwrap();
        let node = batch.nodes().unwrap().bytes().as_ptr() as usize - messages[last].0.as_ptr() as usize;
        header[node + 8] = 1;
        messages[last].0 = header.into();
        let error = decode(&messages).unwrap_err();
        let refused = matches!(&error, Error::Field { path, problem: Problem::Unsupported { .. } } if path == "c0");
        assert!(refused, "{data_type}: {error}");
    }
}

#[test]
fn every_cut_of_a_header_or_a_body_is_an_error() {
    for data_type in changed_types() {
        let batch = random::batch(std::slice::from_ref(&data_type), 20, 1);
        let mut messages = encoded(&batch, v4());
        let (header, body) = messages.pop().unwrap();
        let mut decoder = decoder();
        decode_with(&mut decoder, &messages).unwrap();
        let mut read = |header: &Bytes, body: Bytes| decode_with(&mut decoder, &[(header.clone(), body)]);
        let cuts = (0..header.len()).filter(|&length| read(&header.slice(..length), body.clone()).is_ok());
        // What pads a header to a multiple of 8 may be missing.
        assert!(cuts.count() < 8, "{data_type}");
        assert!((0..body.len()).all(|length| read(&header, body.slice(..length)).is_err()), "{data_type}");
    }
}
