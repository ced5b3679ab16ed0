//! Our server of `cargo xtask bench`: sends one batch of four int64 columns again and again, takes batches, or sends back
//! what comes, the body of an action too.
//!
//! Usage: `bench_server ROWS`. The ticket of a DoGet is the number of batches. Stops when its standard input closes,
//! and then prints what it used.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use arrow_array::RecordBatch;
use integration_tests::{BYTES_PER_ROW, Usage, columns, input_closed};
use peregrine::proto::{Action, ActionResult, FlightError, Location, Ticket};
use peregrine::server::{FlightServer, FlightService, ServerCallContext};
use peregrine::stream::{
    FlightDataStream, FlightMetadataWriter, FlightStreamReader, FlightStreamWriter, MessageStream,
};

struct Bench {
    batch: RecordBatch,
    /// Rows that went in or out; those of an echo count once.
    rows: Arc<AtomicUsize>,
}

impl FlightService for Bench {
    async fn do_get(&self, _context: ServerCallContext, ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        let count = std::str::from_utf8(ticket.ticket()).ok().and_then(|count| count.parse().ok());
        let count: usize = count.ok_or_else(|| FlightError::invalid_argument("the ticket is a number of batches"))?;
        self.rows.fetch_add(count * self.batch.num_rows(), Ordering::Relaxed);
        let batches = std::iter::repeat_n(self.batch.clone(), count);
        Ok(FlightDataStream::from_batches(self.batch.schema(), batches))
    }

    async fn do_put(
        &self,
        _context: ServerCallContext,
        mut reader: FlightStreamReader,
        mut writer: FlightMetadataWriter,
    ) -> Result<(), FlightError> {
        let mut rows = 0;
        while let Some(batch) = reader.read_next().await? {
            rows += batch.num_rows();
        }
        self.rows.fetch_add(rows, Ordering::Relaxed);
        writer.write(rows.to_string()).await
    }

    async fn do_exchange(
        &self,
        _context: ServerCallContext,
        mut reader: FlightStreamReader,
        mut writer: FlightStreamWriter,
    ) -> Result<(), FlightError> {
        writer.begin(reader.schema().await?).await?;
        while let Some(batch) = reader.read_next().await? {
            self.rows.fetch_add(batch.num_rows(), Ordering::Relaxed);
            writer.write_batch(&batch).await?;
        }
        Ok(())
    }

    async fn do_action(
        &self,
        _context: ServerCallContext,
        action: Action,
    ) -> Result<MessageStream<ActionResult>, FlightError> {
        Ok(MessageStream::from_iter([ActionResult::new(action.body().clone())]))
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    peregrine::transport::keep_freed_memory();
    let rows: usize = std::env::args().nth(1).context("usage: bench_server ROWS")?.parse()?;
    let moved = Arc::new(AtomicUsize::new(0));
    let service = Bench { batch: columns(rows), rows: Arc::clone(&moved) };
    let server = FlightServer::builder().bind(Location::for_grpc_tcp("127.0.0.1", 0)).await?.serve(service)?;
    let start = Usage::now();
    println!("Server listening on {}", server.location());
    input_closed().await?;
    println!("{}", start.measure().to_json(moved.load(Ordering::Relaxed) * BYTES_PER_ROW));
    server.shutdown(Duration::from_secs(1)).await;
    Ok(())
}
