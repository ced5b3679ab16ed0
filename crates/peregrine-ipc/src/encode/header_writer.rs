//! Writes the headers of batches: bare flatbuffer `Message`s, padded to a multiple of 8.

use arrow_ipc::{
    BodyCompressionBuilder, BodyCompressionMethod, DictionaryBatchBuilder, KeyValue, KeyValueArgs, Message,
    MessageBuilder, MessageHeader, RecordBatch, RecordBatchBuilder,
};
use bytes::Bytes;
use flatbuffers::{FlatBufferBuilder, ForwardsUOffset, Vector, WIPOffset};
use peregrine_proto::MetadataVersion;

use super::gather::Layout;
use crate::compression::{CompressionCodec, OLD_CODEC};

type KeyValues = Vector<'static, ForwardsUOffset<KeyValue<'static>>>;

/// What a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// The rows of a stream.
    Rows,
    /// The values of the dictionary with this id, or, as a delta, values that follow those it has.
    Dictionary { id: i64, is_delta: bool },
}

/// Writes one header after another into the same memory.
#[derive(Default)]
pub(super) struct HeaderWriter {
    builder: FlatBufferBuilder<'static>,
}

impl HeaderWriter {
    /// The header of a batch.
    pub(super) fn batch(
        &mut self,
        layout: &Layout,
        rows: usize,
        codec: Option<CompressionCodec>,
        content: Content,
    ) -> Bytes {
        self.builder.reset();
        let batch = self.record_batch(layout, rows, codec);
        let (kind, header) = match content {
            Content::Rows => (MessageHeader::RecordBatch, batch.as_union_value()),
            Content::Dictionary { id, is_delta } => {
                let mut builder = DictionaryBatchBuilder::new(&mut self.builder);
                builder.add_id(id);
                builder.add_data(batch);
                builder.add_isDelta(is_delta);
                (MessageHeader::DictionaryBatch, builder.finish().as_union_value())
            }
        };
        let metadata = codec.filter(|_| layout.version == MetadataVersion::V4).map(|codec| self.old_codec(codec));
        let mut message = MessageBuilder::new(&mut self.builder);
        message.add_version(layout.version.into());
        message.add_header_type(kind);
        message.add_header(header);
        message.add_bodyLength(layout.body_length as i64);
        if let Some(metadata) = metadata {
            message.add_custom_metadata(metadata);
        }
        let message = message.finish();
        self.finish(message)
    }

    fn record_batch(
        &mut self,
        layout: &Layout,
        rows: usize,
        codec: Option<CompressionCodec>,
    ) -> WIPOffset<RecordBatch<'static>> {
        let builder = &mut self.builder;
        let nodes = builder.create_vector(&layout.nodes);
        let buffers = builder.create_vector(&layout.buffers);
        let variadic = (!layout.variadic.is_empty()).then(|| builder.create_vector(&layout.variadic));
        let compression = codec.map(|codec| {
            let mut compression = BodyCompressionBuilder::new(builder);
            compression.add_method(BodyCompressionMethod::BUFFER);
            compression.add_codec(codec.to_wire());
            compression.finish()
        });
        let mut batch = RecordBatchBuilder::new(builder);
        batch.add_length(rows as i64);
        batch.add_nodes(nodes);
        batch.add_buffers(buffers);
        if let Some(compression) = compression {
            batch.add_compression(compression);
        }
        if let Some(variadic) = variadic {
            batch.add_variadicBufferCounts(variadic);
        }
        batch.finish()
    }

    fn old_codec(&mut self, codec: CompressionCodec) -> WIPOffset<KeyValues> {
        let key = Some(self.builder.create_string(OLD_CODEC));
        let value = Some(self.builder.create_string(&codec.to_string()));
        let entry = KeyValue::create(&mut self.builder, &KeyValueArgs { key, value });
        self.builder.create_vector(&[entry])
    }

    fn finish(&mut self, message: WIPOffset<Message<'static>>) -> Bytes {
        self.builder.finish(message, None);
        let data = self.builder.finished_data();
        let mut bytes = Vec::with_capacity(data.len().next_multiple_of(8));
        bytes.extend_from_slice(data);
        bytes.resize(bytes.capacity(), 0);
        Bytes::from(bytes)
    }
}
