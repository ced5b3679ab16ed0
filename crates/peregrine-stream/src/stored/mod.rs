//! IPC files and streams that are stored somewhere: read message by message, to be sent as they are or decoded.

mod ipc_batches;
mod ipc_file;
mod ipc_source;
mod positioned_read;
mod stream_source;

use std::io;

use peregrine_ipc::Error;
use peregrine_proto::{FlightError, FlightErrorKind};

pub use self::ipc_batches::IpcBatches;
pub use self::ipc_file::IpcFile;
pub use self::ipc_source::IpcSource;
pub use self::positioned_read::PositionedRead;

/// What is stored is not what it should be. Nobody's argument is to blame for that: broken data is `DataLoss`.
fn broken(error: Error) -> FlightError {
    let error = FlightError::from(error);
    let kind = match error.kind() {
        FlightErrorKind::InvalidArgument => FlightErrorKind::DataLoss,
        kind => kind,
    };
    FlightError::new(kind, format!("stored IPC data: {}", error.message())).with_source(error)
}

/// What is stored cannot be read. Where it ends before its end it was cut, perhaps a moment ago.
fn unreadable(error: io::Error) -> FlightError {
    let kind = match error.kind() {
        io::ErrorKind::UnexpectedEof => FlightErrorKind::DataLoss,
        _ => FlightErrorKind::Failed,
    };
    FlightError::new(kind, format!("stored IPC data cannot be read: {error}")).with_source(error)
}
