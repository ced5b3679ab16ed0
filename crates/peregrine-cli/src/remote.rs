//! A server as the client commands see it: flights by name, and the data of a flight whatever its endpoints.

use std::collections::VecDeque;

use anyhow::{Context, Result, bail, ensure};
use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use peregrine::client::FlightClient;
use peregrine::proto::{FlightDescriptor, FlightEndpoint, FlightInfo, Location, LocationScheme};
use peregrine::stream::FlightStreamReader;

/// The descriptor of a flight's name: its parts are separated by `/`.
pub(crate) fn descriptor(name: &str) -> FlightDescriptor {
    FlightDescriptor::for_path(name.split('/'))
}

/// What a server says about a flight.
pub(crate) async fn flight_info(client: &FlightClient, name: &str) -> Result<FlightInfo> {
    let info = client.get_flight_info(descriptor(name)).await;
    info.with_context(|| format!("cannot get flight {name:?} of {}", client.location()))
}

/// The batches of a flight: of all its endpoints, one behind the other.
pub(crate) struct Download {
    client: FlightClient,
    name: String,
    schema: SchemaRef,
    reader: Option<FlightStreamReader>,
    endpoints: VecDeque<FlightEndpoint>,
}

impl Download {
    /// Asks for a flight and opens its first endpoint.
    pub(crate) async fn start(client: FlightClient, name: &str) -> Result<Self> {
        let info = flight_info(&client, name).await?;
        let mut endpoints: VecDeque<_> = info.endpoints().to_vec().into();
        let Some(first) = endpoints.pop_front() else {
            let schema = info.schema().with_context(|| format!("cannot read the schema of flight {name:?}"))?;
            let schema = schema.with_context(|| format!("flight {name:?} has neither endpoints nor a schema"))?;
            return Ok(Self { client, name: name.to_owned(), schema: schema.into(), reader: None, endpoints });
        };
        let mut reader = open(&client, name, &first).await?;
        let schema = reader.schema().await.with_context(|| format!("cannot read flight {name:?}"))?;
        Ok(Self { client, name: name.to_owned(), schema, reader: Some(reader), endpoints })
    }

    /// The schema of all batches.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next batch, or `None` behind the last one.
    pub(crate) async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        while let Some(reader) = &mut self.reader {
            let next = reader.read_next().await;
            if let Some(batch) = next.with_context(|| format!("cannot read flight {:?}", self.name))? {
                // Endpoints may differ in the metadata of their schemas.
                let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
                let batch = RecordBatch::try_new_with_options(self.schema.clone(), batch.columns().to_vec(), &rows);
                return batch.map(Some).with_context(|| format!("flight {:?} does not keep to its schema", self.name));
            }
            self.reader = match self.endpoints.pop_front() {
                Some(endpoint) => Some(self.open_another(&endpoint).await?),
                None => None,
            };
        }
        Ok(None)
    }

    async fn open_another(&self, endpoint: &FlightEndpoint) -> Result<FlightStreamReader> {
        let mut reader = open(&self.client, &self.name, endpoint).await?;
        let schema = reader.schema().await.with_context(|| format!("cannot read flight {:?}", self.name))?;
        ensure!(schema.fields() == self.schema.fields(), "the endpoints of flight {:?} differ in schema", self.name);
        Ok(reader)
    }
}

/// Redeems an endpoint's ticket: at the server itself if the endpoint says so or says nothing, else at the first of its
/// locations that answers.
async fn open(client: &FlightClient, name: &str, endpoint: &FlightEndpoint) -> Result<FlightStreamReader> {
    let here =
        |location: &Location| location.scheme() == LocationScheme::ReuseConnection || location == client.location();
    if endpoint.locations().is_empty() || endpoint.locations().iter().any(here) {
        let reader = client.do_get(endpoint.ticket().clone()).await;
        return reader.with_context(|| format!("cannot read flight {name:?} from {}", client.location()));
    }
    let mut tried = Vec::new();
    for location in endpoint.locations() {
        let reader = match FlightClient::connect(location.clone()) {
            Ok(client) => client.do_get(endpoint.ticket().clone()).await,
            Err(error) => Err(error),
        };
        match reader {
            Ok(reader) => return Ok(reader),
            Err(error) => tried.push(format!("{location}: {error}")),
        }
    }
    bail!("no location of flight {name:?} gives its data: {}", tried.join("; "))
}
