//! Pass-through: IPC files and streams sent message by message as they are, from memory, files and readers.

use std::io::{Cursor, Read, Write};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_ipc::writer::{DictionaryHandling, FileWriter, IpcWriteOptions as ArrowOptions, StreamWriter};
use arrow_ipc::{Block, CompressionType, FooterBuilder, MetadataVersion};
use arrow_schema::{DataType, Field, Schema};
use bytes::{Buf, Bytes};
use flatbuffers::FlatBufferBuilder;
use futures_util::StreamExt;
use peregrine::ipc::{CompressionCodec, EncodedMessage, Encoder, IpcMessage, IpcReadOptions, IpcWriteOptions};
use peregrine::proto::{FlightData, FlightError, FlightErrorKind, FlightMessage, MessageLimits, Ticket};
use peregrine::stream::{FlightDataStream, FrameConfig, IpcFile, IpcSource, Table};
use peregrine_testkit::one_rpc::DoGet;
use peregrine_testkit::{MemoryService, Pair, batches};

fn limits() -> MessageLimits {
    MessageLimits::default()
}

/// Every way in which arrow-ipc writes: as 0.14 did, as 0.15, as today, and compressed.
fn every_writing() -> Vec<ArrowOptions> {
    let options = |legacy, version| ArrowOptions::try_new(8, legacy, version).unwrap();
    let compressed = |codec| ArrowOptions::default().try_with_compression(Some(codec)).unwrap();
    vec![
        options(true, MetadataVersion::V4),
        options(false, MetadataVersion::V4),
        options(false, MetadataVersion::V5),
        ArrowOptions::default(),
        compressed(CompressionType::LZ4_FRAME),
        compressed(CompressionType::ZSTD),
    ]
}

fn file_of(batches: &[RecordBatch], options: ArrowOptions) -> Bytes {
    let options = options.with_dictionary_handling(DictionaryHandling::Delta);
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &batches[0].schema(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.into_inner().unwrap().into()
}

fn stream_of(batches: &[RecordBatch], options: ArrowOptions) -> Bytes {
    let options = options.with_dictionary_handling(DictionaryHandling::Delta);
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &batches[0].schema(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.into_inner().unwrap().into()
}

fn open(file: Bytes) -> Result<IpcSource, FlightError> {
    IpcSource::from_file(&IpcFile::open(file, limits())?)
}

/// What a live server sends of a source, as its client reads it. The server must serve on afterwards.
async fn sent(
    source: impl Fn() -> Result<IpcSource, FlightError> + Send + Sync + 'static,
) -> Result<Table, FlightError> {
    let pair = Pair::new(DoGet(move |_, ticket: Ticket| {
        let source = if ticket.ticket() == "good" { open(numbers_file()) } else { source() };
        async move { source.map(FlightDataStream::from_ipc) }
    }));
    let read = match pair.client().do_get(Ticket::new("tried")).await {
        Ok(mut reader) => reader.read_all().await,
        Err(error) => Err(error),
    };
    let good = pair.client().do_get(Ticket::new("good")).await.unwrap().read_all().await.unwrap();
    assert_eq!(good.batches, [numbers(100), numbers(50)]);
    read
}

fn numbers(rows: i64) -> RecordBatch {
    let values: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
    RecordBatch::try_from_iter([("n", values)]).unwrap()
}

fn numbers_file() -> Bytes {
    file_of(&[numbers(100), numbers(50)], ArrowOptions::default())
}

/// Batches of every flat type that share their dictionary, as those of a file must.
fn slices() -> Vec<RecordBatch> {
    let whole = batches::one_per_type().remove(0);
    vec![whole.clone(), whole.slice(3, 0), whole.slice(8, 70)]
}

/// Batches with a dictionary that grows.
fn growing() -> Vec<RecordBatch> {
    use arrow_array::types::Int32Type;
    use arrow_array::{DictionaryArray, StringArray};
    let batch = |known: usize, keys: Vec<Option<i32>>| {
        let values = Arc::new(StringArray::from(["oslo", "lima", "rome"][..known].to_vec()));
        let column = DictionaryArray::<Int32Type>::new(keys.into(), values);
        RecordBatch::try_from_iter_with_nullable([("city", Arc::new(column) as ArrayRef, true)]).unwrap()
    };
    vec![batch(2, vec![Some(1), None]), batch(3, vec![Some(2), Some(0)]), batch(3, vec![])]
}

#[tokio::test]
async fn files_come_back_equal() {
    for (written, options) in
        [slices(), growing()].iter().flat_map(|w| every_writing().into_iter().map(move |o| (w, o)))
    {
        let bytes = file_of(written, options);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let file = IpcFile::open(file, limits()).unwrap();
        let table = Table::new(written[0].schema(), written.clone());
        assert_eq!(sent(move || open(bytes.clone())).await.unwrap(), table, "from memory");
        assert_eq!(sent(move || IpcSource::from_file(&file)).await.unwrap(), table, "from a file");
    }
}

#[tokio::test]
async fn streams_come_back_equal() {
    let replaced = batches::dictionaries();
    for options in every_writing() {
        for written in [batches::one_per_type(), growing(), replaced.clone()] {
            let bytes = stream_of(&written, options.clone());
            let again = bytes.clone();
            let table = Table::new(written[0].schema(), written);
            let reader = move || IpcSource::from_stream(Trickle(Cursor::new(bytes.clone())), limits());
            assert_eq!(sent(reader).await.unwrap(), table, "from a reader");
            let memory = move || IpcSource::from_stream_bytes(again.clone(), limits());
            assert_eq!(sent(memory).await.unwrap(), table, "from memory");
        }
    }
}

/// Gives a few bytes at a time, as a pipe may.
struct Trickle<R>(R);

impl<R: Read> Read for Trickle<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(777);
        self.0.read(&mut buffer[..count])
    }
}

