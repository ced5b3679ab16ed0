//! The five actions that Flight defines: their requests, read from the bodies of actions, and their results as bodies.

use crate::action::{Action, ActionResult, ActionType};
use crate::cancel_flight_info::{CancelFlightInfoRequest, CancelFlightInfoResult};
use crate::endpoint::FlightEndpoint;
use crate::error::FlightError;
use crate::message::FlightMessage;
use crate::renew_flight_endpoint::RenewFlightEndpointRequest;
use crate::session::{
    CloseSessionRequest, CloseSessionResult, GetSessionOptionsRequest, GetSessionOptionsResult,
    SetSessionOptionsRequest, SetSessionOptionsResult,
};

/// The request within an [`Action`], as [`Action::request`] reads it.
///
/// Each of the five has one result, whose type becomes an [`ActionResult`] by `into()`.
///
/// ```
/// use peregrine_proto::*;
///
/// fn run(action: &Action) -> Result<ActionResult, FlightError> {
///     Ok(match action.request()? {
///         ActionRequest::CancelFlightInfo(_) => CancelFlightInfoResult::new(CancelStatus::Cancelled).into(),
///         ActionRequest::RenewFlightEndpoint(request) => request.endpoint().clone().into(),
///         _ if action.action_type() == "echo" => ActionResult::new(action.body().clone()),
///         _ => return Err(FlightError::unimplemented(format!("no action named {}", action.action_type()))),
///     })
/// }
///
/// let request = CancelFlightInfoRequest::new(FlightInfo::default());
/// let result = run(&Action::new(ActionType::CANCEL_FLIGHT_INFO, request.serialize()))?;
/// assert_eq!(result.read::<CancelFlightInfoResult>()?.status(), CancelStatus::Cancelled);
///
/// assert_eq!(run(&Action::new("echo", "hello"))?.body(), "hello");
/// # Ok::<(), FlightError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ActionRequest {
    /// To stop the query behind a flight. The result is a [`CancelFlightInfoResult`].
    CancelFlightInfo(CancelFlightInfoRequest),
    /// To extend the expiration time of an endpoint. The result is the [`FlightEndpoint`] to use from then on.
    RenewFlightEndpoint(RenewFlightEndpointRequest),
    /// To set options of the session. The result is a [`SetSessionOptionsResult`], which names the options that were
    /// not set.
    SetSessionOptions(SetSessionOptionsRequest),
    /// To list all options of the session. The result is a [`GetSessionOptionsResult`].
    GetSessionOptions(GetSessionOptionsRequest),
    /// To end the session. The result is a [`CloseSessionResult`].
    CloseSession(CloseSessionRequest),
    /// An action of the service's own: its [name](Action::action_type) and [body](Action::body) are for the service to
    /// read.
    Other,
}

impl Action {
    /// Reads the body, if the action is one of the five that Flight defines.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::FlightErrorKind::InvalidArgument), naming the action, if its body is not the message
    /// that Flight defines for it. An action of any other name is [`ActionRequest::Other`] and never an error.
    pub fn request(&self) -> Result<ActionRequest, FlightError> {
        Ok(match self.action_type() {
            ActionType::CANCEL_FLIGHT_INFO => ActionRequest::CancelFlightInfo(self.read_body()?),
            ActionType::RENEW_FLIGHT_ENDPOINT => ActionRequest::RenewFlightEndpoint(self.read_body()?),
            ActionType::SET_SESSION_OPTIONS => ActionRequest::SetSessionOptions(self.read_body()?),
            ActionType::GET_SESSION_OPTIONS => ActionRequest::GetSessionOptions(self.read_body()?),
            ActionType::CLOSE_SESSION => ActionRequest::CloseSession(self.read_body()?),
            _ => ActionRequest::Other,
        })
    }

    fn read_body<T: FlightMessage>(&self) -> Result<T, FlightError> {
        T::deserialize(self.body().clone()).map_err(|error| {
            let message = format!("the body of the action {}: {}", self.action_type(), error.message());
            FlightError::new(error.kind(), message).with_source(error)
        })
    }
}

impl ActionResult {
    /// Reads the body as the result of an action that Flight defines, or as any other message.
    ///
    /// # Errors
    /// [`Internal`](crate::FlightErrorKind::Internal) if the body is not such a message: the service broke the protocol.
    pub fn read<T: FlightMessage>(&self) -> Result<T, FlightError> {
        T::deserialize(self.body().clone()).map_err(|error| {
            FlightError::internal(format!("the result of the action: {}", error.message())).with_source(error)
        })
    }
}

