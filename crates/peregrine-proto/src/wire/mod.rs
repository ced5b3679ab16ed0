//! `FlightData` and its layout on the wire: its head written so that the body can follow uncopied, and read so that
//! the body's place is known before its bytes come.

mod field;
mod flight_data;
mod head;
mod reader;
#[cfg(test)]
mod tests;

pub use self::flight_data::FlightData;
pub use self::head::FlightDataHead;
pub use self::reader::{FlightDataParts, FlightDataProgress, FlightDataReader};
