//! Our client of `cargo xtask bench`: moves batches and keeps nothing.
//!
//! Usage: `bench_client CASE URI ROWS BATCHES`, CASE being `do_get`, `do_put` or `do_exchange`. Prints what the moving
//! took. A first short call connects and warms up. Small calls are `bench_client CASE URI IN_FLIGHT CALLS` with
//! `small_do_action` or `small_do_get`, and IN_FLIGHT tasks that share the calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail, ensure};
use arrow_array::RecordBatch;
use integration_tests::{BYTES_PER_ROW, Usage, columns};
use peregrine::client::FlightClient;
use peregrine::proto::{Action, FlightDescriptor, FlightError, Ticket};
use peregrine::stream::FlightStreamReader;

#[tokio::main]
async fn main() -> Result<()> {
    peregrine::transport::keep_freed_memory();
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().context("usage: bench_client CASE URI ROWS BATCHES");
    let (case, uri) = (argument()?, argument()?);
    let (rows, batches) = (argument()?.parse::<usize>()?, argument()?.parse::<usize>()?);
    let client = FlightClient::connect(uri.as_str())?;
    if let Some(call) = SmallCall::named(&case) {
        return small(&client, call, rows, batches).await;
    }
    let batch = columns(rows);
    run(&case, &client, &batch, 1).await?;
    let start = Usage::now();
    let moved = run(&case, &client, &batch, batches).await?;
    let measured = start.measure();
    ensure!(moved == rows * batches, "{moved} rows were moved, expected {}", rows * batches);
    println!("{}", measured.to_json(moved * BYTES_PER_ROW));
    Ok(())
}

/// A call with a small response.
#[derive(Clone, Copy)]
enum SmallCall {
    DoAction,
    DoGet,
}

impl SmallCall {
    fn named(case: &str) -> Option<Self> {
        match case {
            "small_do_action" => Some(Self::DoAction),
            "small_do_get" => Some(Self::DoGet),
            _ => None,
        }
    }

    async fn run(self, client: &FlightClient) -> Result<(), FlightError> {
        match self {
            Self::DoAction => client.do_action(Action::new("echo", "hello")).await?.read_all().await.map(drop),
            Self::DoGet => rows(client.do_get(Ticket::new("1")).await?).await.map(drop),
        }
    }
}

/// Makes many small calls.
async fn small(client: &FlightClient, call: SmallCall, in_flight: usize, calls: usize) -> Result<()> {
    call.run(client).await?;
    let start = Usage::now();
    let left = Arc::new(AtomicUsize::new(calls));
    let tasks = (0..in_flight).map(|_| {
        let (client, left) = (client.clone(), Arc::clone(&left));
        tokio::spawn(async move {
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                call.run(&client).await?;
            }
            Ok::<(), FlightError>(())
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await??;
    }
    println!("{}", start.measure().to_json(0));
    Ok(())
}

/// Moves so many batches and gives the rows that arrived.
async fn run(case: &str, client: &FlightClient, batch: &RecordBatch, batches: usize) -> Result<usize> {
    match case {
        "do_get" => Ok(rows(client.do_get(Ticket::new(batches.to_string())).await?).await?),
        "do_put" => put(client, batch, batches).await,
        "do_exchange" => echo(client, batch, batches).await,
        other => bail!("no case {other}"),
    }
}

/// Uploads; the server answers with the rows that it got.
async fn put(client: &FlightClient, batch: &RecordBatch, batches: usize) -> Result<usize> {
    let (mut writer, mut results) = client.do_put(descriptor(), batch.schema()).await?;
    for _ in 0..batches {
        writer.write_batch(batch).await?;
    }
    writer.done_writing().await?;
    let rows = results.read().await?.context("the server acknowledged nothing")?;
    writer.close().await?;
    Ok(std::str::from_utf8(&rows)?.parse()?)
}

/// Writes in one task and reads what comes back in another.
async fn echo(client: &FlightClient, batch: &RecordBatch, batches: usize) -> Result<usize> {
    let (mut writer, reader) = client.do_exchange(descriptor()).await?;
    let reading = tokio::spawn(rows(reader));
    writer.begin(batch.schema()).await?;
    for _ in 0..batches {
        writer.write_batch(batch).await?;
    }
    writer.done_writing().await?;
    let rows = reading.await??;
    writer.close().await?;
    Ok(rows)
}

async fn rows(mut reader: FlightStreamReader) -> Result<usize, FlightError> {
    let mut rows = 0;
    while let Some(batch) = reader.read_next().await? {
        rows += batch.num_rows();
    }
    Ok(rows)
}

fn descriptor() -> FlightDescriptor {
    FlightDescriptor::for_path(["bench"])
}
