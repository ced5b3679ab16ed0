//! A schema to IPC bytes.

use arrow_ipc::convert::IpcSchemaEncoder;
use arrow_ipc::writer::DictionaryTracker;
use arrow_ipc::{DictionaryEncoding, Field, MessageBuilder, MessageHeader};
use arrow_schema::Schema;
use bytes::{BufMut, Bytes, BytesMut};
use flatbuffers::{FlatBufferBuilder, InvalidFlatbuffer};

use super::metadata_version::MetadataVersion;
use crate::error::FlightError;
use crate::verified::Verified;

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
///
/// Dictionaries have the ids from 0 on, those inside of a dictionary's values before its own.
pub fn encode_schema_header(schema: &Schema, version: MetadataVersion) -> Bytes {
    header(schema, version, 0).freeze()
}

/// As [`encode_schema_header`], with an id for each dictionary, in the order in which that one counts them. Fields of
/// one id have their values from one dictionary.
///
/// # Errors
/// [`InvalidArgument`](crate::FlightErrorKind::InvalidArgument) if there are not as many ids as dictionaries.
pub fn encode_schema_header_with_ids(
    schema: &Schema,
    version: MetadataVersion,
    ids: &[i64],
) -> Result<Bytes, FlightError> {
    // An id of 0 would be left out. Counted from 1, each has its place, where the one that is asked for is put.
    let mut bytes = header(schema, version, 1);
    let places =
        places_of_ids(&bytes).map_err(|source| FlightError::internal("a schema unread").with_source(source))?;
    if places.len() != ids.len() {
        let (ids, dictionaries) = (ids.len(), places.len());
        let message = format!("{ids} dictionary ids for a schema with {dictionaries} dictionaries");
        return Err(FlightError::invalid_argument(message));
    }
    for (number, place) in places {
        if let (Some(id), Some(slot)) = (ids.get(number), bytes.get_mut(place..place + size_of::<i64>())) {
            slot.copy_from_slice(&id.to_le_bytes());
        }
    }
    Ok(bytes.freeze())
}

fn header(schema: &Schema, version: MetadataVersion, first_id: usize) -> BytesMut {
    let mut builder = FlatBufferBuilder::new();
    let mut dictionaries = DictionaryTracker::new(true);
    for _ in 0..first_id {
        dictionaries.next_dict_id();
    }
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
    bytes
}

/// Which dictionary each of a header's ids is of, counted from 0, and where the id stands. The ids count from 1.
fn places_of_ids(header: &[u8]) -> Result<Vec<(usize, usize)>, InvalidFlatbuffer> {
    // Our own bytes: they are gone through since they can be read in no other way, and no limit is meant.
    let schema = Verified::just_encoded(header)?.schema();
    let mut fields: Vec<Field<'_>> = schema.and_then(|schema| schema.get().fields()).into_iter().flatten().collect();
    let mut places = Vec::new();
    while let Some(field) = fields.pop() {
        fields.extend(field.children().into_iter().flatten());
        if let Some(dictionary) = field.dictionary() {
            let table = dictionary._tab;
            let place = table.loc() + usize::from(table.vtable().get(DictionaryEncoding::VT_ID));
            places.extend(usize::try_from(dictionary.id() - 1).ok().map(|number| (number, place)));
        }
    }
    Ok(places)
}
