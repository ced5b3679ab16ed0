//! The stream format around messages, which Flight does without and other readers and files have; and short ways
//! through both codecs.

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_ipc::{FieldNode, MessageHeader};
use arrow_schema::SchemaRef;
use bytes::Bytes;
use flatbuffers::FlatBufferBuilder;
use peregrine::ipc::{
    Decoded, Decoder, EncodedMessage, Encoder, Error, IpcReadOptions, IpcWriteOptions, MessageLimits, StreamMessages,
};

/// A message as it came: its bare header and its body.
pub(crate) type Message = (Bytes, Bytes);

/// Schema and batches as messages.
pub(crate) fn encode(batches: &[RecordBatch], options: IpcWriteOptions) -> Vec<EncodedMessage> {
    let mut encoder = Encoder::new(batches[0].schema(), options).unwrap();
    let mut messages = vec![encoder.schema_message()];
    for batch in batches {
        encoder.encode(batch, &mut messages).unwrap();
    }
    messages
}

pub(crate) fn parts(messages: &[EncodedMessage]) -> Vec<Message> {
    messages.iter().map(|message| (message.header.clone(), message.body_bytes())).collect()
}

pub(crate) fn decoder() -> Decoder {
    Decoder::new(IpcReadOptions::default(), MessageLimits::default())
}

pub(crate) fn decode(messages: &[Message]) -> Result<Vec<RecordBatch>, Error> {
    decode_with(&mut decoder(), messages)
}

pub(crate) fn decode_with(decoder: &mut Decoder, messages: &[Message]) -> Result<Vec<RecordBatch>, Error> {
    let mut batches = Vec::new();
    for (header, body) in messages {
        if let Decoded::RecordBatch(batch) = decoder.decode(header, body.clone())? {
            batches.push(batch);
        }
    }
    Ok(batches)
}

/// The bytes of a stream of these messages, with the mark of its end.
pub(crate) fn stream(messages: &[Message]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (header, body) in messages {
        bytes.extend_from_slice(&[0xff; 4]);
        bytes.extend_from_slice(&(header.len() as u32).to_le_bytes());
        bytes.extend_from_slice(header);
        bytes.extend_from_slice(body);
    }
    bytes.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    bytes
}

/// The messages of a stream, as far as its framing can be read.
pub(crate) fn messages(stream: &Bytes) -> Vec<Message> {
    let mut rest = stream.clone();
    let mut messages = StreamMessages::new(MessageLimits::default());
    std::iter::from_fn(|| messages.read(&mut rest).ok().flatten())
        .map(|message| (message.header, message.body))
        .collect()
}

/// What arrow-ipc reads.
pub(crate) fn arrow_decode(messages: &[Message]) -> (SchemaRef, Vec<RecordBatch>) {
    let stream = stream(messages);
    let reader = StreamReader::try_new(&stream[..], None).unwrap();
    (reader.schema(), reader.map(Result::unwrap).collect())
}

/// What arrow-ipc writes.
pub(crate) fn arrow_encode(batches: &[RecordBatch]) -> Vec<Message> {
    let mut stream = Vec::new();
    let mut writer = StreamWriter::try_new(&mut stream, &batches[0].schema()).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    messages(&stream.into())
}

/// The nodes and buffers that the header of a batch states.
pub(crate) fn layout(header: &[u8]) -> (Vec<FieldNode>, Vec<arrow_ipc::Buffer>) {
    let batch = arrow_ipc::root_as_message(header).unwrap().header_as_record_batch().unwrap();
    (batch.nodes().unwrap().iter().copied().collect(), batch.buffers().unwrap().iter().copied().collect())
}

/// The header of a batch with other nodes, as many rows as they have, other buffers, and another body.
pub(crate) fn with_layout(header: &[u8], nodes: &[FieldNode], buffers: &[arrow_ipc::Buffer], body: i64) -> Bytes {
    let message = arrow_ipc::root_as_message(header).unwrap();
    let batch = message.header_as_record_batch().unwrap();
    let variadic = batch.variadicBufferCounts().map(|counts| counts.iter().collect::<Vec<_>>());
    let mut builder = FlatBufferBuilder::new();
    let compression = batch.compression().map(|compression| {
        let (codec, method) = (compression.codec(), compression.method());
        arrow_ipc::BodyCompression::create(&mut builder, &arrow_ipc::BodyCompressionArgs { codec, method })
    });
    let args = arrow_ipc::RecordBatchArgs {
        length: nodes[0].length(),
        nodes: Some(builder.create_vector(nodes)),
        buffers: Some(builder.create_vector(buffers)),
        variadicBufferCounts: variadic.map(|counts| builder.create_vector(&counts)),
        compression,
    };
    let args = arrow_ipc::MessageArgs {
        version: message.version(),
        header_type: MessageHeader::RecordBatch,
        header: Some(arrow_ipc::RecordBatch::create(&mut builder, &args).as_union_value()),
        bodyLength: body,
        custom_metadata: None,
    };
    let message = arrow_ipc::Message::create(&mut builder, &args);
    builder.finish(message, None);
    Bytes::copy_from_slice(builder.finished_data())
}
