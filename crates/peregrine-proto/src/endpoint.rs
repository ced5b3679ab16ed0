//! `FlightEndpoint`: one part of a flight, and who has it.

use std::fmt;

use bytes::Bytes;

use crate::generated::flight;
use crate::message::{Generated, flight_messages};
use crate::{FlightError, Location, Ticket, Timestamp};

/// One part of a flight: a ticket, and who redeems it.
///
/// ```
/// use peregrine_proto::{FlightEndpoint, Location, Ticket};
///
/// let endpoint = FlightEndpoint::new(Ticket::new("trips")).with_location(Location::for_grpc_tcp("10.0.0.7", 8815));
/// assert_eq!(endpoint.to_string(), "trips at grpc+tcp://10.0.0.7:8815");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct FlightEndpoint {
    ticket: Ticket,
    locations: Vec<Location>,
    expiration_time: Option<Timestamp>,
    app_metadata: Bytes,
}

impl FlightEndpoint {
    /// An endpoint that the service itself redeems, as long as it has no locations.
    pub fn new(ticket: Ticket) -> Self {
        Self { ticket, ..Self::default() }
    }

    /// Adds a place where the ticket is redeemed.
    #[must_use]
    pub fn with_location(mut self, location: Location) -> Self {
        self.locations.push(location);
        self
    }

    /// Adds places where the ticket is redeemed.
    #[must_use]
    pub fn with_locations(mut self, locations: impl IntoIterator<Item = Location>) -> Self {
        self.locations.extend(locations);
        self
    }

    /// Sets until when the ticket is good.
    #[must_use]
    pub fn with_expiration_time(mut self, expiration_time: impl Into<Timestamp>) -> Self {
        self.expiration_time = Some(expiration_time.into());
        self
    }

    /// Sets the application's bytes.
    #[must_use]
    pub fn with_app_metadata(mut self, app_metadata: impl Into<Bytes>) -> Self {
        self.app_metadata = app_metadata.into();
        self
    }

    /// What to call DoGet with.
    pub fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    /// Where to call it: any of them will do. None at all means the service that was asked.
    pub fn locations(&self) -> &[Location] {
        &self.locations
    }

    /// Until when the ticket is good; `None` if there is no such time.
    pub fn expiration_time(&self) -> Option<Timestamp> {
        self.expiration_time
    }

    /// The application's bytes; empty if there are none.
    pub fn app_metadata(&self) -> &Bytes {
        &self.app_metadata
    }
}

impl fmt::Display for FlightEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ticket.fmt(f)?;
        for (index, location) in self.locations.iter().enumerate() {
            write!(f, "{} {location}", if index == 0 { " at" } else { " or" })?;
        }
        match self.expiration_time {
            Some(time) => write!(f, " until {time}"),
            None => Ok(()),
        }
    }
}

impl Generated for FlightEndpoint {
    type Message = flight::FlightEndpoint;
    const NAME: &'static str = "FlightEndpoint";

    fn to_generated(&self) -> Self::Message {
        Self::Message {
            ticket: Some(self.ticket.to_generated()),
            location: self.locations.iter().map(Generated::to_generated).collect(),
            expiration_time: self.expiration_time.map(Timestamp::to_generated),
            app_metadata: self.app_metadata.clone(),
        }
    }

    fn from_generated(message: Self::Message) -> Result<Self, FlightError> {
        let expiration_time = message.expiration_time;
        Ok(Self {
            ticket: Ticket::from_generated(message.ticket.unwrap_or_default())?,
            locations: message.location.into_iter().map(Generated::from_generated).collect::<Result<_, _>>()?,
            expiration_time: expiration_time
                .map(|time| Timestamp::from_generated("FlightEndpoint.expiration_time", time))
                .transpose()?,
            app_metadata: message.app_metadata,
        })
    }
}

flight_messages!(FlightEndpoint);
