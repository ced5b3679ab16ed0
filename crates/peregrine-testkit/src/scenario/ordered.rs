//! `ordered`: the order of the endpoints is the order of the rows, if the flight says so.

use std::sync::Arc;

use arrow_array::{Int32Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use peregrine_client::FlightClient;
use peregrine_proto::{FlightDescriptor, FlightEndpoint, FlightError, FlightInfo, Ticket};
use peregrine_server::{FlightService, ServerCallContext};
use peregrine_stream::FlightDataStream;

use super::ScenarioError;
use super::error::{During, expect, expect_eq};
use super::read::read_endpoints;

/// Says that the order matters only if it was asked for.
pub(super) struct OrderedService;

impl FlightService for OrderedService {
    async fn get_flight_info(
        &self,
        _context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, FlightError> {
        let ordered = descriptor.command() == "ordered";
        let tickets = if ordered { ["1", "2", "3"] } else { ["1", "3", "2"] };
        Ok(FlightInfo::new(&schema())
            .with_descriptor(descriptor)
            .with_endpoints(tickets.map(|ticket| FlightEndpoint::new(Ticket::new(ticket))))
            .with_ordered(ordered))
    }

    async fn do_get(&self, _context: ServerCallContext, ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        let factor = match &ticket.ticket()[..] {
            b"1" => 1,
            b"2" => 10,
            b"3" => 100,
            _ => return Err(FlightError::not_found(format!("no flight has the ticket {ticket}"))),
        };
        let batch = numbers([1, 2, 3].map(|number| number * factor));
        Ok(FlightDataStream::from_batches(schema(), [batch]))
    }
}

pub(super) async fn run(client: &FlightClient) -> Result<(), ScenarioError> {
    let info = client.get_flight_info(FlightDescriptor::for_command("ordered")).await.during("GetFlightInfo")?;
    expect_eq("ordered", true, info.ordered())?;
    for endpoint in info.endpoints() {
        expect("the locations of an endpoint", "none", endpoint.locations().is_empty(), endpoint.locations())?;
    }
    let rows = read_endpoints(client, &info, &schema()).await?;
    expect_eq("rows", numbers([1, 2, 3, 10, 20, 30, 100, 200, 300]), rows)
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("number", DataType::Int32, false)]))
}

fn numbers<const N: usize>(numbers: [i32; N]) -> RecordBatch {
    let numbers = Int32Array::from_iter_values(numbers);
    RecordBatch::try_new(schema(), vec![Arc::new(numbers)]).expect("the column is the schema's")
}
