//! `alignment`: columns of several widths arrive in one body, each where its type needs it to be.

use std::sync::Arc;

use arrow_array::{BooleanArray, Int32Array, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use peregrine_client::FlightClient;
use peregrine_proto::{FlightDescriptor, FlightEndpoint, FlightError, FlightInfo, Ticket};
use peregrine_server::{FlightService, ServerCallContext};
use peregrine_stream::FlightDataStream;

use super::ScenarioError;
use super::error::{During, expect_eq};
use super::read::read_endpoints;

const TICKET: &str = "align-data";

/// Answers every descriptor with the same three rows.
pub(super) struct AlignmentService;

impl FlightService for AlignmentService {
    async fn get_flight_info(
        &self,
        _context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, FlightError> {
        let endpoint = FlightEndpoint::new(Ticket::new(TICKET));
        Ok(FlightInfo::new(&schema()).with_descriptor(descriptor).with_endpoint(endpoint))
    }

    async fn do_get(&self, _context: ServerCallContext, ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        match ticket.ticket() == TICKET {
            true => Ok(FlightDataStream::from_batches(schema(), [rows()])),
            false => Err(FlightError::not_found(format!("no flight has the ticket {ticket}"))),
        }
    }
}

/// There is no address to look at: a buffer of numbers of arrow-rs cannot be where its type does not allow it, and
/// reading would have failed.
pub(super) async fn run(client: &FlightClient) -> Result<(), ScenarioError> {
    let info = client.get_flight_info(FlightDescriptor::for_command("alignment")).await.during("GetFlightInfo")?;
    expect_eq("rows", rows(), read_endpoints(client, &info, &schema()).await?)
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("int32", DataType::Int32, false),
        Field::new("int64", DataType::Int64, false),
        Field::new("bool", DataType::Boolean, false),
    ]))
}

fn rows() -> RecordBatch {
    let columns: [arrow_array::ArrayRef; 3] = [
        Arc::new(Int32Array::from(vec![1, 2, 3])),
        Arc::new(Int64Array::from(vec![1, 2, 3])),
        Arc::new(BooleanArray::from(vec![false, true, false])),
    ];
    RecordBatch::try_new(schema(), columns.into()).expect("the columns are the schema's")
}
