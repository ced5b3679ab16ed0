//! Who is on the other side of a connection.

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;

/// The other side of a connection, as a server sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// Where it is.
    pub address: PeerAddress,
    /// The certificates that it showed, its own first, each in DER. Empty without TLS or without client
    /// certificates.
    pub certificates: Vec<Bytes>,
}

impl Peer {
    /// A peer that showed no certificates.
    pub fn new(address: PeerAddress) -> Self {
        Self { address, certificates: Vec::new() }
    }
}

/// The address of a peer. It prints as gRPC writes peers: `ipv4:127.0.0.1:4711`, `ipv6:[::1]:4711`, `unix:`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PeerAddress {
    /// A TCP peer.
    Tcp(SocketAddr),
    /// A peer on a unix socket; such peers have no name.
    Unix,
    /// The other end of an in-memory pair.
    InMemory,
    /// It is not known where the peer is, as in a host that does not say.
    Unknown,
    /// A peer of a custom listener, under its name.
    Other(String),
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address @ SocketAddr::V4(_)) => write!(f, "ipv4:{address}"),
            Self::Tcp(address @ SocketAddr::V6(_)) => write!(f, "ipv6:{address}"),
            Self::Unix => f.write_str("unix:"),
            Self::InMemory => f.write_str("in-memory:"),
            Self::Unknown => f.write_str("unknown:"),
            Self::Other(name) => f.write_str(name),
        }
    }
}
