//! The server that hands tables out and compares what is put back.

use integration_tests::ensure_same;
use peregrine::proto::{Criteria, FlightDescriptor, FlightError, FlightInfo, Ticket};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::{FlightDataStream, FlightMetadataWriter, FlightStreamReader, MessageStream, Table};
use peregrine_testkit::random::TypeKind;

use crate::names;

/// ListFlights names the kinds of types.
pub(crate) struct Tables;

impl FlightService for Tables {
    async fn list_flights(
        &self,
        _context: ServerCallContext,
        _criteria: Criteria,
    ) -> Result<MessageStream<FlightInfo>, FlightError> {
        let info = |kind: &TypeKind| {
            let name = FlightDescriptor::for_path([kind.name()]);
            FlightInfo::for_batches(&arrow_schema::Schema::empty(), name, &[])
        };
        Ok(MessageStream::from_iter(TypeKind::ALL.iter().map(info).collect::<Vec<_>>()))
    }

    async fn do_get(&self, _context: ServerCallContext, ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        let name = String::from_utf8_lossy(ticket.ticket());
        let table = table(&name.split('/').collect::<Vec<_>>())?;
        Ok(FlightDataStream::from_batches(table.schema, table.batches))
    }

    async fn do_put(
        &self,
        _context: ServerCallContext,
        mut reader: FlightStreamReader,
        _writer: FlightMetadataWriter,
    ) -> Result<(), FlightError> {
        let name = reader.descriptor().ok_or_else(|| FlightError::invalid_argument("a table without a name"))?.clone();
        let came = reader.read_all().await?;
        let differs = |error: anyhow::Error| FlightError::invalid_argument(format!("{name}: {error:#}"));
        ensure_same(&came, &table(name.path())?).map_err(differs)
    }
}

fn table(name: &[impl AsRef<str>]) -> Result<Table, FlightError> {
    names::table(name).map_err(|error| FlightError::not_found(error.to_string()))
}
