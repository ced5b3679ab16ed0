//! `SchemaResult`: a schema as the answer to a call.

use std::fmt;

use arrow_schema::Schema;
use bytes::Bytes;

use super::decode::decode_schema;
use super::encode::encode_schema;
use crate::error::FlightError;
use crate::generated::flight;
use crate::limits::MessageLimits;
use crate::message::{Generated, flight_messages};

/// The answer to GetSchema.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct SchemaResult(Bytes);

impl SchemaResult {
    /// An answer of this schema.
    pub fn new(schema: &Schema) -> Self {
        Self(encode_schema(schema))
    }

    /// The schema.
    ///
    /// # Errors
    /// As [`decode_schema`] has them, with the default limits.
    pub fn schema(&self) -> Result<Schema, FlightError> {
        decode_schema(&self.0, &MessageLimits::default())
    }

    /// The schema as an encapsulated IPC message, as it came.
    pub fn schema_bytes(&self) -> &Bytes {
        &self.0
    }
}

impl fmt::Display for SchemaResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.schema() {
            Ok(schema) => schema.fmt(f),
            Err(error) => error.fmt(f),
        }
    }
}

impl Generated for SchemaResult {
    type Message = flight::SchemaResult;
    const NAME: &'static str = "SchemaResult";

    fn to_generated(&self) -> Self::Message {
        Self::Message { schema: self.0.clone() }
    }

    fn from_generated(message: Self::Message) -> Result<Self, FlightError> {
        Ok(Self(message.schema))
    }
}

flight_messages!(SchemaResult);
