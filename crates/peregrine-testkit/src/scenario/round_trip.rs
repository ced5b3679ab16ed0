//! The case without a name: a table goes up by DoPut, is described, and comes back by DoGet.

use std::collections::BTreeMap;
use std::sync::MutexGuard;

use arrow_array::{Array, RecordBatch};
use bytes::Bytes;
use futures_util::stream;
use peregrine_client::{FlightCallOptions, FlightClient};
use peregrine_ipc::{DictionaryIds, IpcWriteOptions};
use peregrine_proto::{
    DescriptorType, FlightDescriptor, FlightEndpoint, FlightError, FlightInfo, Location, LocationScheme, Ticket,
};
use peregrine_server::{BoundServer, FlightService, RunningServer, ServerCallContext};
use peregrine_stream::{FlightDataStream, FlightMetadataWriter, FlightStreamChunk, FlightStreamReader, Table};
use peregrine_transport::Mutex;

use super::ScenarioError;
use super::error::{During, expect, expect_eq};
use super::same_schema::same_schema;

/// The round trip of one table: the case that the official harness runs for each of its files.
///
/// Each batch carries its index as metadata, in decimal digits, up and down; an upload goes on when the last batch is
/// acknowledged. Dictionaries keep the ids that the table's fields have, both ways: Java compares them.
#[derive(Debug, Clone)]
pub struct RoundTrip {
    path: String,
    table: Table,
}

impl RoundTrip {
    /// The round trip of a table under a name, which officially is the path of the file that it comes from.
    pub fn new(path: impl Into<String>, table: Table) -> Self {
        Self { path: path.into(), table }
    }

    /// Starts to serve whatever is uploaded. Must be called within a tokio runtime, which the server then runs on.
    ///
    /// Clients are told to read at the address that the server is bound to, or, if that is all of them, at 127.0.0.1.
    ///
    /// # Errors
    /// As [`BoundServer::serve`] has them.
    pub fn serve(server: BoundServer) -> Result<RunningServer, FlightError> {
        let bound = server.location();
        let location = match (bound.host(), bound.port()) {
            (Some("0.0.0.0"), Some(port)) => Location::for_grpc_tcp("127.0.0.1", port),
            _ => bound,
        };
        server.serve(RoundTripService { location, tables: Mutex::default() })
    }

    /// Uploads the table and reads it back, from every place that the server names.
    ///
    /// # Errors
    /// Whatever the server does other than it has to: the first thing of that kind.
    pub async fn run(&self, client: &FlightClient) -> Result<(), ScenarioError> {
        self.upload(client).await?;
        self.download(client).await
    }

    /// The first half: uploads the table, in lock-step with its acknowledgements.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub async fn upload(&self, client: &FlightClient) -> Result<(), ScenarioError> {
        let schema = self.table.schema.clone();
        let mut options = FlightCallOptions::new();
        options.write_options = Some(IpcWriteOptions::default().with_dictionary_ids(DictionaryIds::OfFields));
        let call = client.with(options.clone()).do_put(self.descriptor(), schema).await;
        let (mut writer, mut reader) = call.during("DoPut")?;
        for (index, batch) in self.table.batches.iter().enumerate() {
            let index = Bytes::from(index.to_string());
            let call = format!("DoPut of batch {}", index.escape_ascii());
            writer.write_with_metadata(batch, index.clone()).await.during(&call)?;
            let acknowledged = reader.read().await.during(&call)?;
            expect_eq(format!("{call}: acknowledgement"), Some(index), acknowledged)?;
        }
        writer.done_writing().await.during("the end of DoPut")?;
        expect_eq("what follows the last acknowledgement", None, reader.read().await.during("the end of DoPut")?)?;
        writer.close().await.during("the end of DoPut")
    }

    /// The second half: reads back what was uploaded, be it by this client or by another, and compares all of it.
    ///
    /// As everywhere but in Java, the names of a map's entries do not count.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub async fn download(&self, client: &FlightClient) -> Result<(), ScenarioError> {
        let info = client.get_flight_info(self.descriptor()).await.during("GetFlightInfo")?;
        let schema = info.schema().during("the schema of GetFlightInfo")?;
        let same = schema.as_ref().is_some_and(|schema| same_schema(&self.table.schema, schema));
        expect("the schema of GetFlightInfo", &format!("{:?}", self.table.schema), same, schema)?;
        expect("endpoints", "1 or more", !info.endpoints().is_empty(), info.endpoints().len())?;
        for endpoint in info.endpoints() {
            if endpoint.locations().is_empty() {
                self.read(client, endpoint.ticket()).await?;
            }
            for location in endpoint.locations() {
                let elsewhere = match location.scheme() {
                    LocationScheme::ReuseConnection => client.clone(),
                    _ => FlightClient::connect(location.clone()).during(format!("connecting to {location}"))?,
                };
                self.read(&elsewhere, endpoint.ticket()).await?;
            }
        }
        Ok(())
    }

    async fn read(&self, client: &FlightClient, ticket: &Ticket) -> Result<(), ScenarioError> {
        let mut reader = client.do_get(ticket.clone()).await.during("DoGet")?;
        let schema = reader.schema().await.during("DoGet")?;
        let expected = &self.table.schema;
        expect("the schema of DoGet", &format!("{expected:?}"), same_schema(expected, &schema), &schema)?;
        for (index, batch) in self.table.batches.iter().enumerate() {
            let chunk = reader.read_chunk().await.during(format!("DoGet of batch {index}"))?.unwrap_or_default();
            let Some(read) = chunk.data else {
                return Err(ScenarioError::answer(format!("batch {index}"), "a batch", "none"));
            };
            compare(index, batch, &read)?;
            let metadata = Some(Bytes::from(index.to_string()));
            expect_eq(format!("app_metadata of batch {index}"), metadata, chunk.app_metadata)?;
        }
        expect_eq("what follows the last batch", None, reader.read_chunk().await.during("the end of DoGet")?)
    }

    fn descriptor(&self) -> FlightDescriptor {
        FlightDescriptor::for_path([&self.path])
    }
}

