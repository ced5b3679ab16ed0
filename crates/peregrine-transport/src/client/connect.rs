//! How a client reaches its server.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;

use tokio::net::{TcpStream, UnixStream};

use crate::io::Io;

/// A connection on its way.
pub type Connecting<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Io>>> + Send + 'a>>;

/// Opens connections to one server. The channel asks again where a connection was lost.
pub trait Connector: Send + Sync + 'static {
    /// Opens a connection. Dropping the future gives up.
    fn connect(&self) -> Connecting<'_>;

    /// The host that requests name as `:authority`, with a port if there is one.
    fn authority(&self) -> &str;

    /// What errors call the server.
    fn address(&self) -> String;
}

impl<C: Connector + ?Sized> Connector for Box<C> {
    fn connect(&self) -> Connecting<'_> {
        (**self).connect()
    }

    fn authority(&self) -> &str {
        (**self).authority()
    }

    fn address(&self) -> String {
        (**self).address()
    }
}

/// Connects over TCP, without delay (`TCP_NODELAY`).
///
/// ```
/// use peregrine_transport::{Connector, TcpConnector};
///
/// assert_eq!(TcpConnector::new("::1", 8815).authority(), "[::1]:8815");
/// ```
#[derive(Debug, Clone)]
pub struct TcpConnector {
    host: String,
    port: u16,
    authority: String,
}

impl TcpConnector {
    /// Connects to a host name or address; one of IPv6 comes without brackets. Of a name's addresses the first that
    /// answers is taken.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        let host = host.into();
        let authority = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        Self { host, port, authority }
    }
}

impl Connector for TcpConnector {
    fn connect(&self) -> Connecting<'_> {
        Box::pin(async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Io>)
        })
    }

    fn authority(&self) -> &str {
        &self.authority
    }

    fn address(&self) -> String {
        self.authority.clone()
    }
}

/// Connects to a unix socket.
#[derive(Debug, Clone)]
pub struct UnixConnector {
    path: PathBuf,
}

impl UnixConnector {
    /// Connects to the socket at a path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl Connector for UnixConnector {
    fn connect(&self) -> Connecting<'_> {
        Box::pin(async { Ok(Box::new(UnixStream::connect(&self.path).await?) as Box<dyn Io>) })
    }

    fn authority(&self) -> &str {
        "localhost"
    }

    fn address(&self) -> String {
        format!("unix:{}", self.path.display())
    }
}
