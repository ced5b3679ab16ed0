//! The messages of Arrow Flight as Rust types, and their layout on the wire. Performs no I/O and starts no task.

mod error;
mod limits;

pub use crate::error::{FlightError, FlightErrorKind};
pub use crate::limits::MessageLimits;
