//! `poll_flight_info`: a long query is polled until it is complete.

use std::time::{Duration, SystemTime};

use arrow_schema::{DataType, Field, Schema};
use peregrine_client::FlightClient;
use peregrine_proto::{FlightDescriptor, FlightEndpoint, FlightError, FlightInfo, PollInfo, Ticket};
use peregrine_server::{FlightService, ServerCallContext};

use super::ScenarioError;
use super::error::{During, expect};

/// How long a query may go unpolled.
const POLLED_WITHIN: Duration = Duration::from_secs(10);

/// Every query is complete at the second poll.
pub(super) struct PollService;

impl FlightService for PollService {
    async fn poll_flight_info(
        &self,
        _context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<PollInfo, FlightError> {
        let again = FlightDescriptor::for_command("poll");
        let complete = descriptor == again;
        let info = FlightInfo::new(&Schema::new(vec![Field::new("number", DataType::UInt32, false)]))
            .with_descriptor(descriptor)
            .with_endpoint(FlightEndpoint::new(Ticket::new("long-running query")));
        Ok(match complete {
            true => PollInfo::complete(info).with_progress(1.0),
            false => PollInfo::running(again)
                .with_info(info)
                .with_progress(0.1)
                .with_expiration_time(SystemTime::now() + POLLED_WITHIN),
        })
    }
}

pub(super) async fn run(client: &FlightClient) -> Result<(), ScenarioError> {
    let query = FlightDescriptor::for_command("heavy query");
    let poll = client.poll_flight_info(query).await.during("the first PollFlightInfo")?;
    let in_range = poll.progress().is_some_and(|progress| (0.0..=1.0).contains(&progress));
    expect("the first poll's progress", "one from 0 to 1", in_range, poll.progress())?;
    expect("the first poll's expiration time", "one", poll.expiration_time().is_some(), poll.expiration_time())?;
    let Some(again) = poll.descriptor() else {
        return Err(ScenarioError::answer("the first poll's descriptor", "one to poll with", "none"));
    };

    let poll = client.poll_flight_info(again.clone()).await.during("the second PollFlightInfo")?;
    expect("the second poll's descriptor", "none", poll.is_complete(), poll.descriptor())?;
    let whole = poll.progress().is_some_and(|progress| (progress - 1.0).abs() < 1e-5);
    expect("the second poll's progress", "1", whole, poll.progress())?;
    expect("the second poll's expiration time", "none", poll.expiration_time().is_none(), poll.expiration_time())
}
