//! DoPut and DoExchange. A command names what the handler does, as `late-error:internal`.

use integration_tests::{numbers, numbers_schema};
use peregrine::proto::{DescriptorType, FlightError};
use peregrine::server::ServerCallContext;
use peregrine::stream::{FlightMetadataWriter, FlightStreamChunk, FlightStreamReader, FlightStreamWriter};

use crate::asked_for::{echo_headers, raise};
use crate::noticed::Noticed;

pub(crate) async fn put(
    context: ServerCallContext,
    mut reader: FlightStreamReader,
    mut writer: FlightMetadataWriter,
    noticed: &Noticed,
) -> Result<(), FlightError> {
    let (name, argument) = begin(&context, &reader)?;
    if name == "early" {
        return Ok(());
    }
    let early_end = noticed.on_drop(argument.clone());
    let mut rows = 0;
    while let Some(FlightStreamChunk { data, app_metadata }) = reader.read_chunk().await? {
        rows += data.map_or(0, |data| data.num_rows());
        match (name.as_str(), app_metadata) {
            ("late-error", _) => {
                writer.write("first").await?;
                return Err(raise(&argument));
            }
            ("echo", Some(app_metadata)) => writer.write(app_metadata).await?,
            _ => {}
        }
    }
    early_end.disarm();
    let schema = reader.schema().await?;
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    writer.write(format!("{rows} rows of {}", names.join(","))).await
}

pub(crate) async fn exchange(
    context: ServerCallContext,
    mut reader: FlightStreamReader,
    mut writer: FlightStreamWriter,
    noticed: &Noticed,
) -> Result<(), FlightError> {
    let (name, argument) = begin(&context, &reader)?;
    match name.as_str() {
        "early" => return Ok(()),
        "unasked" => return send_unasked(&mut writer).await,
        "schema" => return writer.begin(numbers_schema()).await,
        _ => {}
    }
    let early_end = noticed.on_drop(argument.clone());
    let mut begun = false;
    while let Some(chunk) = reader.read_chunk().await? {
        if let (Some(data), false) = (&chunk.data, begun) {
            writer.begin(data.schema()).await?;
            begun = true;
        }
        send_back(&mut writer, chunk).await?;
        if name == "late-error" {
            return Err(raise(&argument));
        }
    }
    early_end.disarm();
    Ok(())
}

/// Does what a command wants at once, and gives its name and argument.
fn begin(context: &ServerCallContext, reader: &FlightStreamReader) -> Result<(String, String), FlightError> {
    let descriptor = reader.descriptor().filter(|descriptor| descriptor.descriptor_type() == DescriptorType::Command);
    let descriptor = descriptor.ok_or_else(|| FlightError::unimplemented("uploads are named by a command"))?;
    let command = String::from_utf8_lossy(descriptor.command());
    let (name, argument) = command.split_once(':').unwrap_or((&command, ""));
    match name {
        "error" => return Err(raise(argument)),
        "headers" => echo_headers(context)?,
        _ => {}
    }
    Ok((name.to_owned(), argument.to_owned()))
}

/// Metadata before the schema, between batches and behind them, though nothing came yet.
async fn send_unasked(writer: &mut FlightStreamWriter) -> Result<(), FlightError> {
    writer.write_metadata("before").await?;
    writer.begin(numbers_schema()).await?;
    writer.write_batch(&numbers(0)).await?;
    writer.write_metadata("between").await?;
    writer.write_with_metadata(&numbers(3), "beside").await?;
    writer.write_metadata("behind").await
}

async fn send_back(writer: &mut FlightStreamWriter, chunk: FlightStreamChunk) -> Result<(), FlightError> {
    match (chunk.data, chunk.app_metadata) {
        (Some(data), Some(app_metadata)) => writer.write_with_metadata(&data, app_metadata).await,
        (Some(data), None) => writer.write_batch(&data).await,
        (None, app_metadata) => writer.write_metadata(app_metadata.unwrap_or_default()).await,
    }
}
