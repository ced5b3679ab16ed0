//! `PollInfo`: how far a flight that takes long to make has come.

use std::fmt;

use crate::generated::flight;
use crate::message::{Generated, flight_messages};
use crate::{FlightDescriptor, FlightError, FlightInfo, Timestamp};

/// How far a flight that takes long to make has come: the answer to PollFlightInfo.
///
/// ```
/// use peregrine_proto::{FlightDescriptor, FlightInfo, PollInfo};
///
/// let running = PollInfo::running(FlightDescriptor::for_command("query 7")).with_progress(0.25);
/// assert!(!running.is_complete());
/// assert!(PollInfo::complete(FlightInfo::default()).is_complete());
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PollInfo {
    info: Option<FlightInfo>,
    descriptor: Option<FlightDescriptor>,
    progress: Option<f64>,
    expiration_time: Option<Timestamp>,
}

impl PollInfo {
    /// The flight is complete.
    pub fn complete(info: FlightInfo) -> Self {
        Self { info: Some(info), ..Self::default() }
    }

    /// The flight is still being made; the next poll asks with this descriptor.
    pub fn running(descriptor: FlightDescriptor) -> Self {
        Self { descriptor: Some(descriptor), ..Self::default() }
    }

    /// Sets what is known by now. Each poll tells all of it again, and may add endpoints.
    #[must_use]
    pub fn with_info(mut self, info: FlightInfo) -> Self {
        self.info = Some(info);
        self
    }

    /// Sets how much is done, from 0 to 1.
    #[must_use]
    pub fn with_progress(mut self, progress: f64) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Sets until when the flight can be polled.
    #[must_use]
    pub fn with_expiration_time(mut self, expiration_time: impl Into<Timestamp>) -> Self {
        self.expiration_time = Some(expiration_time.into());
        self
    }

    /// What is known by now; `None` if nothing is.
    pub fn info(&self) -> Option<&FlightInfo> {
        self.info.as_ref()
    }

    /// What to poll with next; `None` if the flight is complete.
    pub fn descriptor(&self) -> Option<&FlightDescriptor> {
        self.descriptor.as_ref()
    }

    /// Whether there is nothing left to poll for.
    pub fn is_complete(&self) -> bool {
        self.descriptor.is_none()
    }

    /// How much is done, from 0 to 1 if the service keeps to the protocol; `None` if it does not tell.
    pub fn progress(&self) -> Option<f64> {
        self.progress
    }

    /// Until when the flight can be polled; `None` if there is no such time.
    pub fn expiration_time(&self) -> Option<Timestamp> {
        self.expiration_time
    }
}

impl fmt::Display for PollInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.descriptor, self.progress) {
            (None, _) => f.write_str("complete")?,
            (Some(_), Some(progress)) => write!(f, "{:.0} % done", progress * 100.0)?,
            (Some(_), None) => f.write_str("not complete")?,
        }
        match &self.info {
            Some(info) => write!(f, "; {info}"),
            None => Ok(()),
        }
    }
}

impl Generated for PollInfo {
    type Message = flight::PollInfo;
    const NAME: &'static str = "PollInfo";

    fn to_generated(&self) -> Self::Message {
        Self::Message {
            info: self.info.as_ref().map(Generated::to_generated),
            flight_descriptor: self.descriptor.as_ref().map(Generated::to_generated),
            progress: self.progress,
            expiration_time: self.expiration_time.map(Timestamp::to_generated),
        }
    }

    fn from_generated(message: Self::Message) -> Result<Self, FlightError> {
        Ok(Self {
            info: message.info.map(Generated::from_generated).transpose()?,
            descriptor: message.flight_descriptor.map(Generated::from_generated).transpose()?,
            progress: message.progress,
            expiration_time: message
                .expiration_time
                .map(|time| Timestamp::from_generated("PollInfo.expiration_time", time))
                .transpose()?,
        })
    }
}

flight_messages!(PollInfo);
