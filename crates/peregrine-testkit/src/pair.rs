//! `Pair`: a real server and a real client, joined in memory.

use std::fmt;
use std::io;
use std::sync::Arc;

use peregrine_client::{FlightClient, FlightClientBuilder};
use peregrine_proto::Location;
use peregrine_server::{BoundServer, FlightServer, FlightServerBuilder, FlightService, RunningServer};
use peregrine_transport::{Connect, Connecting, Io, Listener};

use crate::fault::Faults;

/// A server and what connects to it, in one process and without a network. Both are the real ones: every byte goes
/// through HTTP/2.
///
/// ```
/// use peregrine_proto::Ticket;
/// use peregrine_testkit::{MemoryService, Pair, batches};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), peregrine_proto::FlightError> {
/// let pair = Pair::new(MemoryService::with("trips", batches::one_per_type()));
/// let read = pair.client().do_get(Ticket::new("trips")).await?.read_all().await?;
/// assert_eq!(read.batches, batches::one_per_type());
/// # Ok(())
/// # }
/// ```
///
/// # The clock
///
/// All waiting of client and server, deadlines included, goes by tokio's clock, and a pair does nothing outside of the
/// runtime. So a test may pause the clock (the feature `test-util` of tokio, on a runtime of one thread): it jumps to the
/// next timer whenever nothing else can go on, an hour passes in no time, and what would hang fails at once.
///
/// ```
/// use std::time::Duration;
///
/// use peregrine_client::FlightCallOptions;
/// use peregrine_proto::{FlightError, FlightErrorKind, Ticket};
/// use peregrine_server::{FlightService, ServerCallContext};
/// use peregrine_stream::FlightDataStream;
/// use peregrine_testkit::Pair;
///
/// struct Slow;
///
/// impl FlightService for Slow {
///     async fn do_get(&self, _: ServerCallContext, _: Ticket) -> Result<FlightDataStream, FlightError> {
///         tokio::time::sleep(Duration::from_secs(3600)).await;
///         Err(FlightError::internal("an hour is over"))
///     }
/// }
///
/// // In a test: #[tokio::test(start_paused = true)]
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let pair = Pair::new(Slow);
/// let options = FlightCallOptions::new().with_timeout(Duration::from_secs(5));
/// let started = tokio::time::Instant::now();
/// let error = pair.client().with(options).do_get(Ticket::new("")).await.unwrap_err();
/// assert_eq!((error.kind(), started.elapsed().as_secs()), (FlightErrorKind::TimedOut, 5));
/// let error = pair.client().do_get(Ticket::new("")).await.unwrap_err();
/// assert_eq!((error.message(), started.elapsed().as_secs()), ("an hour is over", 3605));
/// # }
/// ```
#[derive(Debug)]
pub struct Pair {
    server: RunningServer,
    connector: PairConnector,
    client: FlightClient,
}

impl Pair {
    /// Serves a service in memory. Must be called within a tokio runtime.
    pub fn new<S: FlightService>(service: S) -> Self {
        Self::with_server(FlightServer::builder(), service)
    }

    /// Serves a service by a server with settings.
    ///
    /// # Panics
    /// If the settings contradict themselves.
    pub fn with_server<S: FlightService>(builder: FlightServerBuilder, service: S) -> Self {
        let (listener, connector) = Listener::in_memory();
        Self::of(builder.listener(listener), service, connector)
    }

    /// The same through faults: see [`Faults`] for an example.
    ///
    /// # Panics
    /// If the settings contradict themselves.
    pub fn with_faults<S: FlightService>(builder: FlightServerBuilder, service: S, faults: &Faults) -> Self {
        let (listener, connector) = faults.in_memory();
        Self::of(builder.listener(listener), service, connector)
    }

    fn of<S: FlightService>(server: BoundServer, service: S, connector: impl Connect) -> Self {
        let server = server.serve(service).expect("settings that a server takes");
        let connector = PairConnector(Arc::new(connector));
        let client = connector.client(|defaults| defaults);
        Self { server, connector, client }
    }

    /// The client with its defaults.
    pub fn client(&self) -> &FlightClient {
        &self.client
    }

    /// Another client of the server, with settings.
    ///
    /// # Panics
    /// If the settings contradict themselves.
    pub fn client_with(&self, settings: impl FnOnce(FlightClientBuilder) -> FlightClientBuilder) -> FlightClient {
        self.connector.client(settings)
    }

    /// What reaches the server, for clients with settings and for raw bytes.
    pub fn connector(&self) -> PairConnector {
        self.connector.clone()
    }

    /// The server.
    pub fn server(&self) -> &RunningServer {
        &self.server
    }
}

/// Connects to the server of a [`Pair`].
#[derive(Clone)]
pub struct PairConnector(Arc<dyn Connect>);

impl PairConnector {
    fn client(&self, settings: impl FnOnce(FlightClientBuilder) -> FlightClientBuilder) -> FlightClient {
        let builder = FlightClient::builder(Location::reuse_connection()).expect("a location that names no host");
        settings(builder.connector(self.clone())).build().expect("settings that a client takes")
    }

    /// A new connection as a bare byte stream.
    ///
    /// # Errors
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) if the server is gone.
    pub async fn open(&self) -> io::Result<Box<dyn Io>> {
        self.connect(&Location::reuse_connection()).await
    }
}

impl Connect for PairConnector {
    fn connect<'a>(&'a self, location: &'a Location) -> Connecting<'a> {
        self.0.connect(location)
    }

    fn authority(&self, location: &Location) -> String {
        self.0.authority(location)
    }

    fn address(&self, location: &Location) -> String {
        self.0.address(location)
    }
}

impl fmt::Debug for PairConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PairConnector").field(&self.address(&Location::reuse_connection())).finish()
    }
}
