//! `peregrine info`: what a server says about one flight.

use std::fmt::Write;

use anyhow::{Context, Result};
use arrow_schema::Schema;
use peregrine::client::FlightClient;
use peregrine::proto::{FlightEndpoint, FlightInfo, Location};

use crate::ls::total;
use crate::remote;
use crate::terminal::{self, Align, columns, one_line};

/// Values of a schema's metadata may be whole documents; this many characters of them are shown.
const VALUE_LENGTH: usize = 100;

/// Describe a flight: rows, bytes, endpoints and schema; "-" is what the server does not tell.
#[derive(Debug, clap::Args)]
pub(crate) struct InfoArgs {
    /// The server, as grpc+tcp://HOST:PORT or grpc+unix:///PATH/TO/SOCKET.
    #[arg(value_name = "URI")]
    server: Location,

    /// The flight, as `peregrine ls` names it.
    name: String,
}

/// Describes the flight on stdout.
pub(crate) async fn run(args: InfoArgs) -> Result<()> {
    let client = FlightClient::connect(args.server.clone())?;
    let info = remote::flight_info(&client, &args.name).await?;
    let text = describe(&info).with_context(|| format!("cannot read the schema of flight {:?}", args.name))?;
    terminal::print(&text)?;
    Ok(())
}

fn describe(info: &FlightInfo) -> Result<String> {
    let name = info.descriptor().map_or("-".into(), ToString::to_string);
    let mut text = String::new();
    writeln!(text, "name   {}", one_line(&name))?;
    writeln!(text, "rows   {}", total(info.total_records()))?;
    writeln!(text, "bytes  {}", total(info.total_bytes()))?;
    writeln!(text, "\nendpoints: {}", info.endpoints().len())?;
    for endpoint in info.endpoints() {
        writeln!(text, "  {}", describe_endpoint(endpoint))?;
    }
    match info.schema()? {
        Some(schema) => describe_schema(&schema, &mut text)?,
        None => writeln!(text, "\ncolumns: -")?,
    }
    Ok(text)
}

fn describe_endpoint(endpoint: &FlightEndpoint) -> String {
    let places: Vec<_> = endpoint.locations().iter().map(|location| one_line(location.uri())).collect();
    let places = if places.is_empty() { "this server".to_owned() } else { places.join(", ") };
    format!("ticket \"{}\" at {places}", endpoint.ticket().ticket().escape_ascii())
}

fn describe_schema(schema: &Schema, text: &mut String) -> Result<()> {
    writeln!(text, "\ncolumns: {}", schema.fields().len())?;
    let fields = schema.fields().iter().map(|field| {
        let nullable = if field.is_nullable() { "" } else { "not null" };
        [format!("  {}", one_line(field.name())), one_line(&field.data_type().to_string()).into(), nullable.into()]
    });
    text.push_str(&columns([Align::Left; 3], &fields.collect::<Vec<_>>()));
    if !schema.metadata().is_empty() {
        writeln!(text, "\nmetadata:")?;
        let mut metadata: Vec<_> = schema.metadata().iter().collect();
        metadata.sort();
        for (key, value) in metadata {
            let shown: String = value.chars().take(VALUE_LENGTH).collect();
            let rest = if shown.len() < value.len() { "..." } else { "" };
            writeln!(text, "  {}: {}{rest}", one_line(key), one_line(&shown))?;
        }
    }
    Ok(())
}
