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

/// Both ways between a public type and the type that prost generates for it. Exported for `peregrine-sql` alone, by the
/// module `sql`, so that prost stands in no public signature.
#[allow(unreachable_pub, reason = "reachable with the feature sql")]
pub trait Generated: Sized {
    /// The type that prost generates.
    type Message: prost::Message + Default;
    /// The message's name in its `.proto` file, without the package.
    const NAME: &'static str;

    /// The message as prost's type.
    fn to_generated(&self) -> Self::Message;

    /// Reads prost's type.
    ///
    /// # Errors
    /// `InvalidArgument`, naming message and field, for what the protocol forbids.
    fn from_generated(message: Self::Message) -> Result<Self, FlightError>;

    /// The message as protobuf bytes.
    fn encode(&self) -> Bytes {
        Bytes::from(prost::Message::encode_to_vec(&self.to_generated()))
    }

    /// Reads protobuf bytes, which the byte fields share.
    ///
    /// # Errors
    /// `InvalidArgument`, naming message and field.
    fn decode(bytes: Bytes) -> Result<Self, FlightError> {
        let message = prost::Message::decode(bytes)
            .map_err(|error| FlightError::invalid_argument(format!("{}: {error}", Self::NAME)).with_source(error))?;
        Self::from_generated(message)
    }
}

/// The length of what [`Generated::encode`] gives, without making it.
pub(crate) fn serialized_len<T: Generated>(value: &T) -> usize {
    prost::Message::encoded_len(&value.to_generated())
}

/// Makes public types [`FlightMessage`]s by way of [`Generated`], which is in scope where this is called. Not a blanket
/// impl, which would hide from the docs which types are messages and keep other crates from adding theirs.
#[doc(hidden)]
#[macro_export]
macro_rules! flight_messages {
    ($($name:ident),* $(,)?) => {
        $(impl $crate::FlightMessage for $name {
            fn serialize(&self) -> ::bytes::Bytes {
                Generated::encode(self)
            }

            fn deserialize(bytes: ::bytes::Bytes) -> Result<Self, $crate::FlightError> {
                Generated::decode(bytes)
            }
        })*
    };
}
pub(crate) use flight_messages;

#[cfg(test)]
mod tests;
