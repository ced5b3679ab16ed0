//! Our client of `cargo xtask bench`: reads a stream to its end and keeps nothing.
//!
//! Usage: `bench_client URI ROWS BATCHES`. Prints what the reading took. A first short call connects and warms up.

use anyhow::{Context, Result, ensure};
use integration_tests::{BYTES_PER_ROW, Usage};
use peregrine::client::FlightClient;
use peregrine::proto::Ticket;

#[tokio::main]
async fn main() -> Result<()> {
    peregrine::transport::keep_freed_memory();
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().context("usage: bench_client URI ROWS BATCHES");
    let (uri, rows, batches) = (argument()?, argument()?.parse::<usize>()?, argument()?.parse::<usize>()?);
    let client = FlightClient::connect(uri.as_str())?;
    read(&client, 1).await?;
    let start = Usage::now();
    let read = read(&client, batches).await?;
    let measured = start.measure();
    ensure!(read == rows * batches, "{read} rows came, expected {}", rows * batches);
    println!("{}", measured.to_json(read * BYTES_PER_ROW));
    Ok(())
}

/// Reads so many batches and gives their rows.
async fn read(client: &FlightClient, batches: usize) -> Result<usize> {
    let mut reader = client.do_get(Ticket::new(batches.to_string())).await?;
    let mut rows = 0;
    while let Some(batch) = reader.read_next().await? {
        rows += batch.num_rows();
    }
    Ok(rows)
}
