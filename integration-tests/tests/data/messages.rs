//! The messages in a stream or a file, and the way through the decoder.

use std::iter;
use std::ops::Range;

use arrow_array::{Array, RecordBatch};
use arrow_ipc::{Endianness, MetadataVersion, root_as_message};
use bytes::Bytes;
use peregrine::ipc::{Decoded, Decoder, Error, FileFooter, IpcReadOptions, MessageLimits, StreamMessages};

/// A message as it came: its bare header and its body.
pub(crate) type Message = (Bytes, Bytes);

/// What a file begins with, and a stream does not.
pub(crate) const MAGIC: &[u8] = b"ARROW1";

/// The messages of a stream or of a file, the schema first.
pub(crate) fn read(bytes: &Bytes) -> Result<Vec<Message>, Error> {
    if bytes.starts_with(MAGIC) { read_file(bytes) } else { read_stream(bytes.clone()) }
}

fn read_stream(mut bytes: Bytes) -> Result<Vec<Message>, Error> {
    let mut stream = StreamMessages::new(MessageLimits::default());
    let messages = iter::from_fn(|| stream.read(&mut bytes).transpose());
    let messages = messages.map(|message| message.map(|message| (message.header, message.body)));
    let messages = messages.collect::<Result<_, _>>()?;
    stream.finish()?;
    Ok(messages)
}

fn read_file(file: &Bytes) -> Result<Vec<Message>, Error> {
    let limits = MessageLimits::default();
    let footer = FileFooter::of_file(file, &limits)?;
    let part = |range: Range<u64>| file.slice(range.start as usize..range.end as usize);
    let mut messages = vec![(footer.schema_header().clone(), Bytes::new())];
    for block in footer.blocks() {
        let message = block.message(&part(block.header()), part(block.body()), &limits)?;
        messages.push((message.header, message.body));
    }
    Ok(messages)
}

pub(crate) fn decoder() -> Decoder {
    Decoder::new(IpcReadOptions::default(), MessageLimits::default())
}

/// Decodes messages until one is refused.
pub(crate) fn decode(decoder: &mut Decoder, messages: &[Message]) -> Result<Vec<RecordBatch>, Error> {
    let mut batches = Vec::new();
    for (header, body) in messages {
        if let Decoded::RecordBatch(batch) = decoder.decode(header, body.clone())? {
            batches.push(batch);
        }
    }
    Ok(batches)
}

/// What arrow's full validation says of a batch.
pub(crate) fn validate(batch: &RecordBatch) -> Result<(), String> {
    let columns = batch.schema_ref().fields().iter().zip(batch.columns());
    columns.into_iter().try_for_each(|(field, column)| {
        column.to_data().validate_full().map_err(|error| format!("{}: {error}", field.name()))
    })
}

/// Whether the stream of these messages is one of big-endian data, as its schema says.
pub(crate) fn is_big_endian(messages: &[Message]) -> bool {
    let schema = messages.iter().find_map(|(header, _)| root_as_message(header).ok()?.header_as_schema());
    schema.is_some_and(|schema| schema.endianness() == Endianness::Big)
}

/// Whether these messages were written as before Arrow 1.0.
pub(crate) fn is_version_4(messages: &[Message]) -> bool {
    let version = messages.first().and_then(|(header, _)| Some(root_as_message(header).ok()?.version()));
    version == Some(MetadataVersion::V4)
}
