//! `MetadataFlightServer`: batches with their numbers as metadata, down and up.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures_util::{StreamExt, future, stream};
use peregrine::client::FlightClient;
use peregrine::ipc::IpcWriteOptions;
use peregrine::proto::{FlightDescriptor, FlightError, Ticket};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::{
    FlightDataStream, FlightMetadataReader, FlightMetadataWriter, FlightStreamChunk, FlightStreamReader,
    FlightStreamWriter, Table,
};

use super::servers::Servers;
use super::tables::{cut, ensure_equal, ints, must, of_batches};

/// Numbers what it sends, and sends the numbers of what it gets back.
pub(super) struct Numbered {
    pub(super) write_options: IpcWriteOptions,
}

impl FlightService for Numbered {
    async fn do_get(&self, _context: ServerCallContext, _ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        let Table { schema, batches, .. } = ints("a");
        let chunks = batches.into_iter().enumerate();
        let chunks =
            chunks.map(|(index, batch)| Ok::<_, FlightError>(FlightStreamChunk::with_metadata(batch, number(index))));
        Ok(FlightDataStream::from_chunks(schema, stream::iter(chunks)).with_write_options(self.write_options.clone()))
    }

    async fn do_put(
        &self,
        _context: ServerCallContext,
        mut reader: FlightStreamReader,
        mut writer: FlightMetadataWriter,
    ) -> Result<(), FlightError> {
        reader.schema().await?;
        must(reader.stats().num_messages == 1, || format!("before the first batch {:?}", reader.stats()))?;
        for (index, batch) in cut(&ints("a"), 1).into_iter().enumerate() {
            let chunk = reader.read_chunk().await?;
            let expected = FlightStreamChunk::with_metadata(batch, number(index));
            must(chunk.as_ref() == Some(&expected), || format!("{chunk:?}, expected {expected:?}"))?;
            writer.write(number(index)).await?;
        }
        must(reader.read_chunk().await?.is_none(), || "the upload goes on".to_owned())?;
        let stats = reader.stats();
        must((stats.num_messages, stats.num_record_batches) == (6, 5), || format!("at the end {stats:?}"))
    }
}

fn number(index: usize) -> Bytes {
    Bytes::copy_from_slice(&(index as i32).to_le_bytes())
}

async fn numbered_chunks(client: &FlightClient) -> Result<Vec<FlightStreamChunk>> {
    let mut reader = client.do_get(Ticket::new("")).await?;
    let mut chunks = Vec::new();
    while let Some(chunk) = reader.read_chunk().await? {
        let metadata = chunk.app_metadata.clone();
        ensure!(metadata == Some(number(chunks.len())), "metadata of batch {}: {metadata:?}", chunks.len());
        chunks.push(chunk);
    }
    Ok(chunks)
}

pub(super) async fn test_flight_do_get_metadata(servers: &Servers) -> Result<()> {
    let chunks = numbered_chunks(&servers.client("MetadataFlightServer").await?).await?;
    ensure_equal(&of_batches(chunks.into_iter().filter_map(|chunk| chunk.data).collect()), &ints("a"))
}

pub(super) async fn test_flight_metadata_record_batch_reader_iterator(servers: &Servers) -> Result<()> {
    let client = servers.client("MetadataFlightServer").await?;
    let by_chunks: Vec<_> = numbered_chunks(&client).await?.into_iter().filter_map(|chunk| chunk.data).collect();
    // The other way to read one by one: as a stream of batches.
    let streamed: Vec<_> = client.do_get(Ticket::new("")).await?.collect().await;
    let streamed = streamed.into_iter().collect::<Result<Vec<_>, FlightError>>()?;
    ensure!(by_chunks == streamed, "{by_chunks:?} and {streamed:?}");
    Ok(())
}

pub(super) async fn test_flight_do_get_metadata_v4(servers: &Servers) -> Result<()> {
    let client = servers.client("MetadataFlightServer V4").await?;
    ensure_equal(&client.do_get(Ticket::new("")).await?.read_all().await?, &ints("a"))
}

async fn put(client: &FlightClient) -> Result<(FlightStreamWriter, FlightMetadataReader)> {
    Ok(client.do_put(FlightDescriptor::for_path([""]), ints("a").schema).await?)
}

pub(super) async fn test_flight_do_put_metadata(servers: &Servers) -> Result<()> {
    let (mut writer, mut reader) = put(&servers.client("MetadataFlightServer").await?).await?;
    for (index, batch) in cut(&ints("a"), 1).iter().enumerate() {
        writer.write_with_metadata(batch, number(index)).await?;
        let answer = reader.read().await?;
        ensure!(answer == Some(number(index)), "answer to batch {index}: {answer:?}");
    }
    // The server's checks of what came are errors of the call.
    writer.close().await?;
    Ok(())
}

pub(super) async fn test_do_put_independent_read_write(servers: &Servers) -> Result<()> {
    let (mut writer, mut reader) = put(&servers.client("MetadataFlightServer").await?).await?;
    let batches = cut(&ints("a"), 1);
    let writing = async {
        for (index, batch) in batches.iter().enumerate() {
            writer.write_with_metadata(batch, number(index)).await?;
        }
        writer.done_writing().await
    };
    let reading = tokio::spawn(async move {
        let mut count = 0;
        while reader.read().await?.is_some() {
            count += 1;
        }
        Ok::<_, FlightError>(count)
    });
    let (written, count) = future::join(writing, reading).await;
    written?;
    let count = count.context("the reader's task")??;
    ensure!(count == batches.len(), "{count} answers");
    writer.close().await?;
    Ok(())
}
