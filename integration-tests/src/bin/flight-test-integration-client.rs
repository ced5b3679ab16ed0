//! The client of the official integration scenarios, with the command line that their harness knows.
//!
//! Ends with 0 if the server keeps to the scenario; else it says on stderr what was expected and what came.

use anyhow::Result;
use clap::Parser;
use integration_tests::two_dashes;
use peregrine::client::FlightClient;
use peregrine::proto::Location;
use peregrine_testkit::scenario::Scenario;

/// Holds a server to an official integration scenario of Arrow Flight. Flags may have one dash or two.
#[derive(Debug, Parser)]
struct Args {
    /// The server's host.
    #[arg(long, default_value = "localhost")]
    host: String,
    /// The server's port.
    #[arg(long, default_value_t = 31337)]
    port: u16,
    /// The official name of the scenario.
    #[arg(long, value_name = "NAME", value_parser = Scenario::from_name)]
    scenario: Scenario,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse_from(two_dashes(std::env::args_os()));
    let client = FlightClient::connect(Location::for_grpc_tcp(&args.host, args.port))?;
    args.scenario.run(&client).await?;
    Ok(())
}
