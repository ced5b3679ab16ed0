//! Descriptors and metadata of over 2 GiB, which no gRPC message can hold: an error, wherever they are given.
//!
//! Their bytes are zeros that nobody looks at, so that they take no memory.

use anyhow::{Context, Result, ensure};
use arrow_schema::Schema;
use bytes::Bytes;
use futures_util::stream;
use peregrine::proto::{FlightDescriptor, FlightError, FlightErrorKind, Ticket};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::{FlightDataStream, FlightStreamChunk, FlightStreamReader, FlightStreamWriter};

use super::servers::Servers;
use super::tables::counting;

const OVER_2_GIB: usize = (1 << 31) + 1;

fn too_large() -> Bytes {
    Bytes::from(vec![0; OVER_2_GIB])
}

/// Answers with metadata that is too large.
pub(super) struct LargeMetadata;

impl FlightService for LargeMetadata {
    async fn do_get(&self, _context: ServerCallContext, _ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        let batch = counting(1).batches.remove(0);
        let chunk = FlightStreamChunk::with_metadata(batch.clone(), too_large());
        Ok(FlightDataStream::from_chunks(batch.schema(), stream::iter([Ok::<_, FlightError>(chunk)])))
    }

    async fn do_exchange(
        &self,
        _context: ServerCallContext,
        _reader: FlightStreamReader,
        mut writer: FlightStreamWriter,
    ) -> Result<(), FlightError> {
        writer.write_metadata(too_large()).await
    }
}

/// Whether a call failed because something is too large.
fn ensure_too_large(came: Result<impl Sized, FlightError>) -> Result<()> {
    let error = came.err().context("over 2 GiB are taken")?;
    let ours = error.kind() == FlightErrorKind::ResourceExhausted;
    ensure!(ours || error.message().contains("app_metadata size overflow"), "{error}");
    Ok(())
}

pub(super) async fn test_large_descriptor(servers: &Servers) -> Result<()> {
    let client = servers.client("FlightServerBase").await?;
    let descriptor = || FlightDescriptor::for_command(too_large());
    let put = async {
        let (mut writer, _reader) = client.do_put(descriptor(), Schema::empty().into()).await?;
        writer.close().await
    };
    ensure_too_large(put.await)?;
    let exchange = async {
        let (mut writer, _reader) = client.do_exchange(descriptor()).await?;
        writer.close().await
    };
    ensure_too_large(exchange.await)
}

pub(super) async fn test_large_metadata_client(servers: &Servers) -> Result<()> {
    let client = servers.client("EchoFlightServer").await?;
    let (mut writer, _reader) = client.do_put(FlightDescriptor::for_command(""), Schema::empty().into()).await?;
    ensure_too_large(writer.write_metadata(too_large()).await)?;
    let (mut writer, _reader) = client.do_exchange(FlightDescriptor::for_command("")).await?;
    ensure_too_large(writer.write_metadata(too_large()).await)?;

    let client = servers.client("LargeMetadataFlightServer").await?;
    let read = async { client.do_get(Ticket::new("")).await?.read_all().await };
    ensure_too_large(read.await)?;
    let (_writer, mut reader) = client.do_exchange(FlightDescriptor::for_command("")).await?;
    ensure_too_large(reader.read_all().await)
}