/// Writes the conversions of typed results. Not a blanket impl, which would collide with the one of every type into
/// itself.
macro_rules! action_results {
    ($($result:ident),* $(,)?) => {
        $(impl From<$result> for ActionResult {
            fn from(result: $result) -> Self {
                Self::new(result.serialize())
            }
        })*
    };
}

action_results!(
    CancelFlightInfoResult,
    FlightEndpoint,
    SetSessionOptionsResult,
    GetSessionOptionsResult,
    CloseSessionResult,
);

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;
    use crate::{
        CancelStatus, CloseSessionStatus, FlightErrorKind, FlightInfo, SessionOptionValue, SetSessionOptionError,
        Ticket,
    };

    const DEFINED: [&str; 5] = [
        ActionType::CANCEL_FLIGHT_INFO,
        ActionType::RENEW_FLIGHT_ENDPOINT,
        ActionType::SET_SESSION_OPTIONS,
        ActionType::GET_SESSION_OPTIONS,
        ActionType::CLOSE_SESSION,
    ];

    fn request_of<T: FlightMessage>(name: &str, body: &T) -> ActionRequest {
        Action::new(name, body.serialize()).request().unwrap()
    }

    #[test]
    fn the_five_are_read_by_their_names() {
        let cancel = CancelFlightInfoRequest::new(FlightInfo::default().with_app_metadata("info"));
        assert_eq!(request_of(DEFINED[0], &cancel), ActionRequest::CancelFlightInfo(cancel));
        let renew = RenewFlightEndpointRequest::new(FlightEndpoint::new(Ticket::new("t")));
        assert_eq!(request_of(DEFINED[1], &renew), ActionRequest::RenewFlightEndpoint(renew));
        let set = SetSessionOptionsRequest::new([("a", SessionOptionValue::from(true))]);
        assert_eq!(request_of(DEFINED[2], &set), ActionRequest::SetSessionOptions(set));
        let get = GetSessionOptionsRequest;
        assert_eq!(request_of(DEFINED[3], &get), ActionRequest::GetSessionOptions(get));
        assert_eq!(request_of(DEFINED[4], &CloseSessionRequest), ActionRequest::CloseSession(CloseSessionRequest));
    }

    #[test]
    fn a_body_that_cannot_be_read_names_the_action() {
        for name in DEFINED {
            let error = Action::new(name, &b"\xff\xff"[..]).request().unwrap_err();
            assert_eq!(error.kind(), FlightErrorKind::InvalidArgument);
            assert!(error.message().starts_with(&format!("the body of the action {name}: {name}Request: ")), "{error}");
            assert!(std::error::Error::source(&error).is_some());
        }
        let error = Action::new(DEFINED[0], "").request().unwrap_err();
        assert_eq!(error.message(), "the body of the action CancelFlightInfo: CancelFlightInfoRequest has no info");
    }

    #[test]
    fn what_has_another_name_is_not_read() {
        for name in ["", "drop", "cancelflightinfo", "CancelFlightInfo ", "CancelQuery"] {
            assert_eq!(Action::new(name, &b"\xff\xff"[..]).request().unwrap(), ActionRequest::Other, "{name:?}");
        }
    }

    fn comes_back<T>(result: T)
    where
        T: FlightMessage + Into<ActionResult> + Clone + PartialEq + Debug,
    {
        assert_eq!(result.clone().into().body(), &result.serialize());
        assert_eq!(result.clone().into().read::<T>().unwrap(), result);
    }

    #[test]
    fn results_come_back_equal() {
        comes_back(CancelFlightInfoResult::new(CancelStatus::NotCancellable));
        comes_back(FlightEndpoint::new(Ticket::new("t")).with_app_metadata("endpoint"));
        comes_back(SetSessionOptionsResult::new([("a", SetSessionOptionError::InvalidName)]));
        comes_back(GetSessionOptionsResult::new([("a", SessionOptionValue::from(1.5))]));
        comes_back(CloseSessionResult::new(CloseSessionStatus::Closed));
    }

    #[test]
    fn a_result_that_cannot_be_read_is_the_fault_of_the_service() {
        let error = ActionResult::new(&b"\xff\xff"[..]).read::<CloseSessionResult>().unwrap_err();
        assert_eq!(error.kind(), FlightErrorKind::Internal);
        assert!(error.message().starts_with("the result of the action: CloseSessionResult: "), "{error}");
    }
}
