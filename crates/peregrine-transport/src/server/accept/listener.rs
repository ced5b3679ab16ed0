//! `Listener`: a place where connections come in.

use std::fmt;
use std::io;
use std::path::Path;

use futures_core::Stream;
use tokio::net::ToSocketAddrs;

use super::accept_stream::AcceptStream;
use super::tcp::TcpAccept;
use super::unix::UnixAccept;
use super::{Accept, Accepting};
use crate::io::Io;
use crate::listen_address::ListenAddress;
use crate::memory::{InMemoryConnect, in_memory};

/// A place where connections come in.
pub struct Listener {
    source: Box<dyn Accept>,
}

impl Listener {
    /// Takes connections from a custom source.
    pub fn new(source: impl Accept) -> Self {
        Self { source: Box::new(source) }
    }

    /// Listens on a TCP address; port 0 takes a free one.
    ///
    /// # Errors
    /// What the system says, for instance that the address is in use.
    pub async fn tcp(address: impl ToSocketAddrs) -> io::Result<Self> {
        Ok(Self::new(TcpAccept::bind(address).await?))
    }

    /// Listens on a unix socket. A socket file that no process listens on any more is replaced; the file is removed
    /// when the listener is dropped.
    ///
    /// # Errors
    /// What the system says; [`AddrInUse`](io::ErrorKind::AddrInUse) if another process listens there, or if the path
    /// is something other than a socket.
    pub fn unix(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self::new(UnixAccept::bind(path.as_ref())?))
    }

    /// A listener in memory and what connects to it, for tests and for a server in the process of its client.
    pub fn in_memory() -> (Self, InMemoryConnect) {
        let (source, connect) = in_memory();
        (Self::new(source), connect)
    }

    /// Where it listens.
    pub fn local_addr(&self) -> ListenAddress {
        self.source.local_addr()
    }

    /// Takes the connections of a stream, under a name. A connection that fails to come is logged and the next is
    /// asked for at once: a stream that lacks something which its next connection would lack too waits by itself. The
    /// end of the stream means that none comes any more, not that the server stops.
    pub fn from_stream<S, C>(name: impl Into<String>, connections: S) -> Self
    where
        S: Stream<Item = io::Result<C>> + Send + 'static,
        C: Io,
    {
        Self::new(AcceptStream::new(name.into(), connections))
    }
}

impl Accept for Listener {
    fn accept(&mut self) -> Accepting<'_> {
        self.source.accept()
    }

    fn local_addr(&self) -> ListenAddress {
        self.source.local_addr()
    }

    fn lost_one(&self, error: &io::Error) -> bool {
        self.source.lost_one(error)
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("address", &self.local_addr()).finish_non_exhaustive()
    }
}
