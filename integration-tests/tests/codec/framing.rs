//! The stream format around messages, which Flight does without and other readers and files have; and short ways
//! through both codecs.

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::SchemaRef;
use bytes::Bytes;
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
