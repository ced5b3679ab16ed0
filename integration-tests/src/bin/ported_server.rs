//! Serves what pyarrow's tests know as a class of servers.
//!
//! Usage: `ported_server CLASS OPTIONS URI [HOST]`, the host being the server of others that it is served within. Prints
//! `Server listening on URI`, and stops when its standard input closes.

use std::time::Duration;

use anyhow::{Context, Error, Result};
use clap::ValueEnum;
use integration_tests::{Host, input_closed, ported};
use peregrine::proto::Location;
use peregrine::server::FlightServer;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().context("usage: ported_server CLASS OPTIONS URI [HOST]");
    let (class, options, location) = (argument()?, argument()?, Location::try_from(argument()?)?);
    match argument().ok().map(|host| Host::from_str(&host, false)) {
        Some(host) => {
            let flight = ported::serve(&class, &options, FlightServer::builder())?;
            let server = host.map_err(Error::msg)?.serve(flight, &location).await?;
            println!("Server listening on {}", server.location());
            input_closed().await?;
            server.stop().await
        }
        None => {
            let server = ported::serve(&class, &options, FlightServer::builder().bind(location).await?)?;
            println!("Server listening on {}", server.location());
            input_closed().await?;
            server.shutdown(Duration::from_secs(1)).await;
            Ok(())
        }
    }
}
