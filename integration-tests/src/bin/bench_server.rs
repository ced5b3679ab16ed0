//! Our server of `cargo xtask bench`: sends one batch of four int64 columns again and again.
//!
//! Usage: `bench_server ROWS`. The ticket is the number of batches. Stops when its standard input closes, and then
//! prints what it used.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use arrow_array::RecordBatch;
use integration_tests::{BYTES_PER_ROW, Usage, columns, input_closed};
use peregrine::proto::{FlightError, Location, Ticket};
use peregrine::server::{FlightServer, FlightService, ServerCallContext};
use peregrine::stream::FlightDataStream;

struct Repeat {
    batch: RecordBatch,
    sent: Arc<AtomicUsize>,
}

impl FlightService for Repeat {
    async fn do_get(&self, _context: ServerCallContext, ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        let count = std::str::from_utf8(ticket.ticket()).ok().and_then(|count| count.parse().ok());
        let count: usize = count.ok_or_else(|| FlightError::invalid_argument("the ticket is a number of batches"))?;
        self.sent.fetch_add(count, Ordering::Relaxed);
        let batches = std::iter::repeat_n(self.batch.clone(), count);
        Ok(FlightDataStream::from_batches(self.batch.schema(), batches))
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    peregrine::transport::keep_freed_memory();
    let rows: usize = std::env::args().nth(1).context("usage: bench_server ROWS")?.parse()?;
    let sent = Arc::new(AtomicUsize::new(0));
    let service = Repeat { batch: columns(rows), sent: Arc::clone(&sent) };
    let server = FlightServer::builder().bind(Location::for_grpc_tcp("127.0.0.1", 0)).await?.serve(service)?;
    let start = Usage::now();
    println!("Server listening on {}", server.location());
    input_closed().await?;
    println!("{}", start.measure().to_json(sent.load(Ordering::Relaxed) * rows * BYTES_PER_ROW));
    server.shutdown(Duration::from_secs(1)).await;
    Ok(())
}
