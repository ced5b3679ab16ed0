//! Calls that fail: kind, message and `extra_info` of the error, from every place where it can arise.

use anyhow::{Context, Result, bail, ensure};
use integration_tests::{ERROR_KINDS, error, numbers};
use peregrine::client::FlightClient;
use peregrine::proto::{Action, Criteria, FlightDescriptor, FlightError, FlightErrorKind, Ticket};

use crate::report::report;

pub(crate) async fn check(client: &FlightClient) {
    for name in ERROR_KINDS {
        report(format!("error from DoAction: {name}"), do_action(client, name)).await;
    }
    for name in ["unauthorized", "not-found", "unimplemented"] {
        report(format!("error from GetFlightInfo: {name}"), get_flight_info(client, name)).await;
        report(format!("error from DoGet: {name}"), do_get(client, name)).await;
    }
    for name in ["not-found", "unimplemented"] {
        report(format!("error from GetSchema: {name}"), get_schema(client, name)).await;
    }
    report("error in ListFlights", list_flights(client)).await;
    for name in ["internal", "unauthenticated", "invalid-argument"] {
        report(format!("error in the middle of DoGet: {name}"), late_do_get(client, name)).await;
        report(format!("error in the middle of DoAction: {name}"), late_do_action(client, name)).await;
    }
    report("Handshake where there is none", handshake(client)).await;
    report("PollFlightInfo where there is none", poll_flight_info(client)).await;
}

/// Whether an error is what the service raised under a name.
pub(crate) fn is_as_raised(came: Result<impl Sized, FlightError>, name: &str) -> Result<()> {
    let Err(came) = came else { bail!("no error") };
    let raised = error(name).context("a name of the list")?;
    ensure!(came.kind() == raised.kind(), "kind {:?}: {came}", came.kind());
    ensure!(came.message() == raised.message(), "message {:?}", came.message());
    ensure!(came.extra_info() == raised.extra_info(), "extra_info {:?}", came.extra_info());
    Ok(())
}

async fn do_action(client: &FlightClient, name: &str) -> Result<()> {
    let results = async { client.do_action(Action::new(format!("error:{name}"), "")).await?.read_all().await };
    is_as_raised(results.await, name)
}

async fn get_flight_info(client: &FlightClient, name: &str) -> Result<()> {
    is_as_raised(client.get_flight_info(FlightDescriptor::for_command(format!("error:{name}"))).await, name)
}

async fn get_schema(client: &FlightClient, name: &str) -> Result<()> {
    is_as_raised(client.get_schema(FlightDescriptor::for_command(format!("error:{name}"))).await, name)
}

async fn do_get(client: &FlightClient, name: &str) -> Result<()> {
    let table = async { client.do_get(Ticket::new(format!("error:{name}"))).await?.read_all().await };
    is_as_raised(table.await, name)
}

async fn list_flights(client: &FlightClient) -> Result<()> {
    // This server asks its handler for the whole listing before it sends the first flight.
    let flights = async { client.list_flights(Criteria::new("error")).await?.read_all().await };
    is_as_raised(flights.await, "unauthorized")
}

async fn late_do_get(client: &FlightClient, name: &str) -> Result<()> {
    let mut reader = client.do_get(Ticket::new(format!("late-error:{name}"))).await?;
    ensure!(reader.read_next().await? == Some(numbers(0)), "the first batch differs");
    is_as_raised(reader.read_next().await, name)
}

async fn late_do_action(client: &FlightClient, name: &str) -> Result<()> {
    let mut results = client.do_action(Action::new(format!("late-error:{name}"), "")).await?;
    let first = results.read_next().await?.context("the first result is missing")?;
    ensure!(first.body() == "first", "first {first:?}");
    is_as_raised(results.read_next().await, name)
}

async fn handshake(client: &FlightClient) -> Result<()> {
    let answers = async { client.handshake(futures_util::stream::empty()).await?.read_all().await };
    is_unimplemented(answers.await)
}

async fn poll_flight_info(client: &FlightClient) -> Result<()> {
    is_unimplemented(client.poll_flight_info(FlightDescriptor::for_path(["a"])).await)
}

fn is_unimplemented(came: Result<impl Sized, FlightError>) -> Result<()> {
    let Err(came) = came else { bail!("no error") };
    ensure!(came.kind() == FlightErrorKind::Unimplemented, "{came}");
    Ok(())
}
