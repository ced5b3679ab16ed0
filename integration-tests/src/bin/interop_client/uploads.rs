//! DoPut and DoExchange: batches, metadata in every position, answers, errors, and early ends.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use integration_tests::{ERROR_KINDS, numbers, numbers_schema};
use peregrine::client::{FlightCallOptions, FlightClient};
use peregrine::proto::{FlightDescriptor, FlightErrorKind};
use peregrine::stream::{FlightMetadataReader, FlightStreamChunk, FlightStreamReader, FlightStreamWriter};

use crate::early_ends::{is_of_kind, noticed};
use crate::failures::is_as_raised;
use crate::report::report;

pub(crate) async fn check(client: &FlightClient) {
    report("DoPut without batches", put(client, vec![], "0 rows of n")).await;
    let batches = vec![FlightStreamChunk::batch(numbers(0)), FlightStreamChunk::batch(numbers(3))];
    report("DoPut of two batches", put(client, batches, "6 rows of n")).await;
    report("DoPut of batches and of metadata alone", put(client, mixed(), "6 rows of n")).await;
    report("DoPut that the server ends well before it has read it", early_put(client)).await;
    for name in ERROR_KINDS {
        report(format!("error from DoPut: {name}"), failing_put(client, name)).await;
        report(format!("error in the middle of DoPut: {name}"), late_put(client, name)).await;
        report(format!("error from DoExchange: {name}"), failing_exchange(client, name)).await;
        report(format!("error in the middle of DoExchange: {name}"), late_exchange(client, name)).await;
    }
    report("DoExchange that sends back what comes", exchange(client, "echo", mixed(), mixed())).await;
    let metadata = vec![FlightStreamChunk::metadata("one"), FlightStreamChunk::metadata("two")];
    report("DoExchange of metadata alone", exchange(client, "echo", metadata.clone(), metadata)).await;
    report("DoExchange of nothing", exchange(client, "echo", vec![], vec![])).await;
    report("DoExchange whose server sends unasked", exchange(client, "unasked", vec![], unasked())).await;
    report("DoExchange whose server sends a schema alone", exchange(client, "schema", vec![], vec![])).await;
    report("DoExchange that the server ends well before it has read it", exchange(client, "early", vec![], vec![]))
        .await;
    report("cancel of a DoExchange, noticed by the server", cancel_exchange(client)).await;
    report("timeout of a DoPut, noticed by the server", time_out_put(client)).await;
    report("writer of a DoPut dropped, noticed by the server", drop_writer(client)).await;
}

/// Metadata alone in every position.
fn mixed() -> Vec<FlightStreamChunk> {
    vec![
        FlightStreamChunk::metadata("before"),
        FlightStreamChunk::with_metadata(numbers(0), "0"),
        FlightStreamChunk::metadata(&b"\x00\xff"[..]),
        FlightStreamChunk::batch(numbers(3)),
        FlightStreamChunk::metadata("behind"),
    ]
}

fn unasked() -> Vec<FlightStreamChunk> {
    vec![
        FlightStreamChunk::metadata("before"),
        FlightStreamChunk::batch(numbers(0)),
        FlightStreamChunk::metadata("between"),
        FlightStreamChunk::with_metadata(numbers(3), "beside"),
        FlightStreamChunk::metadata("behind"),
    ]
}

async fn start_put(client: &FlightClient, command: String) -> Result<(FlightStreamWriter, FlightMetadataReader)> {
    Ok(client.do_put(FlightDescriptor::for_command(command), numbers_schema()).await?)
}

async fn start_exchange(client: &FlightClient, command: String) -> Result<(FlightStreamWriter, FlightStreamReader)> {
    Ok(client.do_exchange(FlightDescriptor::for_command(command)).await?)
}

async fn write(writer: &mut FlightStreamWriter, chunk: FlightStreamChunk) -> Result<()> {
    match (chunk.data, chunk.app_metadata) {
        (Some(data), Some(app_metadata)) => writer.write_with_metadata(&data, app_metadata).await?,
        (Some(data), None) => writer.write_batch(&data).await?,
        (None, app_metadata) => writer.write_metadata(app_metadata.unwrap_or_default()).await?,
    }
    Ok(())
}

