//! The actions that Flight defines, as methods of the client.

use peregrine_proto::{
    Action, ActionType, CancelFlightInfoRequest, CancelFlightInfoResult, CloseSessionRequest, CloseSessionResult,
    FlightEndpoint, FlightError, FlightMessage, GetSessionOptionsRequest, GetSessionOptionsResult,
    RenewFlightEndpointRequest, SetSessionOptionsRequest, SetSessionOptionsResult,
};

use crate::client::FlightClient;

/// The actions that Flight defines. Each is a DoAction of its name with one message in and one out.
impl FlightClient {
    /// Asks the server to stop the query behind a flight.
    ///
    /// # Errors
    /// The call's error: `Unimplemented` where the server does not know the action. `Internal` if it does not answer
    /// with one result.
    pub async fn cancel_flight_info(
        &self,
        request: &CancelFlightInfoRequest,
    ) -> Result<CancelFlightInfoResult, FlightError> {
        self.act(ActionType::CANCEL_FLIGHT_INFO, request).await
    }

    /// Asks for more time for an endpoint. The answer is the endpoint to use from now on.
    ///
    /// # Errors
    /// As [`cancel_flight_info`](Self::cancel_flight_info).
    pub async fn renew_flight_endpoint(
        &self,
        request: &RenewFlightEndpointRequest,
    ) -> Result<FlightEndpoint, FlightError> {
        self.act(ActionType::RENEW_FLIGHT_ENDPOINT, request).await
    }

    /// Sets options of the session. What the server refused is in the result.
    ///
    /// # Errors
    /// As [`cancel_flight_info`](Self::cancel_flight_info).
    pub async fn set_session_options(
        &self,
        request: &SetSessionOptionsRequest,
    ) -> Result<SetSessionOptionsResult, FlightError> {
        self.act(ActionType::SET_SESSION_OPTIONS, request).await
    }

    /// Gives all options of the session.
    ///
    /// # Errors
    /// As [`cancel_flight_info`](Self::cancel_flight_info).
    pub async fn get_session_options(
        &self,
        request: &GetSessionOptionsRequest,
    ) -> Result<GetSessionOptionsResult, FlightError> {
        self.act(ActionType::GET_SESSION_OPTIONS, request).await
    }

    /// Ends the session.
    ///
    /// # Errors
    /// As [`cancel_flight_info`](Self::cancel_flight_info).
    pub async fn close_session(&self, request: &CloseSessionRequest) -> Result<CloseSessionResult, FlightError> {
        self.act(ActionType::CLOSE_SESSION, request).await
    }

    /// An action with one message in and one out.
    async fn act<Q: FlightMessage + Sync, A: FlightMessage>(&self, name: &str, request: &Q) -> Result<A, FlightError> {
        let mut results = self.do_action(Action::new(name, request.serialize())).await?;
        let result = results.read_next().await?;
        // The status comes behind the result, and may still be an error.
        let extra = results.read_next().await?;
        match (result, extra) {
            (Some(result), None) => A::deserialize(result.into()).map_err(|error| {
                let told = format!("the result of the action {name}: {}", error.message());
                FlightError::internal(told).with_source(error)
            }),
            (None, _) => Err(FlightError::internal(format!("the action {name} ended without a result"))),
            (Some(_), Some(_)) => Err(FlightError::internal(format!("the action {name} gave more than one result"))),
        }
    }
}
