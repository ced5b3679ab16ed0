//! From a message to its protobuf bytes and back. What prost makes stays behind this file.

use bytes::Bytes;

use crate::FlightError;

/// A message of the protocol: to protobuf bytes and back.
///
/// ```
/// use peregrine_proto::{FlightMessage, Ticket};
///
/// let bytes = Ticket::new("trips").serialize();
/// assert_eq!(Ticket::deserialize(bytes).unwrap(), Ticket::new("trips"));
/// ```
pub trait FlightMessage: Sized + Send + 'static {
    /// The message as protobuf bytes.
    fn serialize(&self) -> Bytes;

    /// Reads a message. Its byte fields share `bytes`, so a small one kept for long keeps all of `bytes`.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::FlightErrorKind::InvalidArgument), naming message and field, where the bytes are not
    /// such a message or say what the protocol forbids. Unknown fields are skipped.
    fn deserialize(bytes: Bytes) -> Result<Self, FlightError>;
}

/// Both ways between a public type and what prost makes for it.
pub(crate) trait Generated: Sized {
    type Message: prost::Message + Default;
    const NAME: &'static str;

    fn to_generated(&self) -> Self::Message;
    fn from_generated(message: Self::Message) -> Result<Self, FlightError>;
}

pub(crate) fn serialize<T: Generated>(value: &T) -> Bytes {
    Bytes::from(prost::Message::encode_to_vec(&value.to_generated()))
}

/// The length of what [`serialize`] gives, without making it.
pub(crate) fn serialized_len<T: Generated>(value: &T) -> usize {
    prost::Message::encoded_len(&value.to_generated())
}

pub(crate) fn deserialize<T: Generated>(bytes: Bytes) -> Result<T, FlightError> {
    let message = prost::Message::decode(bytes)
        .map_err(|error| FlightError::invalid_argument(format!("{}: {error}", T::NAME)).with_source(error))?;
    T::from_generated(message)
}

/// Makes public types [`FlightMessage`]s by way of [`Generated`]. Not a blanket impl, which would hide from the docs
/// which types are messages and keep other crates from adding theirs.
macro_rules! flight_messages {
    ($($name:ident),* $(,)?) => {
        $(impl $crate::FlightMessage for $name {
            fn serialize(&self) -> ::bytes::Bytes {
                $crate::message::serialize(self)
            }

            fn deserialize(bytes: ::bytes::Bytes) -> Result<Self, $crate::FlightError> {
                $crate::message::deserialize(bytes)
            }
        })*
    };
}
pub(crate) use flight_messages;

#[cfg(test)]
mod tests;
