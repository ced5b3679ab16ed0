//! The action CancelFlightInfo: what it is asked with, and how it went.

use std::fmt;

use crate::generated::flight;
use crate::message::{Generated, flight_messages};
use crate::{FlightError, FlightInfo};

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

flight_messages!(CancelFlightInfoRequest, CancelFlightInfoResult);