/// In lock-step: what has metadata is answered with it before the next is written.
async fn put(client: &FlightClient, chunks: Vec<FlightStreamChunk>, last: &str) -> Result<()> {
    let (mut writer, mut reader) = start_put(client, "echo".to_owned()).await?;
    for chunk in chunks {
        let metadata = chunk.app_metadata.clone();
        write(&mut writer, chunk).await?;
        if metadata.is_some() {
            let answer = reader.read().await?;
            ensure!(answer == metadata, "answer {answer:?} to {metadata:?}");
        }
    }
    writer.done_writing().await?;
    let answer = reader.read().await?.context("the last answer is missing")?;
    ensure!(answer == last, "the last answer is {answer:?}");
    ensure!(reader.read().await?.is_none(), "the answers go on");
    writer.close().await?;
    Ok(())
}

async fn early_put(client: &FlightClient) -> Result<()> {
    let (mut writer, mut reader) = start_put(client, "early".to_owned()).await?;
    ensure!(reader.read().await?.is_none(), "an answer came");
    writer.close().await?;
    Ok(())
}

async fn failing_put(client: &FlightClient, name: &str) -> Result<()> {
    let (mut writer, mut reader) = start_put(client, format!("error:{name}")).await?;
    is_as_raised(reader.read().await, name)?;
    is_as_raised(writer.close().await, name)
}

async fn late_put(client: &FlightClient, name: &str) -> Result<()> {
    let (mut writer, mut reader) = start_put(client, format!("late-error:{name}")).await?;
    writer.write_batch(&numbers(0)).await?;
    let first = reader.read().await?;
    ensure!(first == Some(Bytes::from("first")), "first answer {first:?}");
    is_as_raised(reader.read().await, name)?;
    is_as_raised(writer.close().await, name)
}

async fn failing_exchange(client: &FlightClient, name: &str) -> Result<()> {
    let (mut writer, mut reader) = start_exchange(client, format!("error:{name}")).await?;
    is_as_raised(reader.read_chunk().await, name)?;
    is_as_raised(writer.close().await, name)
}

async fn late_exchange(client: &FlightClient, name: &str) -> Result<()> {
    let (mut writer, mut reader) = start_exchange(client, format!("late-error:{name}")).await?;
    writer.begin(numbers_schema()).await?;
    writer.write_batch(&numbers(0)).await?;
    let first = reader.read_chunk().await?;
    ensure!(first == Some(FlightStreamChunk::batch(numbers(0))), "first {first:?}");
    is_as_raised(reader.read_chunk().await, name)?;
    is_as_raised(writer.close().await, name)
}

async fn exchange(
    client: &FlightClient,
    command: &str,
    chunks: Vec<FlightStreamChunk>,
    expected: Vec<FlightStreamChunk>,
) -> Result<()> {
    let (mut writer, mut reader) = start_exchange(client, command.to_owned()).await?;
    let mut begun = false;
    for chunk in chunks {
        if chunk.data.is_some() && !begun {
            writer.begin(numbers_schema()).await?;
            begun = true;
        }
        write(&mut writer, chunk).await?;
    }
    writer.done_writing().await?;
    for expected in expected {
        let chunk = reader.read_chunk().await?.context("the stream ended early")?;
        ensure!(chunk == expected, "{chunk:?}, expected {expected:?}");
    }
    ensure!(reader.read_chunk().await?.is_none(), "the stream goes on");
    writer.close().await?;
    Ok(())
}

async fn cancel_exchange(client: &FlightClient) -> Result<()> {
    let (mut writer, mut reader) = start_exchange(client, "echo:exchange".to_owned()).await?;
    writer.write_metadata("first").await?;
    let first = reader.read_chunk().await?;
    ensure!(first == Some(FlightStreamChunk::metadata("first")), "first {first:?}");
    reader.cancel();
    is_of_kind(reader.read_chunk().await, FlightErrorKind::Cancelled)?;
    is_of_kind(writer.close().await, FlightErrorKind::Cancelled)?;
    noticed(client, "exchange").await
}

async fn time_out_put(client: &FlightClient) -> Result<()> {
    let options = FlightCallOptions::new().with_timeout(Duration::from_millis(200));
    let descriptor = FlightDescriptor::for_command("echo:put");
    let (mut writer, mut reader) = client.with(options.clone()).do_put(descriptor, numbers_schema()).await?;
    is_of_kind(reader.read().await, FlightErrorKind::TimedOut)?;
    is_of_kind(writer.close().await, FlightErrorKind::TimedOut)?;
    noticed(client, "put").await
}

async fn drop_writer(client: &FlightClient) -> Result<()> {
    let (mut writer, mut reader) = start_put(client, "echo:dropped".to_owned()).await?;
    writer.write_with_metadata(&numbers(0), "0").await?;
    ensure!(reader.read().await?.is_some(), "the batch is not acknowledged");
    drop(writer);
    is_of_kind(reader.read().await, FlightErrorKind::Cancelled)?;
    noticed(client, "dropped").await
}
