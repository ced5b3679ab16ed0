//! `expiration_time:*`: endpoints whose time runs out, how they are renewed, and how a flight is cancelled. One service
//! for the four.

use std::sync::{Arc, MutexGuard};
use std::time::SystemTime;

use arrow_array::{RecordBatch, UInt32Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use peregrine_client::FlightClient;
use peregrine_proto::{
    Action, ActionRequest, ActionResult, ActionType, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus,
    FlightDescriptor, FlightError, FlightInfo, RenewFlightEndpointRequest, Ticket,
};
use peregrine_server::{FlightService, ServerCallContext};
use peregrine_stream::{FlightDataStream, MessageStream};
use peregrine_transport::Mutex;

use super::ScenarioError;
use super::error::{During, expect, expect_eq};
use super::expiring::ExpiringEndpoints;
use super::read::read_endpoints;

const ACTIONS: [&str; 2] = [ActionType::CANCEL_FLIGHT_INFO, ActionType::RENEW_FLIGHT_ENDPOINT];

/// Remembers the last flight that it described, and no other.
#[derive(Default)]
pub(super) struct ExpirationTimeService {
    endpoints: Mutex<ExpiringEndpoints>,
}

impl ExpirationTimeService {
    fn endpoints(&self) -> MutexGuard<'_, ExpiringEndpoints> {
        self.endpoints.lock()
    }
}

impl FlightService for ExpirationTimeService {
    async fn get_flight_info(
        &self,
        _context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, FlightError> {
        let endpoints = self.endpoints().start(SystemTime::now());
        Ok(FlightInfo::new(&schema()).with_descriptor(descriptor).with_endpoints(endpoints))
    }

    /// Refuses before the schema is sent: clients look no further.
    async fn do_get(&self, _context: ServerCallContext, ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        let number = self.endpoints().redeem(&ticket, SystemTime::now())?;
        Ok(FlightDataStream::from_batches(schema(), [numbers([number])]))
    }

    async fn do_action(
        &self,
        _context: ServerCallContext,
        action: Action,
    ) -> Result<MessageStream<ActionResult>, FlightError> {
        let result = match action.request()? {
            ActionRequest::CancelFlightInfo(request) => {
                CancelFlightInfoResult::new(self.endpoints().cancel(request.info())).into()
            }
            ActionRequest::RenewFlightEndpoint(request) => {
                self.endpoints().renew(request.endpoint(), SystemTime::now())?.into()
            }
            _ => return Err(FlightError::invalid_argument(format!("no action is named {:?}", action.action_type()))),
        };
        Ok(MessageStream::from_iter([result]))
    }

    async fn list_actions(&self, _context: ServerCallContext) -> Result<MessageStream<ActionType>, FlightError> {
        Ok(MessageStream::from_iter([
            ActionType::new(ActionType::CANCEL_FLIGHT_INFO, "Cancels a flight."),
            ActionType::new(ActionType::RENEW_FLIGHT_ENDPOINT, "Gives an endpoint more time."),
        ]))
    }
}

/// `expiration_time:do_get`: the first endpoint does not expire, the others do, and all are read in time.
pub(super) async fn do_get(client: &FlightClient) -> Result<(), ScenarioError> {
    let info = describe(client).await?;
    for (index, endpoint) in info.endpoints().iter().enumerate() {
        let (time, expected) = (endpoint.expiration_time(), if index == 0 { "none" } else { "one" });
        expect(format!("the expiration time of endpoint {index}"), expected, time.is_some() == (index > 0), time)?;
    }
    expect_eq("rows", numbers([0, 1, 2]), read_endpoints(client, &info, &schema()).await?)
}

/// `expiration_time:list_actions`: the service tells the two actions that it has.
pub(super) async fn list_actions(client: &FlightClient) -> Result<(), ScenarioError> {
    let actions = async { client.list_actions().await?.read_all().await }.await.during("ListActions")?;
    let mut names: Vec<_> = actions.iter().map(ActionType::action_type).collect();
    names.sort_unstable();
    expect_eq("actions", &ACTIONS[..], &names)
}

/// `expiration_time:cancel_flight_info`: no endpoint of a cancelled flight can be read, not even its schema.
pub(super) async fn cancel_flight_info(client: &FlightClient) -> Result<(), ScenarioError> {
    let info = describe(client).await?;
    let request = CancelFlightInfoRequest::new(info.clone());
    let result = client.cancel_flight_info(&request).await.during("CancelFlightInfo")?;
    expect_eq("the cancellation", CancelStatus::Cancelled, result.status())?;
    for endpoint in info.endpoints() {
        // It returns once the schema is there.
        if client.do_get(endpoint.ticket().clone()).await.is_ok() {
            let what = format!("DoGet({}) of a cancelled flight", endpoint.ticket());
            return Err(ScenarioError::answer(what, "an error before the schema", "a schema"));
        }
    }
    Ok(())
}

/// `expiration_time:renew_flight_endpoint`: what expires can be renewed, lasts longer then, and can be read.
///
/// The official clients pass a flight without any endpoint that expires. This one does not, and it reads what was
/// renewed.
pub(super) async fn renew_flight_endpoint(client: &FlightClient) -> Result<(), ScenarioError> {
    let info = describe(client).await?;
    let mut renewed = FlightInfo::new(&schema());
    for endpoint in info.endpoints() {
        let Some(before) = endpoint.expiration_time() else { continue };
        let request = RenewFlightEndpointRequest::new(endpoint.clone());
        let call = format!("RenewFlightEndpoint({endpoint})");
        let endpoint = client.renew_flight_endpoint(&request).await.during(&call)?;
        let (after, expected) = (endpoint.expiration_time(), format!("one after {before}"));
        expect(format!("{call}: expiration time"), &expected, after.is_some_and(|after| after > before), after)?;
        renewed = renewed.with_endpoint(endpoint);
    }
    expect_eq("rows of what was renewed", numbers([1, 2]), read_endpoints(client, &renewed, &schema()).await?)
}

async fn describe(client: &FlightClient) -> Result<FlightInfo, ScenarioError> {
    client.get_flight_info(FlightDescriptor::for_command("expiration")).await.during("GetFlightInfo")
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("number", DataType::UInt32, false)]))
}

fn numbers<const N: usize>(numbers: [u32; N]) -> RecordBatch {
    let numbers = UInt32Array::from_iter_values(numbers);
    RecordBatch::try_new(schema(), vec![Arc::new(numbers)]).expect("the column is the schema's")
}