/// The messages in the frames of a stream, and where their parts of more than a few KiB lie.
async fn messages_of(stream: FlightDataStream) -> (Vec<FlightData>, Vec<std::ops::Range<usize>>) {
    let mut frames = stream.into_frames(FrameConfig::default()).unwrap();
    let (mut bytes, mut parts, mut messages) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(frame) = frames.next().await {
        let mut frame = frame.unwrap();
        while frame.has_remaining() {
            let part = frame.chunk();
            let start = part.as_ptr() as usize;
            parts.push(start..start + part.len());
            bytes.extend_from_slice(part);
            let length = part.len();
            frame.advance(length);
        }
    }
    let mut bytes = Bytes::from(bytes);
    while !bytes.is_empty() {
        let length = bytes.slice(1..).get_u32() as usize;
        bytes.advance(5);
        messages.push(FlightData::deserialize(bytes.split_to(length)).unwrap());
    }
    (messages, parts)
}

#[tokio::test]
async fn bodies_are_sent_with_the_bytes_and_from_the_memory_that_they_have() {
    for codec in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
        let options = ArrowOptions::default().try_with_compression(codec).unwrap();
        let bytes = file_of(&[numbers(100_000), numbers(0), numbers(70_000)], options);
        let file = IpcFile::open(bytes.clone(), limits()).unwrap();
        let stored: Vec<IpcMessage> =
            file.record_batches().iter().map(|block| file.read_message(block).unwrap()).collect();
        // Whatever the caller asks for, the bytes stay what they are.
        let other = IpcWriteOptions::default().with_compression(CompressionCodec::Lz4).with_target_message_size(1000);
        let stream = FlightDataStream::from_ipc(IpcSource::from_file(&file).unwrap()).with_write_options(other);
        let (messages, parts) = messages_of(stream).await;
        assert_eq!(messages.len(), 4);
        for (message, stored) in messages[1..].iter().zip(&stored) {
            assert_eq!(message.data_body, stored.body);
            assert!(message.data_header.starts_with(&stored.header));
        }
        let memory = bytes.as_ptr() as usize..bytes.as_ptr() as usize + bytes.len();
        let shared = parts.iter().filter(|part| memory.contains(&part.start)).map(std::ops::Range::len);
        assert_eq!(shared.sum::<usize>(), stored[0].body.len() + stored[2].body.len(), "{codec:?}");
    }
}

#[tokio::test]
async fn the_version_of_a_message_stays_what_it_is() {
    let legacy = ArrowOptions::try_new(8, true, MetadataVersion::V4).unwrap();
    let sources = [
        open(file_of(&growing(), legacy.clone())).unwrap(),
        IpcSource::from_stream_bytes(stream_of(&growing(), legacy), limits()).unwrap(),
    ];
    for source in sources {
        let (messages, _) = messages_of(FlightDataStream::from_ipc(source)).await;
        assert_eq!(messages.len(), 6);
        for message in messages {
            let wire = arrow_ipc::root_as_message(&message.data_header).unwrap();
            assert_eq!(wire.version(), MetadataVersion::V4);
        }
    }
}

