//! `FlightServer`: what may be set before the first call, and where to listen.

use std::io;
use std::time::Duration;

use peregrine_proto::{FlightError, Location, LocationScheme, MessageLimits};
use peregrine_transport::{Http2Config, ListenAddress, Listener, ServeConfig, serve};

use crate::dispatch::Dispatch;
use crate::lifecycle::RunningServer;
use crate::service::FlightService;

/// Where a server starts: [`FlightServer::builder`].
///
/// ```
/// use std::time::Duration;
///
/// use peregrine_proto::Location;
/// use peregrine_server::{FlightServer, FlightService};
///
/// struct Nothing;
/// impl FlightService for Nothing {}
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), peregrine_proto::FlightError> {
/// let server = FlightServer::builder().bind(Location::for_grpc_tcp("127.0.0.1", 0)).await?.serve(Nothing)?;
/// println!("Server listening on {}", server.location()); // the real port
/// server.shutdown(Duration::from_secs(30)).await; // drain, then cut
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct FlightServer;

impl FlightServer {
    /// A server with safe defaults.
    pub fn builder() -> FlightServerBuilder {
        FlightServerBuilder::default()
    }
}

/// Sets up a server.
#[derive(Debug, Clone)]
pub struct FlightServerBuilder {
    config: ServeConfig,
    limits: MessageLimits,
}

impl Default for FlightServerBuilder {
    fn default() -> Self {
        Self { config: ServeConfig::default(), limits: MessageLimits::default() }
            .message_limits(MessageLimits::default())
    }
}

impl FlightServerBuilder {
    /// Sets windows, frames, keepalive, and how many calls a connection may have.
    #[must_use]
    pub fn http2(mut self, http2: Http2Config) -> Self {
        self.config.http2 = http2;
        self
    }

    /// Sets what a client may make the server hold.
    #[must_use]
    pub fn message_limits(mut self, limits: MessageLimits) -> Self {
        self.config.message_limit = limits.effective_call_message();
        self.limits = limits;
        self
    }

    /// Sets how many connections there may be at a time; more wait in the system's queue. 10 000 unless set.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.config.max_connections = connections;
        self
    }

    /// Sets how long a new connection may take until it speaks HTTP/2. 10 s unless set.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.config.handshake_timeout = timeout;
        self
    }

    /// Listens at a location: `grpc`, `grpc+tcp` (port 0 takes a free one) or `grpc+unix`. Nothing is accepted
    /// before [`serve`](BoundServer::serve), but connections already queue.
    ///
    /// # Errors
    /// A location that cannot be parsed or listened on, naming it.
    pub async fn bind<L>(self, location: L) -> Result<BoundServer, FlightError>
    where
        L: TryInto<Location>,
        L::Error: Into<FlightError>,
    {
        let location = location.try_into().map_err(Into::into)?;
        let listener = listen(&location).await?.map_err(|error| {
            FlightError::unavailable(format!("cannot listen on {location}: {error}")).with_source(error)
        })?;
        Ok(self.listener(listener))
    }

    /// Takes connections from a listener: in memory, or the application's own.
    pub fn listener(self, listener: Listener) -> BoundServer {
        BoundServer { config: self.config, limits: self.limits, listener }
    }
}

/// A server that listens and does not serve yet.
#[derive(Debug)]
pub struct BoundServer {
    config: ServeConfig,
    limits: MessageLimits,
    listener: Listener,
}

impl BoundServer {
    /// Where it listens, with the real port.
    pub fn location(&self) -> Location {
        location_of(self.listener.local_addr())
    }

    /// Starts to serve and returns at once. Must be called within a tokio runtime, which the server then runs on.
    ///
    /// # Errors
    /// Settings that contradict themselves, naming them.
    pub fn serve<S: FlightService>(self, service: S) -> Result<RunningServer, FlightError> {
        let location = self.location();
        let handle = serve(self.listener, Dispatch::new(service, self.limits), self.config)?;
        Ok(RunningServer::new(location, handle))
    }
}

async fn listen(location: &Location) -> Result<io::Result<Listener>, FlightError> {
    match (location.scheme(), location.host(), location.port(), location.socket_path()) {
        (LocationScheme::GrpcTcp, Some(host), Some(port), _) => Ok(Listener::tcp((host, port)).await),
        (LocationScheme::GrpcUnix, _, _, Some(path)) => Ok(Listener::unix(path)),
        _ => Err(FlightError::invalid_argument(format!(
            "cannot listen on {location}: it takes grpc+tcp://HOST:PORT or grpc+unix:///PATH"
        ))),
    }
}

/// What the clients of a listener would write. In-memory and own listeners have no location that others could use.
fn location_of(address: &ListenAddress) -> Location {
    match address {
        ListenAddress::Tcp(address) => Location::for_grpc_tcp(address.ip().to_string(), address.port()),
        ListenAddress::Unix(path) => Location::for_grpc_unix(path),
        _ => Location::reuse_connection(),
    }
}
