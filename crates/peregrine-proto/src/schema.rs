//! Schemas as IPC bytes, both ways.

use arrow_schema::Schema;

use crate::{FlightError, MessageLimits};

mod encode;

pub use self::encode::{encode_schema, encode_schema_header};

/// Reads a schema from an encapsulated IPC message, as FlightInfo and SchemaResult carry it.
pub fn decode_schema(bytes: &[u8], _limits: &MessageLimits) -> Result<Schema, FlightError> {
    Ok(arrow_ipc::convert::try_schema_from_ipc_buffer(bytes)?)
}

/// Reads a schema from a bare flatbuffer message, as the header of FlightData carries it.
pub fn decode_schema_header(header: &[u8], _limits: &MessageLimits) -> Result<Schema, FlightError> {
    Ok(arrow_ipc::convert::try_schema_from_flatbuffer_bytes(header)?)
}
