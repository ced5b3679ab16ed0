//! Bytes that one side makes and the other hands back or looks into: `Ticket`, `Criteria`, `PutResult`.

use std::fmt;

use bytes::Bytes;

use crate::FlightError;
use crate::generated::flight;
use crate::message::{Generated, flight_messages};

/// Opens one part of a flight. Only the service that made it knows what the bytes mean.
///
/// ```
/// use peregrine_proto::Ticket;
///
/// let ticket = Ticket::new("trips");
/// assert_eq!(ticket.ticket().as_ref(), b"trips");
/// assert_eq!(ticket.to_string(), "trips");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Ticket(Bytes);

/// Which flights to list. What the bytes mean is the service's matter; none at all asks for every flight.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Criteria(Bytes);

/// An acknowledgement within DoPut, from the server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct PutResult(Bytes);

/// Writes what a message of one field of bytes needs.
macro_rules! bytes_message {
    ($name:ident, $field:ident) => {
        impl $name {
            #[doc = concat!("A `", stringify!($name), "` of these bytes.")]
            pub fn new($field: impl Into<Bytes>) -> Self {
                Self($field.into())
            }

            /// The bytes.
            pub fn $field(&self) -> &Bytes {
                &self.0
            }
        }

        impl fmt::Display for $name {
            /// The bytes, with all that is not printable ASCII escaped.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0.escape_ascii())
            }
        }

        impl From<$name> for Bytes {
            fn from(message: $name) -> Bytes {
                message.0
            }
        }

        impl Generated for $name {
            type Message = flight::$name;
            const NAME: &'static str = stringify!($name);

            fn to_generated(&self) -> Self::Message {
                Self::Message { $field: self.0.clone() }
            }

            fn from_generated(message: Self::Message) -> Result<Self, FlightError> {
                Ok(Self(message.$field))
            }
        }

        flight_messages!($name);
    };
}

bytes_message!(Ticket, ticket);
bytes_message!(Criteria, expression);
bytes_message!(PutResult, app_metadata);
