//! `Pair`: a real server and a real client, joined in memory.

use peregrine_client::FlightClient;
use peregrine_proto::Location;
use peregrine_server::{FlightServer, FlightServerBuilder, FlightService, RunningServer};
use peregrine_transport::{InMemoryConnector, Listener};

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
#[derive(Debug)]
pub struct Pair {
    server: RunningServer,
    connector: InMemoryConnector,
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
        let server = builder.listener(listener).serve(service).expect("settings that a server takes");
        let client = FlightClient::builder(Location::reuse_connection())
            .and_then(|builder| builder.connector(connector.clone()).build())
            .expect("the defaults of a client");
        Self { server, connector, client }
    }

    /// The client with its defaults.
    pub fn client(&self) -> &FlightClient {
        &self.client
    }

    /// What reaches the server, for clients with settings and for raw bytes.
    pub fn connector(&self) -> InMemoryConnector {
        self.connector.clone()
    }

    /// The server.
    pub fn server(&self) -> &RunningServer {
        &self.server
    }
}
