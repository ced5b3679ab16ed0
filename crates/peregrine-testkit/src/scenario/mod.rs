//! The official integration scenarios of Arrow Flight: for each one a service, and a client procedure that holds any
//! endpoint to it.
//!
//! Every implementation of Flight has the same scenarios under the same names, and each one's clients are run against
//! each other's servers. [`Scenario`] is one of them; [`RoundTrip`] is the case without a name, which moves a file.

mod alignment;
mod app_metadata;
mod echo;
mod error;
mod expiration_time;
mod expiring;
mod location;
mod name;
mod ordered;
mod poll;
mod read;
mod round_trip;
mod same_schema;

use peregrine_client::FlightClient;
use peregrine_proto::FlightError;
use peregrine_server::{BoundServer, RunningServer};

pub use crate::scenario::error::ScenarioError;
pub use crate::scenario::name::ScenarioNameError;
pub use crate::scenario::round_trip::RoundTrip;
pub use crate::scenario::same_schema::same_schema;

/// One of the official integration scenarios.
///
/// ```
/// use peregrine_client::FlightClient;
/// use peregrine_proto::Location;
/// use peregrine_server::FlightServer;
/// use peregrine_testkit::scenario::Scenario;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scenario = Scenario::from_name("ordered")?;
/// let server = scenario.serve(FlightServer::builder().bind(Location::for_grpc_tcp("127.0.0.1", 0)).await?)?;
/// scenario.run(&FlightClient::connect(server.location().clone())?).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scenario {
    /// The endpoints of a flight that is ordered are read in their order.
    Ordered,
    /// Endpoints that expire are read in time.
    ExpirationTimeDoGet,
    /// A service tells that it has CancelFlightInfo and RenewFlightEndpoint.
    ExpirationTimeListActions,
    /// A cancelled flight cannot be read.
    ExpirationTimeCancelFlightInfo,
    /// An endpoint that expires is given more time.
    ExpirationTimeRenewFlightEndpoint,
    /// What is sent in an exchange comes back, message by message.
    DoExchangeEcho,
    /// GetFlightInfo names the connection that it was asked on as the place of the data.
    LocationReuseConnection,
    /// A long query is polled until it is complete.
    PollFlightInfo,
    /// A flight and its endpoint carry bytes of the application.
    AppMetadataFlightInfoEndpoint,
    /// Columns of several widths arrive in one body.
    Alignment,
}

impl Scenario {
    /// Every scenario.
    pub const ALL: &[Self] = &[
        Self::Ordered,
        Self::ExpirationTimeDoGet,
        Self::ExpirationTimeListActions,
        Self::ExpirationTimeCancelFlightInfo,
        Self::ExpirationTimeRenewFlightEndpoint,
        Self::DoExchangeEcho,
        Self::LocationReuseConnection,
        Self::PollFlightInfo,
        Self::AppMetadataFlightInfoEndpoint,
        Self::Alignment,
    ];

    /// Starts to serve the scenario. Must be called within a tokio runtime, which the server then runs on.
    ///
    /// # Errors
    /// As [`BoundServer::serve`] has them.
    pub fn serve(self, server: BoundServer) -> Result<RunningServer, FlightError> {
        match self {
            Self::Ordered => server.serve(ordered::OrderedService),
            Self::ExpirationTimeDoGet
            | Self::ExpirationTimeListActions
            | Self::ExpirationTimeCancelFlightInfo
            | Self::ExpirationTimeRenewFlightEndpoint => {
                server.serve(expiration_time::ExpirationTimeService::default())
            }
            Self::DoExchangeEcho => server.serve(echo::EchoService),
            Self::LocationReuseConnection => server.serve(location::LocationService),
            Self::PollFlightInfo => server.serve(poll::PollService),
            Self::AppMetadataFlightInfoEndpoint => server.serve(app_metadata::AppMetadataService),
            Self::Alignment => server.serve(alignment::AlignmentService),
        }
    }

    /// Runs the client of the scenario against the server that `client` has.
    ///
    /// # Errors
    /// Whatever the server does other than the scenario has it: the first thing of that kind.
    pub async fn run(self, client: &FlightClient) -> Result<(), ScenarioError> {
        match self {
            Self::Ordered => ordered::run(client).await,
            Self::ExpirationTimeDoGet => expiration_time::do_get(client).await,
            Self::ExpirationTimeListActions => expiration_time::list_actions(client).await,
            Self::ExpirationTimeCancelFlightInfo => expiration_time::cancel_flight_info(client).await,
            Self::ExpirationTimeRenewFlightEndpoint => expiration_time::renew_flight_endpoint(client).await,
            Self::DoExchangeEcho => echo::run(client).await,
            Self::LocationReuseConnection => location::run(client).await,
            Self::PollFlightInfo => poll::run(client).await,
            Self::AppMetadataFlightInfoEndpoint => app_metadata::run(client).await,
            Self::Alignment => alignment::run(client).await,
        }
    }
}