/// Compares columns; their types were, by the schema.
fn compare(index: usize, sent: &RecordBatch, read: &RecordBatch) -> Result<(), ScenarioError> {
    expect_eq(format!("rows of batch {index}"), sent.num_rows(), read.num_rows())?;
    for ((field, sent), read) in sent.schema_ref().fields().iter().zip(sent.columns()).zip(read.columns()) {
        let what = format!("batch {index}, column {:?}", field.name());
        if let Err(error) = read.to_data().validate_full() {
            return Err(ScenarioError::answer(what, "a valid array", error.to_string()));
        }
        expect_eq(what, sent, read)?;
    }
    Ok(())
}

/// Keeps what is uploaded, and gives it back.
struct RoundTripService {
    location: Location,
    tables: Mutex<BTreeMap<String, Table>>,
}

impl RoundTripService {
    fn tables(&self) -> MutexGuard<'_, BTreeMap<String, Table>> {
        self.tables.lock()
    }

    fn find(&self, name: &str) -> Result<Table, FlightError> {
        self.tables().get(name).cloned().ok_or_else(|| FlightError::not_found(format!("no flight is named {name}")))
    }
}

impl FlightService for RoundTripService {
    async fn get_flight_info(
        &self,
        _context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, FlightError> {
        if descriptor.descriptor_type() != DescriptorType::Path {
            return Err(FlightError::unimplemented("flights are named by a path"));
        }
        let name = descriptor.path().first().ok_or_else(|| FlightError::invalid_argument("the path has no part"))?;
        let table = self.find(name)?;
        let endpoint = FlightEndpoint::new(Ticket::new(name.clone())).with_location(self.location.clone());
        Ok(FlightInfo::new(&table.schema)
            .with_descriptor(descriptor)
            .with_endpoint(endpoint)
            .with_total_records(i64::try_from(table.num_rows()).unwrap_or(-1)))
    }

    async fn do_get(&self, _context: ServerCallContext, ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        let name = std::str::from_utf8(ticket.ticket())
            .map_err(|_| FlightError::invalid_argument("the ticket is not UTF-8"))?;
        let Table { schema, batches, .. } = self.find(name)?;
        let chunks = batches.into_iter().enumerate();
        let chunks = chunks.map(|(index, batch)| FlightStreamChunk::with_metadata(batch, index.to_string()));
        let stream = FlightDataStream::from_chunks(schema, stream::iter(chunks.map(Ok::<_, FlightError>)));
        let options = stream.write_options().clone().with_dictionary_ids(DictionaryIds::OfFields);
        Ok(stream.with_write_options(options))
    }

    async fn do_put(
        &self,
        _context: ServerCallContext,
        mut reader: FlightStreamReader,
        mut writer: FlightMetadataWriter,
    ) -> Result<(), FlightError> {
        let name = reader.descriptor().and_then(|descriptor| descriptor.path().first()).cloned();
        let name = name.ok_or_else(|| FlightError::invalid_argument("the descriptor must be a path"))?;
        let mut table = Table::new(reader.schema().await?, Vec::new());
        while let Some(chunk) = reader.read_chunk().await? {
            table.batches.extend(chunk.data);
            if let Some(app_metadata) = chunk.app_metadata {
                writer.write(app_metadata).await?;
            }
        }
        self.tables().insert(name, table);
        Ok(())
    }
}
