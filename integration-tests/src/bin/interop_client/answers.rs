//! Calls that go well: every field and byte of the answers.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use integration_tests::{counted, numbers, numbers_schema, words, words_schema};
use peregrine::client::FlightClient;
use peregrine::proto::{Action, Criteria, FlightDescriptor, FlightInfo, Ticket, metadata_values};
use peregrine::stream::FlightStreamChunk;

use crate::headers::{HEADERS, with_headers};
use crate::report::report;

pub(crate) async fn check(client: &FlightClient) {
    report("ListFlights with criteria", list_flights(client)).await;
    report("GetFlightInfo of a path", flight_info(client, FlightDescriptor::for_path(["a", "ü", ""]))).await;
    report("GetFlightInfo of a command", flight_info(client, FlightDescriptor::for_command(&b"\x00\xff"[..]))).await;
    report("GetSchema", schema(client)).await;
    report("DoGet of two batches", batches(client)).await;
    report("DoGet without batches", empty(client)).await;
    report("DoGet of a batch of 8 MB", counts_to(client, "large", 1_000_000)).await;
    report("DoGet compressed with LZ4", counts_to(client, "compressed:lz4", 10_000)).await;
    report("DoGet compressed with ZSTD", counts_to(client, "compressed:zstd", 10_000)).await;
    report("DoGet with app_metadata", app_metadata(client)).await;
    report("DoGet of a dictionary that is kept and replaced", dictionaries(client)).await;
    report("DoGet with headers and trailers", headers(client)).await;
    report("DoAction with a body of 5 MB", echo(client, Bytes::from(vec![7; 5_000_000]))).await;
    report("DoAction with an empty body", echo(client, Bytes::new())).await;
    report("ListActions", list_actions(client)).await;
}

async fn list_flights(client: &FlightClient) -> Result<()> {
    let flights = client.list_flights(Criteria::new("criteria")).await?.read_all().await?;
    ensure!(flights.len() == 2, "{} flights", flights.len());
    for (flight, name) in flights.iter().zip(["one", "two"]) {
        is_as_sent(flight, &FlightDescriptor::for_path([name, "criteria"]))?;
    }
    Ok(())
}

async fn flight_info(client: &FlightClient, descriptor: FlightDescriptor) -> Result<()> {
    is_as_sent(&client.get_flight_info(descriptor.clone()).await?, &descriptor)
}

fn is_as_sent(info: &FlightInfo, descriptor: &FlightDescriptor) -> Result<()> {
    let schema = info.schema()?.context("no schema")?;
    ensure!(schema == *numbers_schema(), "schema {schema:?}");
    ensure!(info.descriptor() == Some(descriptor), "descriptor {:?}", info.descriptor());
    let [endpoint] = info.endpoints() else { anyhow::bail!("{} endpoints", info.endpoints().len()) };
    ensure!(*endpoint.ticket() == Ticket::new("batches"), "ticket {:?}", endpoint.ticket());
    ensure!(endpoint.locations().is_empty(), "locations {:?}", endpoint.locations());
    let totals = (info.total_records(), info.total_bytes(), info.ordered());
    ensure!(totals == (6, 48, true), "totals and order {totals:?}");
    ensure!(info.app_metadata() == "app", "app_metadata {:?}", info.app_metadata());
    Ok(())
}

async fn schema(client: &FlightClient) -> Result<()> {
    let schema = client.get_schema(FlightDescriptor::for_path(["a"])).await?.schema()?;
    ensure!(schema == *numbers_schema(), "schema {schema:?}");
    Ok(())
}

async fn batches(client: &FlightClient) -> Result<()> {
    let table = client.do_get(Ticket::new("batches")).await?.read_all().await?;
    ensure!(table.schema == numbers_schema(), "schema {:?}", table.schema);
    ensure!(table.batches == [numbers(0), numbers(3)], "batches {:?}", table.batches);
    Ok(())
}

async fn counts_to(client: &FlightClient, ticket: &'static str, end: i64) -> Result<()> {
    let table = client.do_get(Ticket::new(ticket)).await?.read_all().await?;
    ensure!(table.batches == [counted(0..end)], "{} batches, {} rows", table.batches.len(), table.num_rows());
    Ok(())
}

async fn empty(client: &FlightClient) -> Result<()> {
    let table = client.do_get(Ticket::new("empty")).await?.read_all().await?;
    ensure!(table.schema == numbers_schema() && table.batches.is_empty(), "{table:?}");
    Ok(())
}

async fn app_metadata(client: &FlightClient) -> Result<()> {
    let mut reader = client.do_get(Ticket::new("metadata")).await?;
    let expected = [
        FlightStreamChunk::with_metadata(numbers(0), "zero"),
        FlightStreamChunk::with_metadata(numbers(3), &b"\x00\xff"[..]),
        FlightStreamChunk::batch(numbers(6)),
    ];
    for expected in expected {
        let chunk = reader.read_chunk().await?.context("the stream ended early")?;
        ensure!(chunk == expected, "{chunk:?}");
    }
    ensure!(reader.read_chunk().await?.is_none(), "the stream goes on");
    Ok(())
}

async fn dictionaries(client: &FlightClient) -> Result<()> {
    let mut reader = client.do_get(Ticket::new("dictionaries")).await?;
    ensure!(reader.schema().await? == words_schema(), "schema {:?}", reader.schema().await?);
    let first = words(&["foo", "baz", "quux"]);
    for expected in [&first, &first, &words(&["something", "else"])] {
        let batch = reader.read_next().await?.context("the stream ended early")?;
        ensure!(batch == *expected, "{batch:?}");
    }
    ensure!(reader.read_next().await?.is_none(), "the stream goes on");
    let stats = reader.stats();
    let counts = [
        stats.num_messages,
        stats.num_record_batches,
        stats.num_dictionary_batches,
        stats.num_dictionary_deltas,
        stats.num_replaced_dictionaries,
    ];
    ensure!(counts == [6, 3, 2, 0, 1], "stats {stats:?}");
    Ok(())
}

async fn headers(client: &FlightClient) -> Result<()> {
    let mut reader = client.with(with_headers()?).do_get(Ticket::new("headers")).await?;
    while reader.read_next().await?.is_some() {}
    let trailers = reader.trailers().context("no trailers")?;
    for (name, _) in HEADERS {
        let sent: Vec<&[u8]> = HEADERS.iter().filter(|(of, _)| *of == name).map(|(_, value)| *value).collect();
        let header = metadata_values(reader.headers(), &format!("x-echo-{name}"))?;
        ensure!(header == sent, "header {name}: {header:?}");
        let trailer = metadata_values(trailers, &format!("x-trailer-{name}"))?;
        ensure!(trailer == sent, "trailer {name}: {trailer:?}");
    }
    Ok(())
}

async fn echo(client: &FlightClient, body: Bytes) -> Result<()> {
    let results = client.do_action(Action::new("echo", body.clone())).await?.read_all().await?;
    let [same, empty] = &results[..] else { anyhow::bail!("{} results", results.len()) };
    ensure!(*same.body() == body, "a body of {} bytes came back with {}", body.len(), same.body().len());
    ensure!(empty.body().is_empty(), "the empty body has {} bytes", empty.body().len());
    Ok(())
}

async fn list_actions(client: &FlightClient) -> Result<()> {
    let actions = client.list_actions().await?.read_all().await?;
    let actions: Vec<_> = actions.iter().map(|action| (action.action_type(), action.description())).collect();
    let expected = [("echo", "Sends the body back."), ("slow", "Waits for the caller to lose patience.")];
    ensure!(actions == expected, "{actions:?}");
    Ok(())
}
