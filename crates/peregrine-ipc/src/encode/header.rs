//! Writes the headers of batches: bare flatbuffer `Message`s, padded to a multiple of 8.

use arrow_ipc::{
    BodyCompressionBuilder, BodyCompressionMethod, DictionaryBatchBuilder, MessageBuilder, MessageHeader,
    MetadataVersion, RecordBatch, RecordBatchBuilder,
};
use bytes::Bytes;
use flatbuffers::{FlatBufferBuilder, UnionWIPOffset, WIPOffset};

use super::gather::Layout;
use crate::compression::CompressionCodec;

/// Writes one header after another into the same memory.
#[derive(Default)]
pub(super) struct HeaderWriter {
    builder: FlatBufferBuilder<'static>,
}

impl HeaderWriter {
    /// The header of a record batch, or of the values of the dictionary with this id.
    pub(super) fn batch(
        &mut self,
        layout: &Layout,
        rows: usize,
        codec: Option<CompressionCodec>,
        dictionary: Option<i64>,
    ) -> Bytes {
        self.builder.reset();
        let batch = self.record_batch(layout, rows, codec);
        let (kind, header) = match dictionary {
            None => (MessageHeader::RecordBatch, batch.as_union_value()),
            Some(id) => {
                let mut builder = DictionaryBatchBuilder::new(&mut self.builder);
                builder.add_id(id);
                builder.add_data(batch);
                (MessageHeader::DictionaryBatch, builder.finish().as_union_value())
            }
        };
        self.finish(kind, header, layout.body_length)
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

    fn finish(&mut self, kind: MessageHeader, header: WIPOffset<UnionWIPOffset>, body_length: usize) -> Bytes {
        let mut message = MessageBuilder::new(&mut self.builder);
        message.add_version(MetadataVersion::V5);
        message.add_header_type(kind);
        message.add_header(header);
        message.add_bodyLength(body_length as i64);
        let message = message.finish();
        self.builder.finish(message, None);
        let data = self.builder.finished_data();
        let mut bytes = Vec::with_capacity(data.len().next_multiple_of(8));
        bytes.extend_from_slice(data);
        bytes.resize(bytes.capacity(), 0);
        Bytes::from(bytes)
    }
}
