//! A case as the messages that both decoders read.

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use bytes::Bytes;
use peregrine::ipc::{EncodedMessage, Encoder, IpcWriteOptions, MessageKind};

use crate::cases::{Case, Dictionary};

/// A header and a body. The body begins at a multiple of 64, so that neither decoder has to copy it; arrow-flight's
/// copies one that does not.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) header: Bytes,
    pub(crate) body: Bytes,
}

/// A stream without an end: what comes once, and then one batch, again and again.
pub(crate) struct Stream {
    pub(crate) name: &'static str,
    pub(crate) batch: RecordBatch,
    pub(crate) head: Vec<Message>,
    /// The batch, behind its dictionary where that comes every time.
    pub(crate) again: Vec<Message>,
}

impl Stream {
    pub(crate) fn new(case: &Case) -> Self {
        let mut encoder = Encoder::new(case.batch.schema(), IpcWriteOptions::default()).unwrap();
        let mut encoded = vec![encoder.schema_message()];
        encoder.encode(&case.batch, &mut encoded).unwrap();
        let first = |kind| encoded.iter().position(|message| message.kind == kind).unwrap();
        let again = match case.dictionary {
            Dictionary::Once => first(MessageKind::RecordBatch),
            Dictionary::EveryTime => first(MessageKind::DictionaryBatch),
        };
        let mut head: Vec<Message> = encoded.iter().map(message).collect();
        let again = head.split_off(again);
        Self { name: case.name, batch: case.batch.clone(), head, again }
    }

    /// The name of the results.
    pub(crate) fn group(&self) -> String {
        format!("decode/{}", self.name)
    }

    /// The bytes of the bodies that are decoded each time.
    pub(crate) fn bytes(&self) -> usize {
        self.again.iter().map(|message| message.body.len()).sum()
    }
}

fn message(encoded: &EncodedMessage) -> Message {
    let body = Buffer::from_slice_ref(encoded.body_bytes());
    Message { header: encoded.header.clone(), body: Bytes::from_owner(body) }
}
