//! The errors of files, in words for the clients of the server: they name no path of the machine.

use std::fmt::Display;
use std::io;

use peregrine::proto::{FlightError, FlightErrorKind};

/// What the file holds is not what its format allows.
pub(super) fn broken(reason: impl Display) -> FlightError {
    FlightError::new(FlightErrorKind::DataLoss, format!("the file is broken: {reason}"))
}

/// What the file holds is more than the server takes on.
pub(super) fn too_large(what: impl Display, size: u64, limit: usize) -> FlightError {
    FlightError::resource_exhausted(format!("{what} has {size} bytes, more than the limit of {limit}"))
}

/// The file could not be opened or read.
pub(super) fn unreadable(error: io::Error) -> FlightError {
    match error.kind() {
        io::ErrorKind::NotFound => FlightError::not_found("the file is gone").with_source(error),
        io::ErrorKind::UnexpectedEof => broken(&error).with_source(error),
        _ => FlightError::failed(format!("the file cannot be read: {error}")).with_source(error),
    }
}
