//! `location:reuse_connection`: the data is where the question was asked.

use arrow_schema::Schema;
use peregrine_client::FlightClient;
use peregrine_proto::{FlightDescriptor, FlightEndpoint, FlightError, FlightInfo, Location, Ticket};
use peregrine_server::{FlightService, ServerCallContext};

use super::ScenarioError;
use super::error::{During, expect_eq};
use super::read::only_endpoint;

/// Answers every descriptor with the one endpoint.
pub(super) struct LocationService;

impl FlightService for LocationService {
    async fn get_flight_info(
        &self,
        _context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, FlightError> {
        let endpoint = FlightEndpoint::new(Ticket::new("reuse")).with_location(Location::reuse_connection());
        Ok(FlightInfo::new(&Schema::empty()).with_descriptor(descriptor).with_endpoint(endpoint))
    }
}

pub(super) async fn run(client: &FlightClient) -> Result<(), ScenarioError> {
    let info = client.get_flight_info(FlightDescriptor::for_command("reuse")).await.during("GetFlightInfo")?;
    let locations: Vec<_> = only_endpoint(&info)?.locations().iter().map(Location::uri).collect();
    expect_eq("the locations of the endpoint", vec!["arrow-flight-reuse-connection://?"], locations)
}
