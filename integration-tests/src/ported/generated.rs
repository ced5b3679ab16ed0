//! Servers whose streams are at fault: batches of another schema, and batches without rows.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use arrow_array::{ArrayRef, Float64Array, Int32Array, RecordBatch};
use peregrine::proto::{FlightError, Ticket};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::{FlightDataStream, Table};

use super::servers::Servers;
use super::tables::{ensure_equal, table};

/// Sends a batch of another schema behind one of the right one.
pub(super) struct InvalidStream;

impl FlightService for InvalidStream {
    async fn do_get(&self, _context: ServerCallContext, _ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        let Table { schema, mut batches, .. } = small(&[-10, -5, 0, 5, 10]);
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![-10.0, -5.0, 0.0, 5.0, 10.0]));
        batches.extend(table([("a", floats)]).batches);
        Ok(FlightDataStream::from_batches(schema, batches))
    }
}

/// Sends batches without rows before one with some; or has only tables without batches to send, and says so.
pub(super) struct NeverSendsData;

const NOTHING_TO_SEND: &str = "application server implementation error";

impl FlightService for NeverSendsData {
    async fn do_get(&self, _context: ServerCallContext, ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        if ticket.ticket() != "yield_data" {
            return Err(FlightError::failed(NOTHING_TO_SEND));
        }
        let Table { schema, batches, .. } = small(&[0, 1, 2, 3, 4]);
        let empty = RecordBatch::new_empty(schema.clone());
        Ok(FlightDataStream::from_batches(schema, [vec![empty.clone(), empty], batches].concat()))
    }
}

fn small(values: &[i32]) -> Table {
    table([("a", Arc::new(Int32Array::from(values.to_vec())) as ArrayRef)])
}

pub(super) async fn test_flight_invalid_generator_stream(servers: &Servers) -> Result<()> {
    let client = servers.client("InvalidStreamFlightServer").await?;
    let read = async { client.do_get(Ticket::new("")).await?.read_all().await };
    ensure!(read.await.is_err(), "a batch of another schema came through");
    Ok(())
}

pub(super) async fn test_never_sends_data(servers: &Servers) -> Result<()> {
    let client = servers.client("NeverSendsDataFlightServer").await?;
    let read = async { client.do_get(Ticket::new("")).await?.read_all().await };
    let error = read.await.err().context("no error")?;
    ensure!(error.message().contains(NOTHING_TO_SEND), "{error}");
    ensure_equal(&client.do_get(Ticket::new("yield_data")).await?.read_all().await?, &small(&[0, 1, 2, 3, 4]))
}
