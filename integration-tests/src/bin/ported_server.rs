//! Serves what pyarrow's tests know as a class of servers.
//!
//! Usage: `ported_server CLASS OPTIONS URI`. Prints `Server listening on URI`, and stops when its standard input closes.

use std::time::Duration;

use anyhow::{Context, Result};
use integration_tests::{input_closed, ported};
use peregrine::server::FlightServer;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().context("usage: ported_server CLASS OPTIONS URI");
    let (class, options, uri) = (argument()?, argument()?, argument()?);
    let bound = FlightServer::builder().bind(uri.as_str()).await?;
    let server = ported::serve(&class, &options, bound)?;
    println!("Server listening on {}", server.location());
    input_closed().await?;
    server.shutdown(Duration::from_secs(1)).await;
    Ok(())
}
