//! The endpoints of a flight whose time runs out: what the service of the `expiration_time` scenarios remembers.
//! The time is an argument.

use std::time::{Duration, SystemTime};

use peregrine_proto::{CancelStatus, FlightEndpoint, FlightError, FlightInfo, Ticket};

/// How much time a renewal gives.
const RENEWAL: Duration = Duration::from_secs(10);

/// The endpoints that were handed out last.
#[derive(Debug, Default)]
pub(super) struct ExpiringEndpoints(Vec<State>);

#[derive(Debug)]
struct State {
    expiration_time: Option<SystemTime>,
    num_gets: usize,
    cancelled: bool,
}

impl ExpiringEndpoints {
    /// Forgets all endpoints and hands out new ones: one that does not expire, and two that do.
    pub(super) fn start(&mut self, now: SystemTime) -> Vec<FlightEndpoint> {
        self.0.clear();
        [("No expiration time", None), ("5 seconds", Some(5)), ("6 seconds", Some(6))]
            .into_iter()
            .enumerate()
            .map(|(index, (text, seconds))| {
                let expiration_time = seconds.map(|seconds| now + Duration::from_secs(seconds));
                self.0.push(State { expiration_time, num_gets: 0, cancelled: false });
                let endpoint = FlightEndpoint::new(Ticket::new(format!("{index}: {text}")));
                expiration_time.into_iter().fold(endpoint, FlightEndpoint::with_expiration_time)
            })
            .collect()
    }

    /// Redeems a ticket and gives its number.
    pub(super) fn redeem(&mut self, ticket: &Ticket, now: SystemTime) -> Result<u32, FlightError> {
        let (index, state) = self.find(ticket)?;
        if state.cancelled {
            return Err(FlightError::not_found(format!("the flight is cancelled: {ticket}")));
        }
        match state.expiration_time {
            Some(time) if time < now => Err(FlightError::not_found(format!("the flight has expired: {ticket}"))),
            None if state.num_gets > 0 => {
                Err(FlightError::not_found(format!("the flight cannot be read a second time: {ticket}")))
            }
            _ => {
                state.num_gets += 1;
                Ok(index)
            }
        }
    }

    /// Cancels the endpoints of a flight. Any that cannot be cancelled makes that the answer.
    pub(super) fn cancel(&mut self, info: &FlightInfo) -> CancelStatus {
        let mut status = CancelStatus::Unspecified;
        for endpoint in info.endpoints() {
            match self.find(endpoint.ticket()) {
                Ok((_, state)) if !state.cancelled => {
                    state.cancelled = true;
                    if status == CancelStatus::Unspecified {
                        status = CancelStatus::Cancelled;
                    }
                }
                _ => status = CancelStatus::NotCancellable,
            }
        }
        status
    }

    /// Gives an endpoint more time.
    pub(super) fn renew(&mut self, endpoint: &FlightEndpoint, now: SystemTime) -> Result<FlightEndpoint, FlightError> {
        let ticket = endpoint.ticket();
        let (_, state) = self.find(ticket)?;
        if state.cancelled {
            return Err(FlightError::invalid_argument(format!("the flight is cancelled: {ticket}")));
        }
        let expiration_time = now + RENEWAL;
        state.expiration_time = Some(expiration_time);
        let mut renewed = ticket.ticket().to_vec();
        renewed.extend_from_slice(format!(": renewed (+ {} seconds)", RENEWAL.as_secs()).as_bytes());
        Ok(FlightEndpoint::new(Ticket::new(renewed))
            .with_locations(endpoint.locations().iter().cloned())
            .with_expiration_time(expiration_time)
            .with_app_metadata(endpoint.app_metadata().clone()))
    }

    /// The endpoint of a ticket, whose text begins with its number and a colon.
    fn find(&mut self, ticket: &Ticket) -> Result<(u32, &mut State), FlightError> {
        let text = std::str::from_utf8(ticket.ticket()).unwrap_or_default();
        let index = text.split_once(':').and_then(|(index, _)| index.parse().ok());
        let index: u32 = index.ok_or_else(|| FlightError::not_found(format!("invalid flight, no index: {ticket}")))?;
        let state = usize::try_from(index).ok().and_then(|index| self.0.get_mut(index));
        let state = state.ok_or_else(|| FlightError::not_found(format!("invalid flight, out of index: {ticket}")))?;
        Ok((index, state))
    }
}

#[cfg(test)]
mod tests {
    use arrow_schema::Schema;
    use peregrine_proto::FlightErrorKind;

    use super::*;

    const START: SystemTime = SystemTime::UNIX_EPOCH;

    fn after(seconds: u64) -> SystemTime {
        START + Duration::from_secs(seconds)
    }

    fn started() -> (ExpiringEndpoints, Vec<FlightEndpoint>) {
        let mut state = ExpiringEndpoints::default();
        let endpoints = state.start(START);
        (state, endpoints)
    }

    #[test]
    fn what_does_not_expire_is_read_once_and_the_rest_until_its_time() {
        let (mut state, endpoints) = started();
        let mut redeem = |index: usize, now| state.redeem(endpoints[index].ticket(), now).is_ok();
        assert_eq!([redeem(0, after(100)), redeem(0, after(100))], [true, false]);
        assert_eq!([redeem(1, after(5)), redeem(1, after(5)), redeem(1, after(6))], [true, true, false]);
        assert_eq!([redeem(2, after(6)), redeem(2, after(7))], [true, false]);
    }

    #[test]
    fn a_renewal_is_good_for_the_ticket_and_for_the_old_one() {
        let (mut state, endpoints) = started();
        let renewed = state.renew(&endpoints[1], after(4)).unwrap();
        assert_eq!(renewed.ticket(), &Ticket::new("1: 5 seconds: renewed (+ 10 seconds)"));
        assert_eq!(renewed.expiration_time(), Some(after(14).into()));
        for ticket in [renewed.ticket(), endpoints[1].ticket()] {
            assert_eq!(state.redeem(ticket, after(14)).unwrap(), 1);
            assert!(state.redeem(ticket, after(15)).is_err());
        }
    }

    #[test]
    fn a_cancelled_flight_is_neither_read_nor_renewed_nor_cancelled_again() {
        let (mut state, endpoints) = started();
        let info = FlightInfo::new(&Schema::empty()).with_endpoints(endpoints.clone());
        assert_eq!(state.cancel(&info), CancelStatus::Cancelled);
        assert_eq!(state.cancel(&info), CancelStatus::NotCancellable);
        for endpoint in &endpoints {
            assert_eq!(state.redeem(endpoint.ticket(), START).unwrap_err().kind(), FlightErrorKind::NotFound);
            assert_eq!(state.renew(endpoint, START).unwrap_err().kind(), FlightErrorKind::InvalidArgument);
        }
        let again = state.start(START);
        assert!(state.redeem(again[0].ticket(), START).is_ok(), "a new flight");
    }

    #[test]
    fn tickets_of_nobody_are_not_found() {
        let (mut state, _) = started();
        for ticket in [&b"3: too far"[..], b"-1: x", b"no number", b"0", b"", b"\xff:"] {
            let ticket = Ticket::new(ticket);
            assert_eq!(state.redeem(&ticket, START).unwrap_err().kind(), FlightErrorKind::NotFound, "{ticket}");
            let info = FlightInfo::new(&Schema::empty()).with_endpoint(FlightEndpoint::new(ticket));
            assert_eq!(state.cancel(&info), CancelStatus::NotCancellable);
        }
    }
}
