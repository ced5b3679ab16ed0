//! `ExchangeFlightServer`: DoExchange as DoGet, as DoPut, as an echo, and to compute.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use arrow_array::{Array, Int64Array};
use arrow_schema::DataType;
use bytes::Bytes;
use peregrine::ipc::IpcWriteOptions;
use peregrine::proto::{FlightDescriptor, FlightError};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::{FlightStreamChunk, FlightStreamReader, FlightStreamWriter, Table};

use super::servers::{Servers, v4};
use super::tables::{counting, cut, ensure_equal, int64, must, table};

/// Does what the command says.
pub(super) struct Exchange {
    pub(super) write_options: IpcWriteOptions,
}

impl FlightService for Exchange {
    async fn do_exchange(
        &self,
        _context: ServerCallContext,
        reader: FlightStreamReader,
        mut writer: FlightStreamWriter,
    ) -> Result<(), FlightError> {
        must(reader.stats().num_messages == 0, || format!("before the first message {:?}", reader.stats()))?;
        let command = reader.descriptor().map(|descriptor| descriptor.command().clone()).unwrap_or_default();
        match &command[..] {
            b"get" => send(&mut writer, counting(10 * 1024)).await,
            b"put" => put(reader, writer).await,
            b"echo" => echo(reader, writer, &self.write_options).await,
            b"transform" => transform(reader, writer).await,
            _ => Err(FlightError::invalid_argument(format!("unknown command {command:?}"))),
        }
    }
}

async fn send(writer: &mut FlightStreamWriter, table: Table) -> Result<(), FlightError> {
    writer.begin(table.schema.clone()).await?;
    writer.write_table(&table, None).await
}

async fn put(mut reader: FlightStreamReader, mut writer: FlightStreamWriter) -> Result<(), FlightError> {
    let mut batches = 0;
    while let Some(chunk) = reader.read_chunk().await? {
        must(chunk.data.is_some(), || "a chunk without data".to_owned())?;
        batches += 1;
    }
    must(reader.stats().num_record_batches == batches, || format!("{:?}", reader.stats()))?;
    writer.write_metadata(batches.to_string()).await
}

async fn echo(
    mut reader: FlightStreamReader,
    mut writer: FlightStreamWriter,
    options: &IpcWriteOptions,
) -> Result<(), FlightError> {
    let mut begun = false;
    while let Some(FlightStreamChunk { data, app_metadata }) = reader.read_chunk().await? {
        if let (Some(data), false) = (&data, begun) {
            writer.begin_with(data.schema(), options.clone()).await?;
            begun = true;
        }
        match (data, app_metadata) {
            (Some(data), Some(app_metadata)) => writer.write_with_metadata(&data, app_metadata).await?,
            (Some(data), None) => writer.write_batch(&data).await?,
            (None, app_metadata) => writer.write_metadata(app_metadata.unwrap_or_default()).await?,
        }
    }
    Ok(())
}

/// Adds the columns of each row up.
async fn transform(mut reader: FlightStreamReader, mut writer: FlightStreamWriter) -> Result<(), FlightError> {
    let schema = reader.schema().await?;
    let not_int64 = schema.fields().iter().find(|field| *field.data_type() != DataType::Int64);
    must(not_int64.is_none(), || format!("invalid field {not_int64:?}"))?;
    let rows = reader.read_all().await?.to_batch()?;
    let mut sums = vec![0; rows.num_rows()];
    for column in rows.columns() {
        let column = column.as_any().downcast_ref::<Int64Array>().map(Int64Array::values);
        for (sum, value) in sums.iter_mut().zip(column.into_iter().flatten()) {
            *sum += value;
        }
    }
    send(&mut writer, table([("sum", int64(sums))])).await
}

async fn start(
    servers: &Servers,
    server: &str,
    command: &'static str,
) -> Result<(FlightStreamWriter, FlightStreamReader)> {
    Ok(servers.client(server).await?.do_exchange(FlightDescriptor::for_command(command)).await?)
}

