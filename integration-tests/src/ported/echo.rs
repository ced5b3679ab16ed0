//! `EchoFlightServer` and its kin: what was uploaded last comes back, in several forms.

use anyhow::{Context, Result, ensure};
use arrow_array::RecordBatchIterator;
use arrow_schema::ArrowError;
use futures_util::stream;
use peregrine::client::FlightClient;
use peregrine::ipc::IpcWriteOptions;
use peregrine::proto::{FlightDescriptor, FlightError, Ticket};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::{
    FlightDataStream, FlightMetadataWriter, FlightStreamReader, FlightStreamWriter, Table, WriteSizeExceeded,
};
use peregrine::transport::Mutex;

use super::servers::Servers;
use super::tables::{counting, cut, ensure_equal, int64, table, words_and_numbers};

/// Keeps the last upload.
pub(super) struct Echo {
    form: Form,
    last: Mutex<Option<Table>>,
}

/// In what form it comes back.
pub(super) enum Form {
    /// In the batches that came, each as one message.
    Whole,
    /// Cut into batches of 1024 rows.
    Batches,
    /// As a stream of what is ready.
    Table,
    /// Out of a `RecordBatchReader`.
    Reader,
}

impl Echo {
    pub(super) fn of(form: Form) -> Self {
        Self { form, last: Mutex::default() }
    }
}

impl FlightService for Echo {
    async fn do_get(&self, _context: ServerCallContext, _ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        let last = self.last.lock().clone();
        let table = last.ok_or_else(|| FlightError::not_found("nothing was uploaded yet"))?;
        let Table { schema, batches, .. } = table.clone();
        Ok(match self.form {
            // The default options of the codec, unlike those of a DoGet, cut nothing.
            Form::Whole => {
                FlightDataStream::from_batches(schema, batches).with_write_options(IpcWriteOptions::default())
            }
            Form::Batches => FlightDataStream::from_batches(schema, cut(&table, 1024)),
            Form::Table => {
                FlightDataStream::from_stream(schema, stream::iter(batches.into_iter().map(Ok::<_, FlightError>)))
            }
            Form::Reader => {
                let batches = batches.into_iter().map(Ok::<_, ArrowError>);
                FlightDataStream::from_reader(RecordBatchIterator::new(batches, schema))
            }
        })
    }

    async fn do_put(
        &self,
        _context: ServerCallContext,
        mut reader: FlightStreamReader,
        _writer: FlightMetadataWriter,
    ) -> Result<(), FlightError> {
        let table = reader.read_all().await?;
        *self.last.lock() = Some(table);
        Ok(())
    }

    async fn do_exchange(
        &self,
        _context: ServerCallContext,
        mut reader: FlightStreamReader,
        _writer: FlightStreamWriter,
    ) -> Result<(), FlightError> {
        while reader.read_chunk().await?.is_some() {}
        Ok(())
    }
}

async fn upload(client: &FlightClient, table: &Table) -> Result<()> {
    let (mut writer, _reader) = client.do_put(FlightDescriptor::for_path(["test"]), table.schema.clone()).await?;
    writer.write_table(table, None).await?;
    writer.close().await?;
    Ok(())
}

async fn comes_back(servers: &Servers, server: &str, table: Table) -> Result<Table> {
    let client = servers.client(server).await?;
    upload(&client, &table).await?;
    let came = client.do_get(Ticket::new("")).await?.read_all().await?;
    ensure_equal(&came, &table)?;
    Ok(came)
}

pub(super) async fn test_flight_large_message(servers: &Servers) -> Result<()> {
    let came = comes_back(servers, "EchoFlightServer", counting(10 << 20)).await?;
    ensure!(came.batches.len() == 1, "cut into {} batches", came.batches.len());
    Ok(())
}

pub(super) async fn test_flight_generator_stream_of_batches(servers: &Servers) -> Result<()> {
    let came = comes_back(servers, "EchoStreamFlightServer", counting(10 * 1024)).await?;
    ensure!(came.batches.len() == 10, "{} batches", came.batches.len());
    Ok(())
}

pub(super) async fn test_flight_generator_stream_of_batches_with_dict(servers: &Servers) -> Result<()> {
    comes_back(servers, "EchoRecordBatchReaderStreamFlightServer", words_and_numbers()).await.map(drop)
}

pub(super) async fn test_flight_generator_stream_of_table(servers: &Servers) -> Result<()> {
    comes_back(servers, "EchoTableStreamFlightServer", counting(10 * 1024)).await.map(drop)
}

pub(super) async fn test_flight_generator_stream_of_table_with_dict(servers: &Servers) -> Result<()> {
    comes_back(servers, "EchoTableStreamFlightServer", words_and_numbers()).await.map(drop)
}

pub(super) async fn test_flight_generator_stream_of_record_batch_reader(servers: &Servers) -> Result<()> {
    comes_back(servers, "EchoRecordBatchReaderStreamFlightServer", counting(10 * 1024)).await.map(drop)
}

pub(super) async fn test_flight_generator_stream_of_record_batch_reader_with_dict(servers: &Servers) -> Result<()> {
    comes_back(servers, "EchoRecordBatchReaderStreamFlightServer", words_and_numbers()).await.map(drop)
}

pub(super) async fn test_flight_do_put_limit(servers: &Servers) -> Result<()> {
    let client = servers.client_with("EchoFlightServer", |builder| builder.write_size_limit(4096)).await?;
    let large = table([("a", int64(std::iter::repeat_n(1, 768)))]);
    let (mut writer, _reader) = client.do_put(FlightDescriptor::for_path([""]), large.schema.clone()).await?;
    let error = writer.write_batch(&large.batches[0]).await.err().context("a batch over the limit is written")?;
    let exceeded = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<WriteSizeExceeded>());
    let exceeded = exceeded.with_context(|| format!("not an error of the limit: {error}"))?;
    ensure!(exceeded.limit == 4096 && exceeded.actual > 768 * 8, "{exceeded:?}");
    for half in cut(&large, 384) {
        writer.write_batch(&half).await?;
    }
    writer.close().await?;
    ensure_equal(&client.do_get(Ticket::new("")).await?.read_all().await?, &large)
}
