//! `ListenAddress`: where a server listens.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where a [`Listener`](crate::Listener) listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ListenAddress {
    /// A TCP address, with the port that was really taken.
    Tcp(SocketAddr),
    /// The path of a unix socket.
    Unix(PathBuf),
    /// Memory of this process.
    InMemory,
    /// A custom listener, under its name.
    Custom(String),
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
            Self::InMemory => f.write_str("in-memory"),
            Self::Custom(name) => f.write_str(name),
        }
    }
}
