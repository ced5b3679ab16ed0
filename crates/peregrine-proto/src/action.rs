//! Actions: what DoAction and ListActions carry, and the arguments and outcomes of the actions that Flight defines.

use std::fmt;

use bytes::Bytes;

use crate::generated::flight;
use crate::message::{Generated, flight_messages};
use crate::{FlightEndpoint, FlightError, FlightInfo};

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
    /// `CancelFlightInfo`, whose body is a [`CancelFlightInfoRequest`].
    pub const CANCEL_FLIGHT_INFO: &str = "CancelFlightInfo";
    /// `RenewFlightEndpoint`, whose body is a [`RenewFlightEndpointRequest`].
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

/// Asks to cancel a flight: the body of the `CancelFlightInfo` action.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CancelFlightInfoRequest(FlightInfo);

impl CancelFlightInfoRequest {
    /// Asks to cancel this flight.
    pub fn new(info: FlightInfo) -> Self {
        Self(info)
    }

    /// The flight to cancel.
    pub fn info(&self) -> &FlightInfo {
        &self.0
    }
}

/// What came of a cancellation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CancelStatus {
    /// Not known, or told by a number that this version does not know.
    #[default]
    Unspecified,
    /// Cancelled.
    Cancelled,
    /// Being cancelled; asking again tells how it went.
    Cancelling,
    /// It cannot be cancelled.
    NotCancellable,
}

impl fmt::Display for CancelStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "unspecified",
            Self::Cancelled => "cancelled",
            Self::Cancelling => "cancelling",
            Self::NotCancellable => "not cancellable",
        })
    }
}

/// What came of a cancellation: the outcome of the `CancelFlightInfo` action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CancelFlightInfoResult(CancelStatus);

impl CancelFlightInfoResult {
    /// An outcome of this status.
    pub fn new(status: CancelStatus) -> Self {
        Self(status)
    }

    /// How it went.
    pub fn status(&self) -> CancelStatus {
        self.0
    }
}

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

impl Generated for CancelFlightInfoRequest {
    type Message = flight::CancelFlightInfoRequest;
    const NAME: &'static str = "CancelFlightInfoRequest";

    fn to_generated(&self) -> Self::Message {
        Self::Message { info: Some(self.0.to_generated()) }
    }

    fn from_generated(message: Self::Message) -> Result<Self, FlightError> {
        let info = message.info.ok_or_else(|| FlightError::invalid_argument("CancelFlightInfoRequest has no info"))?;
        Ok(Self(FlightInfo::from_generated(info)?))
    }
}

impl Generated for CancelFlightInfoResult {
    type Message = flight::CancelFlightInfoResult;
    const NAME: &'static str = "CancelFlightInfoResult";

    fn to_generated(&self) -> Self::Message {
        use flight::CancelStatus as Status;
        let status = match self.0 {
            CancelStatus::Unspecified => Status::Unspecified,
            CancelStatus::Cancelled => Status::Cancelled,
            CancelStatus::Cancelling => Status::Cancelling,
            CancelStatus::NotCancellable => Status::NotCancellable,
        };
        Self::Message { status: status.into() }
    }

    fn from_generated(message: Self::Message) -> Result<Self, FlightError> {
        use flight::CancelStatus as Status;
        Ok(Self(match message.status() {
            Status::Unspecified => CancelStatus::Unspecified,
            Status::Cancelled => CancelStatus::Cancelled,
            Status::Cancelling => CancelStatus::Cancelling,
            Status::NotCancellable => CancelStatus::NotCancellable,
        }))
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

flight_messages!(
    Action,
    ActionType,
    ActionResult,
    CancelFlightInfoRequest,
    CancelFlightInfoResult,
    RenewFlightEndpointRequest,
);
