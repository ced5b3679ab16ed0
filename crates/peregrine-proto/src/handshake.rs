//! What a handshake is made of: its two messages, the stock payload `BasicAuth`, and `Empty`.

use std::fmt;

use bytes::Bytes;

use crate::FlightError;
use crate::generated::flight;
use crate::message::{Generated, flight_messages};

/// One step of a handshake, from the client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct HandshakeRequest {
    protocol_version: u64,
    payload: Bytes,
}

/// One step of a handshake, from the server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct HandshakeResponse {
    protocol_version: u64,
    payload: Bytes,
}

/// Name and password, as the payload of a handshake. Its `Debug` and `Display` leave the password out.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct BasicAuth {
    username: String,
    password: String,
}

/// No arguments: what ListActions is asked with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Empty;

/// Writes what both steps of a handshake need.
macro_rules! handshake_message {
    ($name:ident) => {
        impl $name {
            /// A step with this payload, of protocol version 0.
            pub fn new(payload: impl Into<Bytes>) -> Self {
                Self { protocol_version: 0, payload: payload.into() }
            }

            /// Sets the version of the authentication's own protocol.
            #[must_use]
            pub fn with_protocol_version(mut self, protocol_version: u64) -> Self {
                self.protocol_version = protocol_version;
                self
            }

            /// The version of the authentication's own protocol.
            pub fn protocol_version(&self) -> u64 {
                self.protocol_version
            }

            /// The payload.
            pub fn payload(&self) -> &Bytes {
                &self.payload
            }
        }

        impl Generated for $name {
            type Message = flight::$name;
            const NAME: &'static str = stringify!($name);

            fn to_generated(&self) -> Self::Message {
                Self::Message { protocol_version: self.protocol_version, payload: self.payload.clone() }
            }

            fn from_generated(message: Self::Message) -> Result<Self, FlightError> {
                Ok(Self { protocol_version: message.protocol_version, payload: message.payload })
            }
        }
    };
}

handshake_message!(HandshakeRequest);
handshake_message!(HandshakeResponse);

impl BasicAuth {
    /// A name and a password.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self { username: username.into(), password: password.into() }
    }

    /// The name.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The password.
    pub fn password(&self) -> &str {
        &self.password
    }
}

impl fmt::Debug for BasicAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicAuth").field("username", &self.username).finish_non_exhaustive()
    }
}

impl fmt::Display for BasicAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.username)
    }
}

impl Generated for BasicAuth {
    type Message = flight::BasicAuth;
    const NAME: &'static str = "BasicAuth";

    fn to_generated(&self) -> Self::Message {
        Self::Message { username: self.username.clone(), password: self.password.clone() }
    }

    fn from_generated(message: Self::Message) -> Result<Self, FlightError> {
        Ok(Self { username: message.username, password: message.password })
    }
}

impl Generated for Empty {
    type Message = flight::Empty;
    const NAME: &'static str = "Empty";

    fn to_generated(&self) -> Self::Message {
        Self::Message {}
    }

    fn from_generated(_: Self::Message) -> Result<Self, FlightError> {
        Ok(Self)
    }
}

flight_messages!(HandshakeRequest, HandshakeResponse, BasicAuth, Empty);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_not_printed() {
        let auth = BasicAuth::new("ada", "sesame");
        assert!(!format!("{auth:?} {auth}").contains("sesame"));
    }
}
