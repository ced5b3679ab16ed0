//! Where a server listens, and when a client finds it.

use std::net::TcpListener;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use peregrine::client::FlightClient;
use peregrine::proto::{
    Action, ActionResult, Criteria, FlightDescriptor, FlightError, FlightErrorKind, Location, Ticket,
};
use peregrine::server::{FlightServer, FlightService, RunningServer, ServerCallContext};
use peregrine::stream::MessageStream;
use peregrine::transport::Mutex;

use super::servers::Servers;
use super::tables::{dicts, ensure_equal, ints};

/// A service that serves nothing.
pub(super) struct Base;

impl FlightService for Base {}

/// Starts a server where an action's type says.
#[derive(Default)]
pub(super) struct Late {
    started: Mutex<Vec<RunningServer>>,
}

impl FlightService for Late {
    async fn do_action(
        &self,
        _context: ServerCallContext,
        action: Action,
    ) -> Result<MessageStream<ActionResult>, FlightError> {
        let location: Location = action.action_type().parse()?;
        let server = FlightServer::builder().bind(location).await?.serve(Base)?;
        self.started.lock().push(server);
        Ok(MessageStream::empty())
    }
}

/// Whether a server without a service answers.
async fn ensure_serves_nothing(client: &FlightClient) -> Result<()> {
    let error = client.get_flight_info(FlightDescriptor::for_path(["a"])).await.err().context("no error")?;
    ensure!(error.kind() == FlightErrorKind::Unimplemented, "{error}");
    Ok(())
}

pub(super) async fn test_flight_server_location_argument(servers: &Servers) -> Result<()> {
    // A port that the system chose, and one that was chosen by name.
    let location: Location = servers.uri("FlightServerBase").await?.parse()?;
    ensure_serves_nothing(&FlightClient::connect(location)?).await?;
    let location = Location::for_grpc_tcp("127.0.0.1", free_port()?);
    servers.client("LateServer").await?.do_action(Action::new(location.uri(), "")).await?.read_all().await?;
    ensure_serves_nothing(&FlightClient::connect(location)?).await
}

pub(super) async fn test_client_wait_for_available(servers: &Servers) -> Result<()> {
    let location = Location::for_grpc_tcp("127.0.0.1", free_port()?);
    let client = FlightClient::connect(location.clone())?;
    let early = client.get_flight_info(FlightDescriptor::for_path(["a"])).await.err().context("somebody listens")?;
    ensure!(early.kind() == FlightErrorKind::Unavailable, "{early}");
    let late = servers.client("LateServer").await?;
    let start = async { late.do_action(Action::new(location.uri(), "")).await?.read_all().await };
    let (waited, started) = tokio::join!(client.wait_for_available(Duration::from_secs(30)), start);
    started?;
    waited?;
    ensure_serves_nothing(&client).await
}

pub(super) async fn test_flight_client_close(servers: &Servers) -> Result<()> {
    let client = servers.client("ConstantFlightServer").await?;
    ensure!(client.list_flights(Criteria::default()).await?.read_all().await?.is_empty(), "flights");
    client.close();
    client.close();
    let listing = async { client.list_flights(Criteria::default()).await?.read_all().await };
    let error = listing.await.err().context("a closed client lists flights")?;
    ensure!(error.kind() == FlightErrorKind::InvalidArgument, "{error}");
    Ok(())
}

pub(super) async fn test_get_port(servers: &Servers) -> Result<()> {
    let location: Location = servers.uri("GetInfoFlightServer").await?.parse()?;
    ensure!(location.port().is_some_and(|port| port > 0), "{location}");
    FlightClient::connect(location)?.get_flight_info(FlightDescriptor::for_command("")).await?;
    Ok(())
}

pub(super) async fn test_flight_domain_socket(servers: &Servers) -> Result<()> {
    let client = FlightClient::connect(servers.uri("ConstantFlightServer unix").await?.as_str())?;
    for (ticket, expected) in [("ints", ints("some_ints")), ("dicts", dicts())] {
        let mut reader = client.do_get(Ticket::new(ticket)).await?;
        ensure!(reader.schema().await? == expected.schema, "schema of {ticket}");
        ensure_equal(&reader.read_all().await?, &expected)?;
    }
    Ok(())
}

/// A port where nobody listens.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
