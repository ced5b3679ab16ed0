//! The ten methods of the Flight service, by number, name and path.

use std::fmt;

/// The full name of the service, as gRPC's health and reflection services want it.
pub const FLIGHT_SERVICE_NAME: &str = "arrow.flight.protocol.FlightService";

/// A method of the Flight service. The numbers are those of the other implementations.
///
/// ```
/// use peregrine_proto::FlightMethod;
///
/// let method = FlightMethod::from_path("/arrow.flight.protocol.FlightService/DoGet").unwrap();
/// assert_eq!(method, FlightMethod::DoGet);
/// assert_eq!(method.to_string(), "DoGet");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum FlightMethod {
    /// Proves who calls.
    Handshake = 1,
    /// Lists flights.
    ListFlights = 2,
    /// Says what a flight is and where its data can be had.
    GetFlightInfo = 3,
    /// Says what a flight's schema is.
    GetSchema = 4,
    /// Streams data to the client.
    DoGet = 5,
    /// Streams data to the server.
    DoPut = 6,
    /// Does something that the service names.
    DoAction = 7,
    /// Lists the actions.
    ListActions = 8,
    /// Streams data both ways.
    DoExchange = 9,
    /// Says how far a flight has come.
    PollFlightInfo = 10,
}

impl FlightMethod {
    /// All methods, by number.
    pub const ALL: [Self; 10] = [
        Self::Handshake,
        Self::ListFlights,
        Self::GetFlightInfo,
        Self::GetSchema,
        Self::DoGet,
        Self::DoPut,
        Self::DoAction,
        Self::ListActions,
        Self::DoExchange,
        Self::PollFlightInfo,
    ];

    /// The method's name: `DoGet`.
    pub fn name(self) -> &'static str {
        &self.path()[FLIGHT_SERVICE_NAME.len() + 2..]
    }

    /// The path of its HTTP/2 requests: `/arrow.flight.protocol.FlightService/DoGet`.
    pub fn path(self) -> &'static str {
        match self {
            Self::Handshake => "/arrow.flight.protocol.FlightService/Handshake",
            Self::ListFlights => "/arrow.flight.protocol.FlightService/ListFlights",
            Self::GetFlightInfo => "/arrow.flight.protocol.FlightService/GetFlightInfo",
            Self::GetSchema => "/arrow.flight.protocol.FlightService/GetSchema",
            Self::DoGet => "/arrow.flight.protocol.FlightService/DoGet",
            Self::DoPut => "/arrow.flight.protocol.FlightService/DoPut",
            Self::DoAction => "/arrow.flight.protocol.FlightService/DoAction",
            Self::ListActions => "/arrow.flight.protocol.FlightService/ListActions",
            Self::DoExchange => "/arrow.flight.protocol.FlightService/DoExchange",
            Self::PollFlightInfo => "/arrow.flight.protocol.FlightService/PollFlightInfo",
        }
    }

    /// The method that a request's path names; `None` if it is none of Flight's.
    pub fn from_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.path() == path)
    }
}

impl fmt::Display for FlightMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_names_and_paths_agree() {
        for (index, method) in FlightMethod::ALL.into_iter().enumerate() {
            assert_eq!(method as usize, index + 1);
            assert_eq!(method.name(), format!("{method:?}"));
            assert_eq!(method.path(), format!("/{FLIGHT_SERVICE_NAME}/{method}"));
            assert_eq!(FlightMethod::from_path(method.path()), Some(method));
        }
        assert_eq!(FlightMethod::from_path("/arrow.flight.protocol.FlightService/doget"), None);
        assert_eq!(FlightMethod::from_path("DoGet"), None);
    }
}
