//! `SlowFlightServer`: timeouts, and calls that are cancelled while the server takes its time.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, stream};
use peregrine::client::FlightCallOptions;
use peregrine::proto::{Action, ActionResult, Code, FlightError, FlightErrorKind, Ticket};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::{FlightDataStream, MessageStream};
use peregrine::transport::Status;

use super::servers::Servers;
use super::tables::ints;

/// An action that takes half a second, and data whose second batch comes after ten.
pub(super) struct Slow;

impl FlightService for Slow {
    async fn do_get(&self, _context: ServerCallContext, _ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        let table = ints("a");
        let batch = table.batches[0].clone();
        let later = stream::once(tokio::time::sleep(Duration::from_secs(10)));
        let batches = stream::iter([batch.clone()]).chain(later.map(move |()| batch.clone()));
        Ok(FlightDataStream::from_stream(table.schema, batches.map(Ok::<_, FlightError>)))
    }

    async fn do_action(
        &self,
        _context: ServerCallContext,
        _action: Action,
    ) -> Result<MessageStream<ActionResult>, FlightError> {
        tokio::time::sleep(Duration::from_millis(500)).await;
        Ok(MessageStream::empty())
    }
}

pub(super) async fn test_timeout_fires(servers: &Servers) -> Result<()> {
    let client = servers.client("SlowFlightServer").await?;
    let options = FlightCallOptions::new().with_timeout(Duration::from_millis(200));
    let results = async { client.with(options.clone()).do_action(Action::new("", "")).await?.read_all().await };
    let error = results.await.err().context("the call outlives its timeout")?;
    ensure!(error.kind() == FlightErrorKind::TimedOut, "{error}");
    Ok(())
}

pub(super) async fn test_cancel_do_get_threaded(servers: &Servers) -> Result<()> {
    let client = servers.client("SlowFlightServer").await?;
    let mut reader = client.do_get(Ticket::new("ints")).await?;
    reader.read_chunk().await?.context("the first batch is missing")?;
    let token = reader.token().expect("the reader of a call").clone();
    let reading = tokio::spawn(async move { reader.read_chunk().await });
    // On a thread that a paused clock waits for.
    let cancel = move || token.cancel(Status::new(Code::Cancelled, "cancelled by another thread"));
    tokio::task::spawn_blocking(cancel).await?;
    let error = reading.await?.err().context("a cancelled call goes on")?;
    ensure!(error.kind() == FlightErrorKind::Cancelled, "{error}");
    Ok(())
}
