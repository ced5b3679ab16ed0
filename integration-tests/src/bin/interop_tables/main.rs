//! Random tables through pyarrow and back, as `interop_tables.py` is the other side of.
//!
//! `interop_tables serve` hands tables out and compares what is put back with what they are; it prints
//! `Server listening on URI`, and stops when its standard input closes. `interop_tables URI` puts tables on pyarrow's
//! server and reads them back: a line of JSON a check. Each kind of type is tried by itself first, and then tables of all
//! those that went through.

mod names;
mod server;

use anyhow::{Context, Result};
use integration_tests::{ensure_same, input_closed};
use peregrine::client::FlightClient;
use peregrine::proto::{FlightDescriptor, FlightError, FlightErrorKind, Location, Ticket};
use peregrine::server::FlightServer;
use peregrine::stream::Table;
use peregrine_testkit::random::TypeKind;
use serde_json::json;

use self::names::{SEEDS_ALONE, SEEDS_TOGETHER, alone, table, together};

#[tokio::main]
async fn main() -> Result<()> {
    let uri = std::env::args().nth(1).context("usage: interop_tables serve|URI")?;
    if uri != "serve" {
        return put_and_read(&FlightClient::connect(uri.as_str())?).await;
    }
    let server = FlightServer::builder().bind(Location::for_grpc_tcp("127.0.0.1", 0)).await?.serve(server::Tables)?;
    println!("Server listening on {}", server.location());
    Ok(input_closed().await?)
}

async fn put_and_read(client: &FlightClient) -> Result<()> {
    let mut through = Vec::new();
    for kind in TypeKind::ALL.iter().copied() {
        let check = format!("type {kind}");
        match round_trips(client, (0..SEEDS_ALONE).map(|seed| alone(kind, seed))).await {
            Ok(()) => {
                println!("{}", json!({"check": check, "fault": null}));
                through.push(kind);
            }
            Err(error) => match lacks(&error) {
                Some(why) => println!("{}", json!({"check": check, "lacking": why})),
                None => println!("{}", json!({"check": check, "fault": format!("{error:#}")})),
            },
        }
    }
    let names = (0..SEEDS_TOGETHER).map(|seed| together(&through, seed));
    let fault = round_trips(client, names).await.err().map(|error| format!("{error:#}"));
    println!("{}", json!({"check": format!("{SEEDS_TOGETHER} random tables of these types"), "fault": fault}));
    Ok(())
}

/// Why the server says that it does not have something.
fn lacks(error: &anyhow::Error) -> Option<String> {
    let error = error.downcast_ref::<FlightError>()?;
    (error.kind() == FlightErrorKind::Unimplemented).then(|| error.message().to_owned())
}

async fn round_trips(client: &FlightClient, names: impl IntoIterator<Item = Vec<String>>) -> Result<()> {
    for name in names {
        let sent = table(&name)?;
        let came = round_trip(client, &name, &sent).await.with_context(|| name.join("/"))?;
        ensure_same(&came, &sent).with_context(|| name.join("/"))?;
    }
    Ok(())
}

async fn round_trip(client: &FlightClient, name: &[String], sent: &Table) -> Result<Table, FlightError> {
    let (mut writer, _) = client.do_put(FlightDescriptor::for_path(name), sent.schema.clone()).await?;
    for batch in &sent.batches {
        writer.write_batch(batch).await?;
    }
    writer.close().await?;
    client.do_get(Ticket::new(name.join("/"))).await?.read_all().await
}
