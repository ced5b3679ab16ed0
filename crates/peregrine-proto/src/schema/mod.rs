//! Schemas as IPC bytes, both ways. Bytes that come in are checked before anything is made of them.

mod check;
mod decode;
mod encode;
mod metadata_version;
mod refusal;
mod schema_result;
#[cfg(test)]
mod tests;
mod zones;

pub use self::decode::{decode_schema, decode_schema_header, decode_verified_schema};
pub use self::encode::{encode_schema, encode_schema_header, encode_schema_header_with_ids};
pub use self::metadata_version::MetadataVersion;
pub use self::schema_result::SchemaResult;
