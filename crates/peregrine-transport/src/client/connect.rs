//! How a client reaches a server.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use peregrine_proto::{Location, LocationScheme};
use tokio::net::{TcpStream, UnixStream};

use crate::io::Io;

/// A connection on its way.
pub type Connecting<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Io>>> + Send + 'a>>;

/// Opens connections. A channel asks again where a connection was lost.
///
/// [`SocketConnect`] is the one that clients have unless they get another; [`InMemoryConnect`](crate::InMemoryConnect)
/// reaches a server of the same process.
pub trait Connect: Send + Sync + 'static {
    /// Opens a connection to a location, on which nothing was read or written. Dropping the future gives up.
    ///
    /// # Errors
    /// What keeps it from being opened. The calls that wait fail with `Unavailable`, and a pause begins, see
    /// [`Backoff`](crate::Backoff).
    fn connect<'a>(&'a self, location: &'a Location) -> Connecting<'a>;

    /// The host that requests name as `:authority`, with a port if there is one: that of the location, or `localhost`.
    fn authority(&self, location: &Location) -> String {
        match (location.host(), location.port()) {
            (Some(host), Some(port)) if host.contains(':') => format!("[{host}]:{port}"),
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) if host.contains(':') => format!("[{host}]"),
            (Some(host), None) => host.to_owned(),
            _ => "localhost".to_owned(),
        }
    }

    /// How errors name the server.
    fn address(&self, location: &Location) -> String {
        match location.socket_path() {
            Some(path) => format!("unix:{}", path.display()),
            None if location.host().is_some() => self.authority(location),
            None => location.to_string(),
        }
    }

    /// Checks that this can reach a location, before anything connects.
    ///
    /// # Errors
    /// Why it cannot.
    fn check(&self, _location: &Location) -> io::Result<()> {
        Ok(())
    }
}

impl<C: Connect + ?Sized> Connect for Arc<C> {
    fn connect<'a>(&'a self, location: &'a Location) -> Connecting<'a> {
        (**self).connect(location)
    }

    fn authority(&self, location: &Location) -> String {
        (**self).authority(location)
    }

    fn address(&self, location: &Location) -> String {
        (**self).address(location)
    }

    fn check(&self, location: &Location) -> io::Result<()> {
        (**self).check(location)
    }
}

/// Connects over TCP, without delay (`TCP_NODELAY`), and to unix sockets, as the location says. Of a host name's
/// addresses the first that accepts is taken.
///
/// ```
/// use peregrine_proto::Location;
/// use peregrine_transport::{Connect, SocketConnect};
///
/// let location = Location::for_grpc_tcp("::1", 8815);
/// assert_eq!(SocketConnect.authority(&location), "[::1]:8815");
/// assert!(SocketConnect.check(&Location::reuse_connection()).is_err());
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct SocketConnect;

impl Connect for SocketConnect {
    fn connect<'a>(&'a self, location: &'a Location) -> Connecting<'a> {
        Box::pin(async move {
            match Socket::of(location)? {
                Socket::Tcp(host, port) => {
                    let stream = TcpStream::connect((host, port)).await?;
                    stream.set_nodelay(true)?;
                    Ok(Box::new(stream) as Box<dyn Io>)
                }
                Socket::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?) as Box<dyn Io>),
            }
        })
    }

    fn check(&self, location: &Location) -> io::Result<()> {
        Socket::of(location).map(drop)
    }
}

/// The socket of a location.
enum Socket<'a> {
    Tcp(&'a str, u16),
    Unix(&'a std::path::Path),
}

impl<'a> Socket<'a> {
    fn of(location: &'a Location) -> io::Result<Self> {
        match (location.scheme(), location.host(), location.port(), location.socket_path()) {
            (LocationScheme::GrpcTcp, Some(host), Some(port), _) => Ok(Self::Tcp(host, port)),
            (LocationScheme::GrpcUnix, _, _, Some(path)) => Ok(Self::Unix(path)),
            _ => {
                let message =
                    format!("cannot connect to {location}: it takes grpc+tcp://HOST:PORT or grpc+unix:///PATH");
                Err(io::Error::new(io::ErrorKind::InvalidInput, message))
            }
        }
    }
}
