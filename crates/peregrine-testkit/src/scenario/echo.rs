//! `do_exchange:echo`: each message comes back before the next one is sent.

use std::sync::Arc;

use arrow_array::{Int32Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use peregrine_client::FlightClient;
use peregrine_proto::{DescriptorType, FlightDescriptor, FlightError};
use peregrine_server::{FlightService, ServerCallContext};
use peregrine_stream::{FlightStreamChunk, FlightStreamReader, FlightStreamWriter};

use super::ScenarioError;
use super::error::{During, expect_eq};

/// Sends back what it gets, message by message.
pub(super) struct EchoService;

impl FlightService for EchoService {
    async fn do_exchange(
        &self,
        _context: ServerCallContext,
        mut reader: FlightStreamReader,
        mut writer: FlightStreamWriter,
    ) -> Result<(), FlightError> {
        match reader.descriptor() {
            Some(descriptor) if descriptor.descriptor_type() == DescriptorType::Command => {
                if descriptor.command() != "echo" {
                    return Err(FlightError::unimplemented(format!("no command is named {descriptor}")));
                }
            }
            _ => return Err(FlightError::invalid_argument("the descriptor must be a command")),
        }
        let mut has_begun = false;
        while let Some(chunk) = reader.read_chunk().await? {
            if chunk.data.is_some() && !has_begun {
                writer.begin(reader.schema().await?).await?;
                has_begun = true;
            }
            match (chunk.data, chunk.app_metadata) {
                (Some(batch), Some(app_metadata)) => writer.write_with_metadata(&batch, app_metadata).await?,
                (Some(batch), None) => writer.write_batch(&batch).await?,
                (None, app_metadata) => writer.write_metadata(app_metadata.unwrap_or_default()).await?,
            }
        }
        Ok(())
    }
}

pub(super) async fn run(client: &FlightClient) -> Result<(), ScenarioError> {
    let descriptor = FlightDescriptor::for_command("echo");
    let (mut writer, mut reader) = client.do_exchange(descriptor).await.during("DoExchange")?;
    let schema = Arc::new(Schema::new(vec![Field::new("x", DataType::Int32, false)]));
    writer.begin(schema.clone()).await.during("sending the schema")?;
    for first in 0..4 {
        let numbers = Int32Array::from_iter_values(first..first + 10);
        let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(numbers)]).expect("the column is the schema's");
        let (sending, reading) = (format!("sending batch {first}"), format!("reading batch {first} back"));
        let sent = match first % 2 {
            0 => FlightStreamChunk::with_metadata(batch.clone(), first.to_string()),
            _ => FlightStreamChunk::batch(batch.clone()),
        };
        match &sent.app_metadata {
            Some(app_metadata) => writer.write_with_metadata(&batch, app_metadata.clone()).await.during(sending)?,
            None => writer.write_batch(&batch).await.during(sending)?,
        }
        let echo = reader.read_chunk().await.during(&reading)?;
        expect_eq(reading, Some(sent), echo)?;
    }
    writer.done_writing().await.during("ending the stream")?;
    expect_eq("what follows the last batch", None, reader.read_chunk().await.during("reading to the end")?)?;
    writer.close().await.during("the end of the call")
}
