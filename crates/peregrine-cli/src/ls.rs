//! `peregrine ls`: what flights a server has.

use anyhow::{Context, Result};
use peregrine::client::FlightClient;
use peregrine::proto::{Criteria, FlightInfo, Location};

use crate::terminal::{self, Align, columns, one_line};

/// List the flights of a server: name, rows, bytes and number of columns; "-" is what the server does not tell.
#[derive(Debug, clap::Args)]
pub(crate) struct LsArgs {
    /// The server, as grpc+tcp://HOST:PORT or grpc+unix:///PATH/TO/SOCKET.
    #[arg(value_name = "URI")]
    server: Location,
}

/// Lists the flights on stdout.
pub(crate) async fn run(args: LsArgs) -> Result<()> {
    let client = FlightClient::connect(args.server.clone())?;
    let failed = || format!("cannot list the flights of {}", args.server);
    let mut flights = client.list_flights(Criteria::default()).await.with_context(failed)?;
    let mut rows = vec![["NAME", "ROWS", "BYTES", "COLUMNS"].map(str::to_owned)];
    while let Some(info) = flights.read_next().await.with_context(failed)? {
        rows.push(row(&info));
    }
    terminal::print(&columns([Align::Left, Align::Right, Align::Right, Align::Right], &rows))?;
    Ok(())
}

fn row(info: &FlightInfo) -> [String; 4] {
    let name = info.descriptor().map_or("-".into(), ToString::to_string);
    let columns = match info.schema() {
        Ok(Some(schema)) => schema.fields().len().to_string(),
        Ok(None) | Err(_) => "-".to_owned(),
    };
    [one_line(&name).into_owned(), total(info.total_records()), total(info.total_bytes()), columns]
}

/// A total as text; servers tell -1 for what they do not know.
pub(crate) fn total(count: i64) -> String {
    if count < 0 { "-".to_owned() } else { count.to_string() }
}
