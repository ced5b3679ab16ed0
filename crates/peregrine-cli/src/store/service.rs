//! The store as a Flight service.

use peregrine::proto::{Criteria, FlightDescriptor, FlightEndpoint, FlightError, FlightInfo, SchemaResult, Ticket};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::{FlightDataStream, MessageStream};
use tokio::task::spawn_blocking;

use super::{Description, Store, StoredFlight};
use crate::log::log_once;

/// Serves the flights of a store: ListFlights, GetFlightInfo, GetSchema and DoGet.
///
/// A flight is one endpoint without a location, and its ticket is its name. A broken file is left out of the list, with
/// a line in the log, once; asking for it gives its error.
pub(crate) struct StoreService {
    store: Store,
}

impl StoreService {
    /// Serves this store.
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// The flight of a name and what its file says about itself.
    async fn describe(&self, descriptor: &FlightDescriptor) -> Result<(StoredFlight, Description), FlightError> {
        let (store, name) = (self.store.clone(), name_of(descriptor)?);
        on_a_thread(move || {
            let flight = store.flight(&name)?;
            let description = flight.describe()?;
            Ok((flight, description))
        })
        .await
    }
}

impl FlightService for StoreService {
    async fn list_flights(
        &self,
        _context: ServerCallContext,
        criteria: Criteria,
    ) -> Result<MessageStream<FlightInfo>, FlightError> {
        if !criteria.expression().is_empty() {
            return Err(FlightError::invalid_argument("this server lists all of its flights and takes no criteria"));
        }
        let store = self.store.clone();
        let flights = on_a_thread(move || store.flights()).await?;
        let infos = flights.into_iter().filter_map(|flight| match flight.describe() {
            Ok(description) => Some(Ok(flight_info(&flight, &description))),
            Err(error) => {
                log_once(format_args!("left out of the list: {error}"));
                None
            }
        });
        Ok(MessageStream::from_blocking(infos))
    }

    async fn get_flight_info(
        &self,
        _context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, FlightError> {
        let (flight, description) = self.describe(&descriptor).await?;
        Ok(flight_info(&flight, &description))
    }

    async fn get_schema(
        &self,
        _context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<SchemaResult, FlightError> {
        let (_, description) = self.describe(&descriptor).await?;
        Ok(SchemaResult::new(&description.schema))
    }

    async fn do_get(&self, _context: ServerCallContext, ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        let store = self.store.clone();
        let content = on_a_thread(move || {
            let name = std::str::from_utf8(ticket.ticket());
            let name = name.map_err(|_| FlightError::not_found("a ticket of this server is a flight's name"))?;
            store.flight(name)?.read()
        })
        .await?;
        Ok(content.into_stream())
    }
}

/// Runs file work on the blocking pool.
async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FlightError> + Send + 'static,
) -> Result<T, FlightError> {
    spawn_blocking(work).await.map_err(|error| FlightError::internal("reading files broke off").with_source(error))?
}

/// The name that a descriptor asks for. One part with slashes in it is as good as many parts.
fn name_of(descriptor: &FlightDescriptor) -> Result<String, FlightError> {
    if descriptor.path().is_empty() {
        return Err(FlightError::invalid_argument("flights of this server are named by a path, as [\"deep\", \"er\"]"));
    }
    Ok(descriptor.path().join("/"))
}

fn flight_info(flight: &StoredFlight, description: &Description) -> FlightInfo {
    let total = |count: Option<u64>| count.and_then(|count| i64::try_from(count).ok()).unwrap_or(-1);
    FlightInfo::new(&description.schema)
        .with_descriptor(FlightDescriptor::for_path(flight.name().split('/')))
        .with_endpoint(FlightEndpoint::new(Ticket::new(flight.name().to_owned())))
        .with_total_records(total(Some(description.totals.rows)))
        .with_total_bytes(total(description.totals.bytes))
}
