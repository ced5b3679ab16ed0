//! The action RenewFlightEndpoint: what it is asked with. Its result is a `FlightEndpoint`.

use crate::generated::flight;
use crate::message::{Generated, flight_messages};
use crate::{FlightEndpoint, FlightError};

/// Asks for more time for an endpoint: the body of the `RenewFlightEndpoint` action, which answers with a
/// [`FlightEndpoint`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RenewFlightEndpointRequest(FlightEndpoint);

impl RenewFlightEndpointRequest {
    /// Asks for more time for this endpoint.
    pub fn new(endpoint: FlightEndpoint) -> Self {
        Self(endpoint)
    }

    /// The endpoint to renew.
    pub fn endpoint(&self) -> &FlightEndpoint {
        &self.0
    }
}

impl Generated for RenewFlightEndpointRequest {
    type Message = flight::RenewFlightEndpointRequest;
    const NAME: &'static str = "RenewFlightEndpointRequest";

    fn to_generated(&self) -> Self::Message {
        Self::Message { endpoint: Some(self.0.to_generated()) }
    }

    fn from_generated(message: Self::Message) -> Result<Self, FlightError> {
        let missing = || FlightError::invalid_argument("RenewFlightEndpointRequest has no endpoint");
        Ok(Self(FlightEndpoint::from_generated(message.endpoint.ok_or_else(missing)?)?))
    }
}

flight_messages!(RenewFlightEndpointRequest);
