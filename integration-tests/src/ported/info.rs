//! `GetInfoFlightServer`: what a flight is told to be.

use anyhow::{Result, ensure};
use arrow_schema::{DataType, Field, Schema};
use peregrine::proto::{
    FlightDescriptor, FlightEndpoint, FlightError, FlightInfo, Location, SchemaResult, Ticket, Timestamp,
};
use peregrine::server::{FlightService, ServerCallContext};

use super::servers::Servers;

/// One flight with something in every field.
pub(super) struct GetInfo;

impl FlightService for GetInfo {
    async fn get_flight_info(
        &self,
        _context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, FlightError> {
        info(descriptor)
    }

    async fn get_schema(
        &self,
        _context: ServerCallContext,
        _descriptor: FlightDescriptor,
    ) -> Result<SchemaResult, FlightError> {
        Ok(SchemaResult::new(&schema()))
    }
}

fn schema() -> Schema {
    Schema::new(vec![Field::new("a", DataType::Int32, true)])
}

fn info(descriptor: FlightDescriptor) -> Result<FlightInfo, FlightError> {
    let anywhere = FlightEndpoint::new(Ticket::new("")).with_location("grpc://test".parse()?);
    let for_a_time = FlightEndpoint::new(Ticket::new(""))
        .with_location(Location::for_grpc_tcp("localhost", 5005))
        // 2023-04-05T12:34:56.789012345Z
        .with_expiration_time(Timestamp::new(1_680_698_096, 789_012_345)?)
        .with_app_metadata("endpoint app metadata");
    Ok(FlightInfo::new(&schema())
        .with_descriptor(descriptor)
        .with_endpoints([anywhere, for_a_time])
        .with_total_records(1)
        .with_total_bytes(42)
        .with_ordered(true)
        .with_app_metadata("info app metadata"))
}

pub(super) async fn test_flight_get_info(servers: &Servers) -> Result<()> {
    let client = servers.client("GetInfoFlightServer").await?;
    let came = client.get_flight_info(FlightDescriptor::for_command("")).await?;
    ensure!(came.schema()? == Some(schema()), "schema {:?}", came.schema());
    let expected = info(FlightDescriptor::for_command(""))?;
    ensure!(came.endpoints() == expected.endpoints(), "endpoints {:?}", came.endpoints());
    ensure!(came.descriptor() == expected.descriptor(), "descriptor {:?}", came.descriptor());
    let numbers = (came.total_records(), came.total_bytes(), came.ordered());
    ensure!(numbers == (1, 42, true), "totals and order {numbers:?}");
    ensure!(came.app_metadata() == "info app metadata", "app_metadata {:?}", came.app_metadata());
    Ok(())
}

pub(super) async fn test_flight_get_schema(servers: &Servers) -> Result<()> {
    let client = servers.client("GetInfoFlightServer").await?;
    let came = client.get_schema(FlightDescriptor::for_command("")).await?.schema()?;
    ensure!(came == schema(), "schema {came:?}");
    Ok(())
}
