//! Where connections come from: TCP, unix sockets, memory, or the application's own.

mod memory;
mod path_authority;
mod unix;

use std::fmt;
use std::future::{pending, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use futures_core::Stream;
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::sync::mpsc;

use self::path_authority::PathAuthority;
use self::unix::UnixSocket;
use crate::io::Io;
use crate::peer::{Peer, PeerAddress};

pub use self::memory::InMemoryConnector;

/// A place where connections come in.
pub struct Listener {
    address: ListenAddress,
    source: Source,
}

enum Source {
    Tcp(TcpListener),
    Unix(UnixSocket),
    Memory(mpsc::UnboundedReceiver<tokio::io::DuplexStream>),
    Own(Connections),
}

/// The connections of the application's own listener.
type Connections = Pin<Box<dyn Stream<Item = io::Result<Box<dyn Io>>> + Send>>;

/// Where a [`Listener`] listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ListenAddress {
    /// A TCP address, with the port that was really taken.
    Tcp(SocketAddr),
    /// The path of a unix socket.
    Unix(PathBuf),
    /// Memory of this process.
    InMemory,
    /// The application's own listener, in its words.
    Own(String),
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
            Self::InMemory => f.write_str("in-memory"),
            Self::Own(name) => f.write_str(name),
        }
    }
}

impl Listener {
    /// Listens on a TCP address; port 0 takes a free one.
    ///
    /// # Errors
    /// What the system says, for instance that the address is in use.
    pub async fn tcp(address: impl ToSocketAddrs) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { address: ListenAddress::Tcp(listener.local_addr()?), source: Source::Tcp(listener) })
    }

    /// Listens on a unix socket. A socket file that no process listens on any more is replaced; the file is removed
    /// when the listener is dropped.
    ///
    /// # Errors
    /// What the system says; [`AddrInUse`](io::ErrorKind::AddrInUse) if another process listens there, or if the path
    /// is something other than a socket.
    pub fn unix(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        Ok(Self { address: ListenAddress::Unix(path.to_owned()), source: Source::Unix(UnixSocket::bind(path)?) })
    }

    /// A listener in memory and what connects to it, for tests and for a server in the process of its client.
    pub fn in_memory() -> (Self, InMemoryConnector) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let listener = Self { address: ListenAddress::InMemory, source: Source::Memory(receiver) };
        (listener, InMemoryConnector::new(sender))
    }

    /// The application's own listener, under a name. A connection that fails to come is logged and the next is
    /// asked for at once: a stream that lacks something which its next connection would lack too waits by itself. The
    /// end of the stream means that none comes any more, not that the server stops.
    pub fn own<S, C>(name: impl Into<String>, connections: S) -> Self
    where
        S: Stream<Item = io::Result<C>> + Send + 'static,
        C: Io,
    {
        let boxed = Boxed { stream: Box::pin(connections) };
        Self { address: ListenAddress::Own(name.into()), source: Source::Own(Box::pin(boxed)) }
    }

    /// Where it listens.
    pub fn local_addr(&self) -> &ListenAddress {
        &self.address
    }

    /// The next connection. Dropping the future loses none.
    pub(crate) async fn accept(&mut self) -> io::Result<(Box<dyn Io>, Peer)> {
        let (io, address): (Box<dyn Io>, _) = match &mut self.source {
            Source::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // Fails where the peer is gone already, which the connection will find out by itself.
                let _ = stream.set_nodelay(true);
                (Box::new(stream), PeerAddress::Tcp(address))
            }
            Source::Unix(socket) => (Box::new(PathAuthority::new(socket.accept().await?)), PeerAddress::Unix),
            Source::Memory(receiver) => match receiver.recv().await {
                Some(stream) => (Box::new(stream), PeerAddress::InMemory),
                None => pending().await,
            },
            Source::Own(stream) => match poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
                Some(connection) => (connection?, PeerAddress::Other(self.address.to_string())),
                None => pending().await,
            },
        };
        Ok((io, Peer::new(address)))
    }

    /// Whether an error of [`accept`](Self::accept) is that of a single connection, so that the next may come at once.
    pub(crate) fn lost_one(&self, error: &io::Error) -> bool {
        use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
        let own = matches!(self.source, Source::Own(_));
        own || matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Boxes the connections of a stream.
struct Boxed<S> {
    stream: Pin<Box<S>>,
}

impl<S, C> Stream for Boxed<S>
where
    S: Stream<Item = io::Result<C>>,
    C: Io,
{
    type Item = io::Result<Box<dyn Io>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> std::task::Poll<Option<Self::Item>> {
        let next = self.stream.as_mut().poll_next(cx);
        next.map(|item| item.map(|result| result.map(|connection| Box::new(connection) as Box<dyn Io>)))
    }
}
