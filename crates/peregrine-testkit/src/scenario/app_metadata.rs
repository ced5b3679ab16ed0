//! `app_metadata_flight_info_endpoint`: a flight and its endpoint carry bytes of the application.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema};
use peregrine_client::FlightClient;
use peregrine_proto::{DescriptorType, FlightDescriptor, FlightEndpoint, FlightError, FlightInfo, Ticket};
use peregrine_server::{FlightService, ServerCallContext};

use super::ScenarioError;
use super::error::{During, expect_eq};
use super::read::only_endpoint;

/// Gives the command back as metadata.
pub(super) struct AppMetadataService;

impl FlightService for AppMetadataService {
    async fn get_flight_info(
        &self,
        _context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, FlightError> {
        if descriptor.descriptor_type() != DescriptorType::Command {
            return Err(FlightError::invalid_argument("the descriptor must be a command"));
        }
        let command = descriptor.command().clone();
        let endpoint = FlightEndpoint::new(Ticket::default()).with_app_metadata(command.clone());
        Ok(FlightInfo::new(&Schema::new([Arc::new(Field::new("number", DataType::UInt32, false))]))
            .with_descriptor(descriptor)
            .with_endpoint(endpoint)
            .with_app_metadata(command))
    }
}

pub(super) async fn run(client: &FlightClient) -> Result<(), ScenarioError> {
    let info = client.get_flight_info(FlightDescriptor::for_command("foobar")).await.during("GetFlightInfo")?;
    expect_eq("the flight's app_metadata", &b"foobar"[..], info.app_metadata())?;
    expect_eq("the endpoint's app_metadata", &b"foobar"[..], only_endpoint(&info)?.app_metadata())
}
