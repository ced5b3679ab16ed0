//! Actions: what DoAction and ListActions carry.

use std::fmt;

use bytes::Bytes;

use crate::FlightError;
use crate::generated::flight;
use crate::message::{Generated, flight_messages};

/// An action to do, with its argument.
///
/// ```
/// use peregrine_proto::Action;
///
/// let action = Action::new("drop", "trips");
/// assert_eq!(action.action_type(), "drop");
/// assert_eq!(action.body().as_ref(), b"trips");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Action {
    action_type: String,
    body: Bytes,
}

impl Action {
    /// An action by its name, with the bytes that it takes.
    pub fn new(action_type: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self { action_type: action_type.into(), body: body.into() }
    }

    /// Its name (the protocol's field `type`).
    pub fn action_type(&self) -> &str {
        &self.action_type
    }

    /// Its argument.
    pub fn body(&self) -> &Bytes {
        &self.body
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({} bytes)", self.action_type, self.body.len())
    }
}

/// An action that a service knows, as ListActions tells it.
///
/// The five that Flight defines are here by name, and ready to be listed:
///
/// ```
/// use peregrine_proto::ActionType;
///
/// assert_eq!(ActionType::cancel_flight_info().action_type(), ActionType::CANCEL_FLIGHT_INFO);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ActionType {
    action_type: String,
    description: String,
}

impl ActionType {
    /// `CancelFlightInfo`, whose body is a [`CancelFlightInfoRequest`](crate::CancelFlightInfoRequest).
    pub const CANCEL_FLIGHT_INFO: &str = "CancelFlightInfo";
    /// `RenewFlightEndpoint`, whose body is a [`RenewFlightEndpointRequest`](crate::RenewFlightEndpointRequest).
    pub const RENEW_FLIGHT_ENDPOINT: &str = "RenewFlightEndpoint";
    /// `SetSessionOptions`, whose body is a [`SetSessionOptionsRequest`](crate::SetSessionOptionsRequest).
    pub const SET_SESSION_OPTIONS: &str = "SetSessionOptions";
    /// `GetSessionOptions`, whose body is a [`GetSessionOptionsRequest`](crate::GetSessionOptionsRequest).
    pub const GET_SESSION_OPTIONS: &str = "GetSessionOptions";
    /// `CloseSession`, whose body is a [`CloseSessionRequest`](crate::CloseSessionRequest).
    pub const CLOSE_SESSION: &str = "CloseSession";

    /// An action's name and what it does.
    pub fn new(action_type: impl Into<String>, description: impl Into<String>) -> Self {
        Self { action_type: action_type.into(), description: description.into() }
    }

    /// [`CANCEL_FLIGHT_INFO`](Self::CANCEL_FLIGHT_INFO), described.
    pub fn cancel_flight_info() -> Self {
        Self::new(Self::CANCEL_FLIGHT_INFO, "Cancels a flight. CancelFlightInfoRequest -> CancelFlightInfoResult")
    }

    /// [`RENEW_FLIGHT_ENDPOINT`](Self::RENEW_FLIGHT_ENDPOINT), described.
    pub fn renew_flight_endpoint() -> Self {
        let description = "Puts the expiration of an endpoint off. RenewFlightEndpointRequest -> FlightEndpoint";
        Self::new(Self::RENEW_FLIGHT_ENDPOINT, description)
    }

    /// [`SET_SESSION_OPTIONS`](Self::SET_SESSION_OPTIONS), described.
    pub fn set_session_options() -> Self {
        let description = "Sets options of the session. SetSessionOptionsRequest -> SetSessionOptionsResult";
        Self::new(Self::SET_SESSION_OPTIONS, description)
    }

    /// [`GET_SESSION_OPTIONS`](Self::GET_SESSION_OPTIONS), described.
    pub fn get_session_options() -> Self {
        let description = "Gives all options of the session. GetSessionOptionsRequest -> GetSessionOptionsResult";
        Self::new(Self::GET_SESSION_OPTIONS, description)
    }

    /// [`CLOSE_SESSION`](Self::CLOSE_SESSION), described.
    pub fn close_session() -> Self {
        Self::new(Self::CLOSE_SESSION, "Ends the session. CloseSessionRequest -> CloseSessionResult")
    }

    /// Its name (the protocol's field `type`).
    pub fn action_type(&self) -> &str {
        &self.action_type
    }

    /// What it does, for people.
    pub fn description(&self) -> &str {
        &self.description
    }
}

impl fmt::Display for ActionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.action_type, self.description)
    }
}

/// One piece of an action's outcome: the protocol's message `Result`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ActionResult(Bytes);

impl ActionResult {
    /// An outcome of these bytes.
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self(body.into())
    }

    /// The bytes.
    pub fn body(&self) -> &Bytes {
        &self.0
    }
}

impl fmt::Display for ActionResult {
    /// The bytes, with all that is not printable ASCII escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl From<ActionResult> for Bytes {
    fn from(result: ActionResult) -> Bytes {
        result.0
    }
}

impl Generated for Action {
    type Message = flight::Action;
    const NAME: &'static str = "Action";

    fn to_generated(&self) -> Self::Message {
        Self::Message { r#type: self.action_type.clone(), body: self.body.clone() }
    }

    fn from_generated(message: Self::Message) -> Result<Self, FlightError> {
        Ok(Self { action_type: message.r#type, body: message.body })
    }
}

impl Generated for ActionType {
    type Message = flight::ActionType;
    const NAME: &'static str = "ActionType";

    fn to_generated(&self) -> Self::Message {
        Self::Message { r#type: self.action_type.clone(), description: self.description.clone() }
    }

    fn from_generated(message: Self::Message) -> Result<Self, FlightError> {
        Ok(Self { action_type: message.r#type, description: message.description })
    }
}

impl Generated for ActionResult {
    type Message = flight::Result;
    const NAME: &'static str = "Result";

    fn to_generated(&self) -> Self::Message {
        Self::Message { body: self.0.clone() }
    }

    fn from_generated(message: Self::Message) -> Result<Self, FlightError> {
        Ok(Self(message.body))
    }
}

flight_messages!(Action, ActionType, ActionResult);
