//! A schema to IPC bytes.

use arrow_ipc::convert::IpcSchemaEncoder;
use arrow_ipc::writer::DictionaryTracker;
use arrow_ipc::{MessageBuilder, MessageHeader};
use arrow_schema::Schema;
use bytes::{BufMut, Bytes, BytesMut};
use flatbuffers::FlatBufferBuilder;

use super::MetadataVersion;

/// What begins an encapsulated message: a length that no message has, then the length.
const CONTINUATION: u32 = u32::MAX;

/// IPC aligns headers to 8.
const ALIGNMENT: usize = 8;

/// A schema as an encapsulated IPC message of version V5: continuation marker, length, flatbuffer. This is what
/// FlightInfo and SchemaResult carry.
pub fn encode_schema(schema: &Schema) -> Bytes {
    let header = encode_schema_header(schema, MetadataVersion::V5);
    let mut message = BytesMut::with_capacity(8 + header.len());
    message.put_u32_le(CONTINUATION);
    message.put_u32_le(header.len() as u32);
    message.put_slice(&header);
    message.freeze()
}

/// A schema as a bare flatbuffer message, its length a multiple of 8. This is what the header of FlightData carries.
pub fn encode_schema_header(schema: &Schema, version: MetadataVersion) -> Bytes {
    let mut builder = FlatBufferBuilder::new();
    let mut dictionaries = DictionaryTracker::new(true);
    let header = IpcSchemaEncoder::new()
        .with_dictionary_tracker(&mut dictionaries)
        .schema_to_fb_offset(&mut builder, schema)
        .as_union_value();
    let mut message = MessageBuilder::new(&mut builder);
    message.add_version(version.into());
    message.add_header_type(MessageHeader::Schema);
    message.add_bodyLength(0);
    message.add_header(header);
    let root = message.finish();
    builder.finish(root, None);
    let flatbuffer = builder.finished_data();
    let mut bytes = BytesMut::zeroed(flatbuffer.len().next_multiple_of(ALIGNMENT));
    bytes[..flatbuffer.len()].copy_from_slice(flatbuffer);
    bytes.freeze()
}
