//! How connections are secured, and what follows from it: the scheme of requests and of locations, and what a peer
//! proved.

use std::io;

use bytes::Bytes;
use http::uri::Scheme;
use peregrine_proto::Location;

use crate::io::Io;
use crate::listen_address::ListenAddress;

/// How the connections of one side are secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    /// Bytes travel as they are.
    Plaintext,
}

/// A connection that is secured.
pub(crate) struct Secured {
    pub(crate) io: Box<dyn Io>,
    /// The certificates that the peer showed, its own first, each in DER.
    pub(crate) certificates: Vec<Bytes>,
}

impl Security {
    /// Secures a connection of either side, before a byte of HTTP/2 is read or written.
    pub(crate) async fn secure(self, io: Box<dyn Io>) -> io::Result<Secured> {
        match self {
            Self::Plaintext => Ok(Secured { io, certificates: Vec::new() }),
        }
    }

    /// The scheme that requests carry.
    pub(crate) fn scheme(self) -> Scheme {
        match self {
            Self::Plaintext => Scheme::HTTP,
        }
    }

    /// What the clients of a listener would write. Listeners in memory and custom ones have no location that others could
    /// use.
    pub(crate) fn location(self, address: &ListenAddress) -> Location {
        match (self, address) {
            (Self::Plaintext, ListenAddress::Tcp(address)) => {
                Location::for_grpc_tcp(address.ip().to_string(), address.port())
            }
            (Self::Plaintext, ListenAddress::Unix(path)) => Location::for_grpc_unix(path),
            _ => Location::reuse_connection(),
        }
    }
}