#[tokio::test]
async fn the_schema_must_be_the_expected_one() {
    let file = IpcFile::open(numbers_file(), limits()).unwrap();
    let source = || IpcSource::from_file(&file).unwrap();
    assert!(source().with_expected_schema(&numbers(0).schema()).is_ok());
    let others = [
        (Schema::new(vec![Field::new("n", DataType::Int32, false)]), "Int64"),
        (Schema::empty(), "1 columns, not 0"),
        (Schema::clone(&numbers(0).schema()).with_metadata([("k".to_owned(), "v".to_owned())]), "other metadata"),
    ];
    for (other, reason) in others {
        let error = source().with_expected_schema(&other).unwrap_err();
        assert_eq!(error.kind(), FlightErrorKind::InvalidArgument);
        assert!(
            error.message().contains("not the one that is expected") && error.message().contains(reason),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_source_is_also_read_as_batches() {
    for written in [slices(), growing()] {
        for options in every_writing() {
            let file = open(file_of(&written, options.clone())).unwrap();
            let stream = IpcSource::from_stream_bytes(stream_of(&written, options), limits()).unwrap();
            for source in [file, stream] {
                let batches = source.into_batches(IpcReadOptions::default()).unwrap();
                assert_eq!(batches.schema(), &written[0].schema());
                assert_eq!(batches.collect::<Result<Vec<_>, _>>().unwrap(), written);
            }
        }
    }
    let projected = open(numbers_file()).unwrap().into_batches(IpcReadOptions::default().with_projection([7]));
    assert_eq!(projected.unwrap_err().kind(), FlightErrorKind::InvalidArgument);
}

#[tokio::test]
async fn what_is_cut_is_an_error() {
    let stream = stream_of(&[numbers(1000), numbers(1000)], ArrowOptions::default());
    let (lengths, expected) = ([0, 5, 100, stream.len() / 2 + 100, stream.len() - 20], FlightErrorKind::DataLoss);
    for length in lengths {
        let cut = stream.slice(..length);
        let error = sent(move || IpcSource::from_stream(Cursor::new(cut.clone()), limits())).await.unwrap_err();
        assert_eq!(error.kind(), expected, "{error}");
        assert!(
            error.message().contains(if length == 0 { "does not begin with a schema" } else { "is cut" }),
            "{error}"
        );
    }
    let file = numbers_file();
    for length in [0, 17, file.len() / 2, file.len() - 1] {
        let cut = file.slice(..length);
        let error = sent(move || open(cut.clone())).await.unwrap_err();
        assert_eq!(error.kind(), expected);
        assert!(error.message().contains("not an Arrow IPC file"), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_served_ends_in_an_error() {
    let changes: [fn(&std::fs::File, u64); 2] = [
        |file, _| file.set_len(1000).unwrap(),
        |file, length| std::os::unix::fs::FileExt::write_all_at(file, &vec![0x77; length as usize], 0).unwrap(),
    ];
    for change in changes {
        let mut file = tempfile::tempfile().unwrap();
        let bytes = file_of(&[numbers(1000), numbers(1000)], ArrowOptions::default());
        file.write_all(&bytes).unwrap();
        let ipc = IpcFile::open(file.try_clone().unwrap(), limits()).unwrap();
        change(&file, bytes.len() as u64);
        let error = sent(move || IpcSource::from_file(&ipc)).await.unwrap_err();
        assert_eq!(error.kind(), FlightErrorKind::DataLoss, "{error}");
    }
}

fn ours(batches: &[RecordBatch]) -> Vec<EncodedMessage> {
    let mut encoder = Encoder::new(batches[0].schema(), IpcWriteOptions::default()).unwrap();
    let mut messages = vec![encoder.schema_message()];
    batches.iter().for_each(|batch| encoder.encode(batch, &mut messages).unwrap());
    messages
}

/// A file of these messages in the order in which they are to lie there, and a footer that says where.
fn forged_file(schema: &Schema, messages: &[EncodedMessage]) -> Bytes {
    use peregrine::ipc::MessageKind;
    let mut file = b"ARROW1\0\0".to_vec();
    let (mut dictionaries, mut batches) = (Vec::new(), Vec::new());
    for message in messages {
        let block = Block::new(file.len() as i64, 8 + message.header.len() as i32, message.body_length as i64);
        match message.kind {
            MessageKind::DictionaryBatch => dictionaries.push(block),
            MessageKind::RecordBatch => batches.push(block),
            MessageKind::Schema => {}
        }
        file.extend([0xff; 4]);
        file.extend((message.header.len() as u32).to_le_bytes());
        file.extend(&message.header);
        file.extend(message.body_bytes());
    }
    let mut builder = FlatBufferBuilder::new();
    let (dictionaries, batches) = (builder.create_vector(&dictionaries), builder.create_vector(&batches));
    let mut tracker = arrow_ipc::writer::DictionaryTracker::new(true);
    let schema = arrow_ipc::convert::IpcSchemaEncoder::new()
        .with_dictionary_tracker(&mut tracker)
        .schema_to_fb_offset(&mut builder, schema);
    let mut footer = FooterBuilder::new(&mut builder);
    footer.add_version(MetadataVersion::V5);
    footer.add_schema(schema);
    footer.add_dictionaries(dictionaries);
    footer.add_recordBatches(batches);
    let footer = footer.finish();
    builder.finish(footer, None);
    file.extend(builder.finished_data());
    file.extend((builder.finished_data().len() as u32).to_le_bytes());
    file.extend(b"ARROW1");
    file.into()
}

#[tokio::test]
async fn dictionaries_go_first_wherever_they_lie_in_a_file() {
    let written = batches::dictionaries()[..2].to_vec();
    let mut messages = ours(&written);
    messages.reverse();
    let file = forged_file(&written[0].schema(), &messages);
    let mut read = sent(move || open(file.clone())).await.unwrap().batches;
    read.reverse();
    assert_eq!(read, written);
}

#[tokio::test]
async fn a_file_may_not_replace_a_dictionary() {
    let written = batches::dictionaries();
    let file = forged_file(&written[0].schema(), &ours(&written));
    let again = file.clone();
    let error = sent(move || open(file.clone())).await.unwrap_err();
    let decoded = open(again).unwrap().into_batches(IpcReadOptions::default()).unwrap();
    let decoded = decoded.collect::<Result<Vec<_>, _>>().unwrap_err();
    for error in [error, decoded] {
        assert_eq!(error.kind(), FlightErrorKind::DataLoss);
        assert!(error.message().contains("the file replaces"), "{error}");
    }
}

#[tokio::test]
async fn messages_that_do_not_fit_their_schema_or_body_are_not_sent() {
    let (good, other) = (ours(&[numbers(1000)]), ours(&batches::one_per_type()));
    let dictionary = ours(&batches::dictionaries());
    let schema = numbers(0).schema();
    let mut short = good[1].clone();
    short.body.truncate(0);
    short.body_length = 0;
    for (messages, reason) in [
        (vec![good[0].clone(), other[2].clone()], "in a message whose schema needs 1"),
        (vec![good[0].clone(), dictionary[1].clone()], "no field of the schema has a dictionary of id 0"),
        (vec![good[0].clone(), short], "states a body of"),
    ] {
        let file = forged_file(&schema, &messages);
        let error = sent(move || open(file.clone())).await.unwrap_err();
        assert_eq!(error.kind(), FlightErrorKind::DataLoss);
        assert!(error.message().contains(reason), "{error}");
    }
    let mut changed = ours(&[numbers(1)]);
    changed.push(other[0].clone());
    let stream: Vec<u8> = changed
        .iter()
        .flat_map(|message| {
            let length = (message.header.len() as u32).to_le_bytes();
            [&[0xff; 4][..], &length, &message.header, &message.body_bytes()].concat()
        })
        .collect();
    let error = sent(move || IpcSource::from_stream_bytes(stream.clone().into(), limits())).await.unwrap_err();
    assert!(error.message().contains("second schema message"), "{error}");
}

#[tokio::test]
async fn what_is_over_the_limits_is_refused() {
    let small = || MessageLimits { message: 4000, ..limits() };
    let file = file_of(&[numbers(1000)], ArrowOptions::default());
    let stream = stream_of(&[numbers(1000)], ArrowOptions::default());
    let errors = [
        sent(move || IpcFile::open(file.clone(), small()).and_then(|file| IpcSource::from_file(&file))).await,
        sent(move || IpcSource::from_stream(Cursor::new(stream.clone()), small())).await,
    ];
    for error in errors {
        assert_eq!(error.unwrap_err().kind(), FlightErrorKind::ResourceExhausted);
    }
}

#[tokio::test]
async fn errors_may_be_told_what_was_read() {
    let stream = stream_of(&[numbers(1000)], ArrowOptions::default());
    let cut = stream.slice(..stream.len() - 100);
    let named = move || {
        let source = IpcSource::from_stream_bytes(cut.clone(), limits())?;
        Ok(source.map_errors(|error| FlightError::not_found(format!("trips: {}", error.message()))))
    };
    let error = sent(named).await.unwrap_err();
    assert_eq!(error.kind(), FlightErrorKind::NotFound);
    assert!(error.message().starts_with("trips: stored IPC data: the stream is cut"), "{error}");
}

#[tokio::test]
async fn what_one_server_passes_on_another_one_takes() {
    let written = slices();
    let pair = Pair::new(MemoryService::new());
    let source = open(file_of(&written, ArrowOptions::default())).unwrap();
    let decoded = source.into_batches(IpcReadOptions::default()).unwrap();
    let path = peregrine::proto::FlightDescriptor::for_path(["copy"]);
    let (mut writer, _metadata) = pair.client().do_put(path, decoded.schema().clone()).await.unwrap();
    for batch in decoded {
        writer.write_batch(&batch.unwrap()).await.unwrap();
    }
    writer.close().await.unwrap();
    assert_eq!(pair.client().do_get(Ticket::new("copy")).await.unwrap().read_all().await.unwrap().batches, written);
}
