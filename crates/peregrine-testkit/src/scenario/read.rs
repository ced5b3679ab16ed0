//! What the clients of several scenarios do: read the endpoints of a flight.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use peregrine_client::FlightClient;
use peregrine_proto::{FlightEndpoint, FlightInfo};
use peregrine_stream::Table;

use super::ScenarioError;
use super::error::{During, expect_eq};

/// The only endpoint of a flight.
pub(super) fn only_endpoint(info: &FlightInfo) -> Result<&FlightEndpoint, ScenarioError> {
    match info.endpoints() {
        [endpoint] => Ok(endpoint),
        others => Err(ScenarioError::answer("endpoints", "1", others.len().to_string())),
    }
}

/// All rows of a flight, endpoint by endpoint, from the server that was asked. Each endpoint must have the schema.
pub(super) async fn read_endpoints(
    client: &FlightClient,
    info: &FlightInfo,
    schema: &SchemaRef,
) -> Result<RecordBatch, ScenarioError> {
    let mut batches = Vec::new();
    for endpoint in info.endpoints() {
        let call = format!("DoGet({})", endpoint.ticket());
        let mut reader = client.do_get(endpoint.ticket().clone()).await.during(&call)?;
        let table = reader.read_all().await.during(&call)?;
        expect_eq(format!("{call}: schema"), schema, &table.schema)?;
        batches.extend(table.batches);
    }
    Table::new(schema.clone(), batches).to_batch().during("joining what was read")
}