/// Reads the next chunk and compares it.
async fn ensure_next(reader: &mut FlightStreamReader, expected: FlightStreamChunk) -> Result<()> {
    let chunk = reader.read_chunk().await?.context("the stream ended early")?;
    ensure!(chunk == expected, "{chunk:?}, expected {expected:?}");
    Ok(())
}

/// Says that all is written, and sees the call end well and with nothing more.
async fn ensure_ends(mut writer: FlightStreamWriter, mut reader: FlightStreamReader) -> Result<()> {
    writer.done_writing().await?;
    ensure!(reader.read_chunk().await?.is_none(), "more came than was sent");
    writer.close().await?;
    Ok(())
}

pub(super) async fn test_doexchange_get(servers: &Servers) -> Result<()> {
    let (mut writer, mut reader) = start(servers, "ExchangeFlightServer", "get").await?;
    // Nothing is written before all is read.
    let came = reader.read_all().await?;
    writer.close().await?;
    ensure_equal(&came, &counting(10 * 1024))
}

pub(super) async fn test_doexchange_put(servers: &Servers) -> Result<()> {
    let (mut writer, mut reader) = start(servers, "ExchangeFlightServer", "put").await?;
    let table = counting(10 * 1024);
    writer.begin(table.schema.clone()).await?;
    let batches = cut(&table, 512);
    for batch in &batches {
        writer.write_batch(batch).await?;
    }
    writer.done_writing().await?;
    ensure_next(&mut reader, FlightStreamChunk::metadata(batches.len().to_string())).await?;
    ensure!(reader.stats().num_messages == 0, "metadata alone is counted: {:?}", reader.stats());
    ensure_ends(writer, reader).await
}

pub(super) async fn test_doexchange_echo(servers: &Servers) -> Result<()> {
    let (mut writer, mut reader) = start(servers, "ExchangeFlightServer", "echo").await?;
    for number in 0..10 {
        writer.write_metadata(number.to_string()).await?;
        ensure_next(&mut reader, FlightStreamChunk::metadata(number.to_string())).await?;
    }
    let table = counting(10 * 1024);
    let batches = cut(&table, 512);
    writer.begin(table.schema.clone()).await?;
    for batch in &batches {
        writer.write_batch(batch).await?;
        ensure!(reader.schema().await? == table.schema, "another schema");
        ensure_next(&mut reader, FlightStreamChunk::batch(batch.clone())).await?;
    }
    for (number, batch) in batches.iter().enumerate() {
        let metadata = Bytes::from(number.to_string());
        writer.write_with_metadata(batch, metadata.clone()).await?;
        ensure_next(&mut reader, FlightStreamChunk::with_metadata(batch.clone(), metadata)).await?;
        let read = reader.stats().num_record_batches;
        ensure!(read == (batches.len() + number + 1) as u64, "{read} batches counted");
    }
    ensure_ends(writer, reader).await
}

pub(super) async fn test_doexchange_echo_v4(servers: &Servers) -> Result<()> {
    let (mut writer, mut reader) = start(servers, "ExchangeFlightServer V4", "echo").await?;
    let table = counting(10 * 1024);
    writer.begin_with(table.schema.clone(), v4()).await?;
    for batch in cut(&table, 512) {
        writer.write_batch(&batch).await?;
        ensure!(reader.schema().await? == table.schema, "another schema");
        ensure_next(&mut reader, FlightStreamChunk::batch(batch)).await?;
    }
    ensure_ends(writer, reader).await
}

pub(super) async fn test_doexchange_transform(servers: &Servers) -> Result<()> {
    let (mut writer, mut reader) = start(servers, "ExchangeFlightServer", "transform").await?;
    let columns = table([("a", int64(0..1024)), ("b", int64(1..1025)), ("c", int64(2..1026))]);
    writer.begin(columns.schema.clone()).await?;
    writer.write_table(&columns, None).await?;
    writer.done_writing().await?;
    let came = reader.read_all().await?;
    writer.close().await?;
    ensure_equal(&came, &table([("sum", Arc::new(Int64Array::from_iter_values((1..=1024).map(|row| row * 3))) as _)]))
}
