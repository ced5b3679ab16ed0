//! The client of the official integration scenarios, with the command line that their harness knows.
//!
//! Ends with 0 if the server keeps to the scenario; else it says on stderr what was expected and what came.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{ArgGroup, Parser};
use integration_tests::{read_json_file, two_dashes};
use peregrine::client::FlightClient;
use peregrine::proto::Location;
use peregrine_testkit::scenario::{RoundTrip, Scenario};

/// Holds a server to an official integration scenario of Arrow Flight. Flags may have one dash or two.
#[derive(Debug, Parser)]
#[command(group = ArgGroup::new("case").required(true))]
struct Args {
    /// The server's host.
    #[arg(long, default_value = "localhost")]
    host: String,
    /// The server's port.
    #[arg(long, default_value_t = 31337)]
    port: u16,
    /// The official name of the scenario.
    #[arg(long, value_name = "NAME", group = "case", value_parser = Scenario::from_name)]
    scenario: Option<Scenario>,
    /// A table as JSON, to upload and to read back. `.gz` is decompressed.
    #[arg(long, value_name = "FILE", group = "case")]
    path: Option<PathBuf>,
    /// Only reads back, and compares, what another client has uploaded from the same path. Not official.
    #[arg(long, requires = "path")]
    no_upload: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse_from(two_dashes(std::env::args_os()))).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<()> {
    let client = FlightClient::connect(Location::for_grpc_tcp(&args.host, args.port))?;
    if let Some(scenario) = args.scenario {
        scenario.run(&client).await?;
    }
    if let Some(path) = args.path {
        let name = path.to_str().context("the path is not UTF-8")?;
        let file = RoundTrip::new(name, read_json_file(&path)?);
        match args.no_upload {
            true => file.download(&client).await?,
            false => file.run(&client).await?,
        }
    }
    Ok(())
}
