//! `MemoryService`: a whole Flight service over tables in memory.

mod exchange;
mod upload;

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard};

use arrow_array::RecordBatch;
use peregrine_ipc::DictionaryIds;
use peregrine_proto::{
    Action, ActionRequest, ActionResult, ActionType, CancelFlightInfoResult, CancelStatus, Criteria, DescriptorType,
    FlightDescriptor, FlightEndpoint, FlightError, FlightInfo, PollInfo, SchemaResult, Ticket,
};
use peregrine_server::{FlightService, ServerCallContext};
use peregrine_stream::{
    FlightDataStream, FlightMetadataWriter, FlightStreamReader, FlightStreamWriter, MessageStream, Table,
};
use peregrine_transport::Mutex;

/// Serves tables by name: the flight `trips` is the descriptor with the path `["trips"]` and the ticket `trips`. Clones
/// serve the same tables.
///
/// - ListFlights lists the names that contain the criteria. All flights are complete: PollFlightInfo says so at once, and
///   CancelFlightInfo that there is nothing to cancel.
/// - DoPut puts a table under its path, in place of the one that was there, whose schema it must have. That happens
///   when the upload has come to its end, and not at all if it does not. Metadata is answered with the same metadata.
/// - DoExchange gives back what it gets, message by message.
/// - What was uploaded goes out under the dictionary ids that it came with.
/// - The action `echo` gives its body back, and `drop` forgets the flight that its body names.
///
/// ```
/// use peregrine_testkit::{MemoryService, batches};
///
/// let service = MemoryService::with("trips", batches::one_per_type());
/// assert_eq!(service.table("trips").unwrap().num_rows(), 107);
/// ```
#[derive(Debug, Clone, Default)]
pub struct MemoryService {
    tables: Arc<Mutex<BTreeMap<String, Stored>>>,
}

/// A table, and the ids that its dictionaries go out under.
#[derive(Debug)]
struct Stored {
    table: Table,
    dictionary_ids: DictionaryIds,
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
        let service = Self::new();
        service.insert(name, Table::new(schema, batches));
        service
    }

    /// Adds a flight, or replaces it.
    pub fn insert(&self, name: &str, table: Table) {
        self.tables().insert(name.to_owned(), Stored { table, dictionary_ids: DictionaryIds::Counted });
    }

    /// The table of a flight.
    pub fn table(&self, name: &str) -> Option<Table> {
        self.tables().get(name).map(|stored| stored.table.clone())
    }

    /// Forgets a flight, and gives its table if there was one.
    pub fn remove(&self, name: &str) -> Option<Table> {
        self.tables().remove(name).map(|stored| stored.table)
    }

    fn tables(&self) -> MutexGuard<'_, BTreeMap<String, Stored>> {
        self.tables.lock()
    }

    fn find(&self, name: &str) -> Result<Table, FlightError> {
        self.table(name).ok_or_else(|| no_flight(name))
    }

    fn info(&self, descriptor: &FlightDescriptor) -> Result<FlightInfo, FlightError> {
        let name = name_of(descriptor)?;
        Ok(info(&name, &self.find(&name)?))
    }

    fn cancel(&self, info: &FlightInfo) -> Result<CancelFlightInfoResult, FlightError> {
        let missing = || FlightError::invalid_argument("the flight to cancel has no descriptor");
        self.info(info.descriptor().ok_or_else(missing)?)?;
        Ok(CancelFlightInfoResult::new(CancelStatus::NotCancellable))
    }
}

impl FlightService for MemoryService {
    async fn list_flights(
        &self,
        _context: ServerCallContext,
        criteria: Criteria,
    ) -> Result<MessageStream<FlightInfo>, FlightError> {
        let wanted = text(criteria.expression(), "the criteria")?;
        let tables = self.tables();
        let found = tables.iter().filter(|(name, _)| name.contains(wanted));
        Ok(MessageStream::from_iter(found.map(|(name, stored)| info(name, &stored.table)).collect::<Vec<_>>()))
    }

    async fn get_flight_info(
        &self,
        _context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, FlightError> {
        self.info(&descriptor)
    }

    async fn poll_flight_info(
        &self,
        _context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<PollInfo, FlightError> {
        Ok(PollInfo::complete(self.info(&descriptor)?).with_progress(1.0))
    }

    async fn get_schema(
        &self,
        _context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<SchemaResult, FlightError> {
        Ok(SchemaResult::new(&self.find(&name_of(&descriptor)?)?.schema))
    }

    async fn do_get(&self, _context: ServerCallContext, ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        let name = text(ticket.ticket(), "the ticket")?;
        let tables = self.tables();
        let Stored { table, dictionary_ids } = tables.get(name).ok_or_else(|| no_flight(name))?;
        let stream = FlightDataStream::from_batches(table.schema.clone(), table.batches.clone());
        let options = stream.write_options().clone().with_dictionary_ids(dictionary_ids.clone());
        Ok(stream.with_write_options(options))
    }

    async fn do_put(
        &self,
        _context: ServerCallContext,
        reader: FlightStreamReader,
        writer: FlightMetadataWriter,
    ) -> Result<(), FlightError> {
        self.receive(reader, writer).await
    }

    async fn do_exchange(
        &self,
        _context: ServerCallContext,
        reader: FlightStreamReader,
        writer: FlightStreamWriter,
    ) -> Result<(), FlightError> {
        exchange::echo(reader, writer).await
    }

    async fn do_action(
        &self,
        _context: ServerCallContext,
        action: Action,
    ) -> Result<MessageStream<ActionResult>, FlightError> {
        if let ActionRequest::CancelFlightInfo(request) = action.request()? {
            return Ok(MessageStream::from_iter([self.cancel(request.info())?.into()]));
        }
        match action.action_type() {
            "echo" => Ok(MessageStream::from_iter([ActionResult::new(action.body().clone())])),
            "drop" => {
                let name = text(action.body(), "the name of the flight")?;
                self.remove(name).ok_or_else(|| no_flight(name))?;
                Ok(MessageStream::from_iter([]))
            }
            other => Err(FlightError::unimplemented(format!("no action named {other}"))),
        }
    }

    async fn list_actions(&self, _context: ServerCallContext) -> Result<MessageStream<ActionType>, FlightError> {
        Ok(MessageStream::from_iter([
            ActionType::new("echo", "gives its body back"),
            ActionType::new("drop", "forgets the flight that its body names"),
            ActionType::cancel_flight_info(),
        ]))
    }
}

fn info(name: &str, table: &Table) -> FlightInfo {
    let descriptor = FlightDescriptor::for_path(name.split('/'));
    let info = FlightInfo::for_batches(&table.schema, descriptor, &table.batches);
    info.with_endpoint(FlightEndpoint::new(Ticket::new(name.to_owned())))
}

/// The name of the flight that a descriptor means.
fn name_of(descriptor: &FlightDescriptor) -> Result<String, FlightError> {
    match descriptor.descriptor_type() {
        DescriptorType::Path if !descriptor.path().is_empty() => Ok(descriptor.path().join("/")),
        _ => Err(FlightError::invalid_argument(format!("{descriptor} does not name a flight by its path"))),
    }
}

fn no_flight(name: &str) -> FlightError {
    FlightError::not_found(format!("no flight named {name}"))
}

fn text<'a>(bytes: &'a [u8], what: &str) -> Result<&'a str, FlightError> {
    std::str::from_utf8(bytes).map_err(|_| FlightError::invalid_argument(format!("{what} is not UTF-8")))
}
