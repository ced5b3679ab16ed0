//! `Location`: the URI of a service, or of something that is no Flight service at all.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::str::FromStr;

use crate::error::FlightError;
use crate::generated::flight;
use crate::message::{Generated, flight_messages};

mod parse;
mod target;

use self::target::Target;

/// How a location is reached, by the scheme of its URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LocationScheme {
    /// gRPC over TCP without TLS: `grpc` and `grpc+tcp`.
    GrpcTcp,
    /// gRPC over TLS: `grpc+tls`.
    GrpcTls,
    /// gRPC over a unix socket: `grpc+unix`.
    GrpcUnix,
    /// "Use the connection that you asked on": `arrow-flight-reuse-connection`.
    ReuseConnection,
    /// Any other. The URI is kept as it is, for the application.
    Other,
}

/// The URI of a service.
///
/// The text is kept as it was given. Two locations are equal if their URIs differ at most in the case of the scheme
/// and, where the scheme is gRPC's, of the host. `grpc://h:1` and `grpc+tcp://h:1` mean the same and are not equal.
///
/// ```
/// use peregrine_proto::{Location, LocationScheme};
///
/// let location: Location = "grpc+tls://[::1]:8815".parse().unwrap();
/// assert_eq!(location.scheme(), LocationScheme::GrpcTls);
/// assert_eq!((location.host(), location.port()), (Some("::1"), Some(8815)));
/// assert_eq!(location, Location::for_grpc_tls("::1", 8815));
///
/// let elsewhere: Location = "s3://bucket/part-0.parquet".parse().unwrap();
/// assert_eq!(elsewhere.scheme(), LocationScheme::Other);
/// ```
#[derive(Debug, Clone)]
pub struct Location {
    uri: String,
    target: Target,
    /// Up to where letter case does not count.
    caseless: usize,
}

impl Location {
    /// `grpc+tcp://host:port`. An IPv6 address may be given with or without its brackets. As a server's location,
    /// port 0 means any free one.
    pub fn for_grpc_tcp(host: impl AsRef<str>, port: u16) -> Self {
        Self::trusted(format!("grpc+tcp://{}:{port}", parse::encode_host(host.as_ref())))
    }

    /// `grpc+tls://host:port`. An IPv6 address may be given with or without its brackets.
    pub fn for_grpc_tls(host: impl AsRef<str>, port: u16) -> Self {
        Self::trusted(format!("grpc+tls://{}:{port}", parse::encode_host(host.as_ref())))
    }

    /// `grpc+unix:///path/of/socket`; a path that is not absolute becomes `grpc+unix:path/of/socket`.
    ///
    /// An empty path and one with a zero byte, which no socket has, make a location of the scheme
    /// [`Other`](LocationScheme::Other), whose URI nobody can parse.
    pub fn for_grpc_unix(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let slashes = if path.has_root() { "//" } else { "" };
        Self::trusted(format!("grpc+unix:{slashes}{}", parse::encode_path(path)))
    }

    /// `arrow-flight-reuse-connection://?`: in an endpoint, it stands for the service that was asked.
    pub fn reuse_connection() -> Self {
        Self::trusted("arrow-flight-reuse-connection://?".to_owned())
    }

    /// The URI as it was given.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// How it is reached.
    pub fn scheme(&self) -> LocationScheme {
        match self.target {
            Target::Tcp { tls: false, .. } => LocationScheme::GrpcTcp,
            Target::Tcp { tls: true, .. } => LocationScheme::GrpcTls,
            Target::Unix(_) => LocationScheme::GrpcUnix,
            Target::ReuseConnection => LocationScheme::ReuseConnection,
            Target::Other => LocationScheme::Other,
        }
    }

    /// The host of a TCP or TLS location, an IPv6 address without its brackets. `None` if the URI has none.
    pub fn host(&self) -> Option<&str> {
        match &self.target {
            Target::Tcp { host, .. } => host.as_deref(),
            _ => None,
        }
    }

    /// The port of a TCP or TLS location. `None` if the URI has none.
    pub fn port(&self) -> Option<u16> {
        match self.target {
            Target::Tcp { port, .. } => port,
            _ => None,
        }
    }

    /// The path of a unix location's socket.
    pub fn socket_path(&self) -> Option<&Path> {
        match &self.target {
            Target::Unix(path) => Some(path),
            _ => None,
        }
    }

    /// A URI that was made here, from parts that were encoded.
    fn trusted(uri: String) -> Self {
        match parse::parse(&uri) {
            Ok((target, caseless)) => Self { uri, target, caseless },
            // Paths that no socket has. A location that goes nowhere beats a panic.
            Err(_) => Self { uri, target: Target::Other, caseless: 0 },
        }
    }
}

impl FromStr for Location {
    type Err = FlightError;

    /// # Errors
    /// [`InvalidArgument`](crate::FlightErrorKind::InvalidArgument), "cannot parse URI", naming the URI and the reason.
    fn from_str(uri: &str) -> Result<Self, FlightError> {
        Self::try_from(uri.to_owned())
    }
}

impl TryFrom<&str> for Location {
    type Error = FlightError;

    fn try_from(uri: &str) -> Result<Self, FlightError> {
        Self::try_from(uri.to_owned())
    }
}

impl TryFrom<String> for Location {
    type Error = FlightError;

    fn try_from(uri: String) -> Result<Self, FlightError> {
        match parse::parse(&uri) {
            Ok((target, caseless)) => Ok(Self { uri, target, caseless }),
            Err(reason) => Err(FlightError::invalid_argument(format!("cannot parse URI '{uri}': {reason}"))),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.uri)
    }
}

impl PartialEq for Location {
    fn eq(&self, other: &Self) -> bool {
        let (ours, our_rest) = self.uri.split_at(self.caseless);
        let (theirs, their_rest) = other.uri.split_at(other.caseless);
        ours.eq_ignore_ascii_case(theirs) && our_rest == their_rest
    }
}

impl Eq for Location {}

impl Hash for Location {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (caseless, rest) = self.uri.split_at(self.caseless);
        caseless.to_ascii_lowercase().hash(state);
        rest.hash(state);
    }
}

impl Generated for Location {
    type Message = flight::Location;
    const NAME: &'static str = "Location";

    fn to_generated(&self) -> Self::Message {
        Self::Message { uri: self.uri.clone() }
    }

    fn from_generated(message: Self::Message) -> Result<Self, FlightError> {
        Self::try_from(message.uri)
    }
}

flight_messages!(Location);

#[cfg(test)]
mod tests;
