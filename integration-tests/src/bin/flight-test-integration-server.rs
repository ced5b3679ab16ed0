//! The server of the official integration scenarios, with the command line that their harness knows.
//!
//! Prints `Server listening on localhost:PORT` as its first line, and ends well on SIGTERM.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use integration_tests::two_dashes;
use peregrine::proto::Location;
use peregrine::server::FlightServer;
use peregrine_testkit::scenario::{RoundTrip, Scenario};

/// Serves an official integration scenario of Arrow Flight on all interfaces. Flags may have one dash or two.
#[derive(Debug, Parser)]
struct Args {
    /// The port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 31337)]
    port: u16,
    /// The official name of the scenario. Without it, takes uploads and gives them back.
    #[arg(long, value_name = "NAME", value_parser = Scenario::from_name)]
    scenario: Option<Scenario>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse_from(two_dashes(std::env::args_os()));
    let bound = FlightServer::builder().bind(Location::for_grpc_tcp("0.0.0.0", args.port)).await?;
    let server = match args.scenario {
        Some(scenario) => scenario.serve(bound)?,
        None => RoundTrip::serve(bound)?,
    };
    let shutdown = server.shutdown_on_signal(Duration::from_secs(1))?;
    let port = server.location().port().context("a server on TCP has a port")?;
    println!("Server listening on localhost:{port}");
    std::io::stdout().flush()?;
    shutdown.await;
    Ok(())
}
