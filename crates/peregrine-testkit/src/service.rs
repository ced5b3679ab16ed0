//! `MemoryService`: a whole Flight service over tables in memory.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use peregrine_proto::{
    Action, ActionResult, ActionType, Criteria, FlightDescriptor, FlightEndpoint, FlightError, FlightInfo,
    SchemaResult, Ticket,
};
use peregrine_server::{FlightService, ServerCallContext};
use peregrine_stream::{FlightDataStream, MessageStream, Table};

/// Serves tables by name: the flight `trips` is the descriptor with the path `["trips"]` and the ticket `trips`.
///
/// `ListFlights` lists the names that contain the criteria. The action `echo` gives its body back.
///
/// ```
/// use peregrine_testkit::{MemoryService, batches};
///
/// let service = MemoryService::with("trips", batches::one_per_type());
/// assert_eq!(service.table("trips").unwrap().num_rows(), 107);
/// ```
#[derive(Debug, Default)]
pub struct MemoryService {
    tables: BTreeMap<String, Table>,
}

impl MemoryService {
    /// A service without flights.
    pub fn new() -> Self {
        Self::default()
    }

    /// A service with one flight.
    ///
    /// # Panics
    /// If there is no batch: then the schema is not known, see [`insert`](Self::insert).
    pub fn with(name: &str, batches: Vec<RecordBatch>) -> Self {
        let schema = batches.first().expect("at least one batch").schema();
        let mut service = Self::new();
        service.insert(name, Table::new(schema, batches));
        service
    }

    /// Adds a flight, or replaces it.
    pub fn insert(&mut self, name: &str, table: Table) {
        self.tables.insert(name.to_owned(), table);
    }

    /// The table of a flight.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name)
    }

    fn find(&self, name: &str) -> Result<&Table, FlightError> {
        self.table(name).ok_or_else(|| FlightError::not_found(format!("no flight named {name}")))
    }

    fn info(&self, name: &str) -> Result<FlightInfo, FlightError> {
        let table = self.find(name)?;
        let info = FlightInfo::for_batches(&table.schema, FlightDescriptor::for_path([name]), &table.batches);
        Ok(info.with_endpoint(FlightEndpoint::new(Ticket::new(name.to_owned()))))
    }
}

impl FlightService for MemoryService {
    async fn list_flights(
        &self,
        _context: ServerCallContext,
        criteria: Criteria,
    ) -> Result<MessageStream<FlightInfo>, FlightError> {
        let wanted = text(criteria.expression(), "the criteria")?;
        let names = self.tables.keys().filter(|name| name.contains(wanted));
        let infos = names.map(|name| self.info(name)).collect::<Result<Vec<_>, _>>()?;
        Ok(MessageStream::from_iter(infos))
    }

    async fn get_flight_info(
        &self,
        _context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, FlightError> {
        self.info(&descriptor.path().join("/"))
    }

    async fn get_schema(
        &self,
        _context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<SchemaResult, FlightError> {
        Ok(SchemaResult::new(&self.find(&descriptor.path().join("/"))?.schema))
    }

    async fn do_get(&self, _context: ServerCallContext, ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        let table = self.find(text(ticket.ticket(), "the ticket")?)?;
        Ok(FlightDataStream::from_batches(table.schema.clone(), table.batches.clone()))
    }

    async fn do_action(
        &self,
        _context: ServerCallContext,
        action: Action,
    ) -> Result<MessageStream<ActionResult>, FlightError> {
        match action.action_type() {
            "echo" => Ok(MessageStream::from_iter([ActionResult::new(action.body().clone())])),
            other => Err(FlightError::unimplemented(format!("no action named {other}"))),
        }
    }

    async fn list_actions(&self, _context: ServerCallContext) -> Result<MessageStream<ActionType>, FlightError> {
        Ok(MessageStream::from_iter([ActionType::new("echo", "gives its body back")]))
    }
}

fn text<'a>(bytes: &'a [u8], what: &str) -> Result<&'a str, FlightError> {
    std::str::from_utf8(bytes).map_err(|_| FlightError::invalid_argument(format!("{what} is not UTF-8")))
}
