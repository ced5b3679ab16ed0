//! Calls that the client ends: by a timeout, by cancelling, by dropping the reader. The server notices each.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use integration_tests::numbers;
use peregrine::client::{FlightCallOptions, FlightClient};
use peregrine::proto::{Action, FlightError, FlightErrorKind, Ticket};

use crate::report::report;

pub(crate) async fn check(client: &FlightClient) {
    report("timeout of the client, noticed by the server", timeout(client)).await;
    report("cancel by the client, noticed by the server", cancel(client)).await;
    report("reader dropped by the client, noticed by the server", drop_reader(client)).await;
}

async fn timeout(client: &FlightClient) -> Result<()> {
    let options = FlightCallOptions::new().with_timeout(Duration::from_millis(200));
    let results = async { client.with(options.clone()).do_action(Action::new("slow", "")).await?.read_all().await };
    is_of_kind(results.await, FlightErrorKind::TimedOut)?;
    noticed(client, "slow").await
}

async fn cancel(client: &FlightClient) -> Result<()> {
    let mut reader = client.do_get(Ticket::new("endless:cancel")).await?;
    for first in [0, 3, 6] {
        ensure!(reader.read_next().await? == Some(numbers(first)), "the batch from {first} differs");
    }
    reader.cancel();
    let end = loop {
        match reader.read_next().await {
            Ok(Some(_)) => {}
            end => break end,
        }
    };
    is_of_kind(end, FlightErrorKind::Cancelled)?;
    noticed(client, "cancel").await
}

async fn drop_reader(client: &FlightClient) -> Result<()> {
    let mut reader = client.do_get(Ticket::new("endless:drop")).await?;
    ensure!(reader.read_next().await? == Some(numbers(0)), "the first batch differs");
    drop(reader);
    noticed(client, "drop").await
}

pub(crate) fn is_of_kind(end: Result<impl Sized, FlightError>, kind: FlightErrorKind) -> Result<()> {
    let Err(error) = end else { bail!("no error") };
    ensure!(error.kind() == kind, "expected {kind}, got {error}");
    Ok(())
}

/// Waits until the server has seen a call end. Whoever runs a check bounds the wait.
pub(crate) async fn noticed(client: &FlightClient, what: &str) -> Result<()> {
    loop {
        let answer = client.do_action(Action::new(format!("noticed:{what}"), "")).await?.read_all().await?;
        if answer.iter().any(|answer| answer.body() == "yes") {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
