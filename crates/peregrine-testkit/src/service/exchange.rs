//! DoExchange: what comes goes back, message by message.

use peregrine_ipc::{DictionaryIds, IpcWriteOptions};
use peregrine_proto::FlightError;
use peregrine_stream::{FlightStreamReader, FlightStreamWriter};

pub(super) async fn echo(mut reader: FlightStreamReader, mut writer: FlightStreamWriter) -> Result<(), FlightError> {
    let mut has_begun = false;
    while let Some(chunk) = reader.read_chunk().await? {
        // Metadata may come before there is a schema, and its sender may wait for the answer.
        if chunk.data.is_some() && !has_begun {
            writer.begin_with(reader.schema().await?, as_it_came()).await?;
            has_begun = true;
        }
        match (chunk.data, chunk.app_metadata) {
            (Some(batch), Some(app_metadata)) => writer.write_with_metadata(&batch, app_metadata).await?,
            (Some(batch), None) => writer.write_batch(&batch).await?,
            (None, Some(app_metadata)) => writer.write_metadata(app_metadata).await?,
            (None, None) => {}
        }
    }
    match reader.schema().await {
        Ok(schema) if !has_begun => writer.begin_with(schema, as_it_came()).await,
        _ => Ok(()),
    }
}

fn as_it_came() -> IpcWriteOptions {
    IpcWriteOptions::default().with_dictionary_ids(DictionaryIds::OfFields)
}
