//! `ConstantFlightServer`, which always has the same tables, and `CheckTicketFlightServer`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use arrow_array::{ArrayRef, Int32Array};
use arrow_schema::Schema;
use peregrine::client::FlightCallOptions;
use peregrine::ipc::{IpcReadOptions, IpcWriteOptions};
use peregrine::proto::{Criteria, FlightDescriptor, FlightError, FlightErrorKind, FlightInfo, Ticket};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::{FlightDataStream, FlightStreamStats, MessageStream, Table};

use super::servers::Servers;
use super::tables::{dicts, ensure_equal, int64, ints, must, table, two_columns};

const CRITERIA: &str = "the expected criteria";

/// A table for each ticket.
pub(super) struct Constant {
    pub(super) write_options: IpcWriteOptions,
}

impl FlightService for Constant {
    async fn list_flights(
        &self,
        _context: ServerCallContext,
        criteria: Criteria,
    ) -> Result<MessageStream<FlightInfo>, FlightError> {
        let info = FlightInfo::new(&Schema::empty()).with_descriptor(FlightDescriptor::for_path(["/foo"]));
        Ok(MessageStream::from_iter((criteria.expression() == CRITERIA).then_some(info)))
    }

    async fn do_get(&self, _context: ServerCallContext, ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        let Table { schema, batches, .. } = match &ticket.ticket()[..] {
            b"ints" => ints("some_ints"),
            b"dicts" => dicts(),
            b"multi" => two_columns(),
            _ => return Err(FlightError::not_found("no such ticket")),
        };
        Ok(FlightDataStream::from_batches(schema, batches).with_write_options(self.write_options.clone()))
    }
}

/// Fails a call with another ticket than the one that it expects.
pub(super) struct CheckTicket;

impl FlightService for CheckTicket {
    async fn do_get(&self, _context: ServerCallContext, ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        must(ticket.ticket() == "the-ticket", || format!("ticket {ticket}"))?;
        let Table { schema, batches, .. } = small_ints();
        Ok(FlightDataStream::from_batches(schema, batches))
    }
}

fn small_ints() -> Table {
    table([("a", Arc::new(Int32Array::from(vec![-10, -5, 0, 5, 10])) as ArrayRef)])
}

pub(super) fn counts(stats: FlightStreamStats) -> [u64; 5] {
    [
        stats.num_messages,
        stats.num_record_batches,
        stats.num_dictionary_batches,
        stats.num_dictionary_deltas,
        stats.num_replaced_dictionaries,
    ]
}

pub(super) async fn test_flight_list_flights(servers: &Servers) -> Result<()> {
    let client = servers.client("ConstantFlightServer").await?;
    for (criteria, expected) in [("", 0), (CRITERIA, 1)] {
        let flights = client.list_flights(Criteria::new(criteria)).await?.read_all().await?;
        ensure!(flights.len() == expected, "{} flights of {criteria:?}", flights.len());
    }
    Ok(())
}

pub(super) async fn test_flight_do_get_ints(servers: &Servers) -> Result<()> {
    for server in ["ConstantFlightServer", "ConstantFlightServer V4"] {
        let client = servers.client(server).await?;
        ensure_equal(&client.do_get(Ticket::new("ints")).await?.read_all().await?, &ints("some_ints"))?;
    }
    let client = servers.client("ConstantFlightServer expected IpcWriteOptions").await?;
    let read = async { client.do_get(Ticket::new("ints")).await?.read_all().await };
    let error = read.await.err().context("options that are none are taken")?;
    ensure!(error.kind() == FlightErrorKind::Failed, "{error}");
    ensure!(error.message().contains("expected IpcWriteOptions"), "{error}");
    Ok(())
}

pub(super) async fn test_flight_do_get_dicts(servers: &Servers) -> Result<()> {
    let client = servers.client("ConstantFlightServer").await?;
    let mut reader = client.do_get(Ticket::new("dicts")).await?;
    reader.schema().await?;
    ensure!(reader.stats().num_messages == 1, "at the start {:?}", reader.stats());
    let came = reader.read_all().await?;
    ensure!(counts(reader.stats()) == [6, 3, 2, 0, 1], "at the end {:?}", reader.stats());
    ensure_equal(&came, &dicts())
}

pub(super) async fn test_flight_do_get_ticket(servers: &Servers) -> Result<()> {
    let client = servers.client("CheckTicketFlightServer").await?;
    ensure_equal(&client.do_get(Ticket::new("the-ticket")).await?.read_all().await?, &small_ints())?;
    let other = async { client.do_get(Ticket::new("another")).await?.read_all().await };
    ensure!(other.await.is_err(), "the server does not see the ticket");
    Ok(())
}

pub(super) async fn test_timeout_passes(servers: &Servers) -> Result<()> {
    let client = servers.client("ConstantFlightServer").await?;
    let options = FlightCallOptions::new().with_timeout(Duration::from_secs(5));
    client.with(options.clone()).do_get(Ticket::new("ints")).await?.read_all().await?;
    Ok(())
}

pub(super) async fn test_read_options(servers: &Servers) -> Result<()> {
    let client = servers.client("ConstantFlightServer").await?;
    let options = FlightCallOptions::new().with_read_options(IpcReadOptions::default().with_projection([1]));
    let one = client.with(options.clone()).do_get(Ticket::new("multi")).await?.read_all().await?;
    ensure_equal(&one, &table([("b", int64(1..=4))]))?;
    ensure_equal(&client.do_get(Ticket::new("multi")).await?.read_all().await?, &two_columns())
}

pub(super) async fn test_cancel_do_get(servers: &Servers) -> Result<()> {
    let client = servers.client("ConstantFlightServer").await?;
    let mut reader = client.do_get(Ticket::new("ints")).await?;
    reader.cancel();
    let error = reader.read_chunk().await.err().context("a cancelled call goes on")?;
    ensure!(error.kind() == FlightErrorKind::Cancelled, "{error}");
    ensure!(error.message().to_lowercase().contains("cancel"), "{error}");
    Ok(())
}
