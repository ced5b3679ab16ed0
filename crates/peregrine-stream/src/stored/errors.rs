//! The errors of stored data: that it is broken, or that it cannot be read.

use std::io;

use peregrine_ipc::Error;
use peregrine_proto::{FlightError, FlightErrorKind};

/// Changes an error to say in it what was read.
pub(super) type ErrorChange = Box<dyn Fn(FlightError) -> FlightError + Send>;

/// What is stored is not what it should be. Nobody's argument is to blame for that: broken data is `DataLoss`.
pub(super) fn broken(error: Error) -> FlightError {
    let error = FlightError::from(error);
    let kind = match error.kind() {
        FlightErrorKind::InvalidArgument => FlightErrorKind::DataLoss,
        kind => kind,
    };
    FlightError::new(kind, format!("stored IPC data: {}", error.message())).with_source(error)
}

/// What is stored cannot be read. Where it ends before its end it was cut, perhaps a moment ago.
pub(super) fn unreadable(error: io::Error) -> FlightError {
    let kind = match error.kind() {
        io::ErrorKind::UnexpectedEof => FlightErrorKind::DataLoss,
        _ => FlightErrorKind::Failed,
    };
    FlightError::new(kind, format!("stored IPC data cannot be read: {error}")).with_source(error)
}
