//! `google.protobuf.Any`, the envelope of Flight SQL: the only place that puts a message into it and takes one out.

use bytes::Bytes;
use prost::Message;

use crate::error::FlightError;
use crate::message::Generated;

/// What stands before the name of every message of Flight SQL in a type URL that we send.
const URL_PREFIX: &str = "type.googleapis.com/";
/// The package of `FlightSql.proto`.
const PACKAGE: &str = "arrow.flight.protocol.sql.";

/// A message of Flight SQL in its envelope, which names it by a type URL.
///
/// Of a received URL only what follows the last `/` counts, as C++, Go and Java have it.
#[derive(Clone, PartialEq, Message)]
pub struct AnyMessage {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    value: Bytes,
}

impl AnyMessage {
    /// Puts a message of Flight SQL into an envelope: `type.googleapis.com/arrow.flight.protocol.sql.` and its name.
    pub fn pack<T: Generated>(message: &T) -> Bytes {
        Self { type_url: type_url::<T>(), value: message.encode() }.encode_to_vec().into()
    }

    /// Reads an envelope, and not yet the message inside of it, which shares `bytes`.
    ///
    /// # Errors
    /// `InvalidArgument` if the bytes are not an envelope.
    pub fn open(bytes: Bytes) -> Result<Self, FlightError> {
        <Self as Message>::decode(bytes).map_err(|error| {
            FlightError::invalid_argument(format!("not a google.protobuf.Any: {error}")).with_source(error)
        })
    }

    /// The type URL as it was received.
    pub fn type_url(&self) -> &str {
        &self.type_url
    }

    /// The name of the message, such as `CommandStatementQuery`; `None` if it is not of Flight SQL.
    pub fn name(&self) -> Option<&str> {
        self.type_url.rsplit('/').next()?.strip_prefix(PACKAGE)
    }

    /// Takes the message out. Its byte fields share the memory of the envelope.
    ///
    /// # Errors
    /// `InvalidArgument`, naming both type URLs, if it is another message; naming message and field, if it cannot be
    /// read.
    pub fn unpack<T: Generated>(self) -> Result<T, FlightError> {
        if self.name() != Some(T::NAME) {
            let (expected, received) = (type_url::<T>(), &self.type_url);
            return Err(FlightError::invalid_argument(format!("expected {expected}, but received '{received}'")));
        }
        T::decode(self.value)
    }
}

fn type_url<T: Generated>() -> String {
    format!("{URL_PREFIX}{PACKAGE}{}", T::NAME)
}
