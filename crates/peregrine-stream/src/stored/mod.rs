//! IPC files and streams that are stored somewhere: read message by message, to be sent as they are or decoded.

mod errors;
mod ipc_batches;
mod ipc_file;
mod ipc_source;
mod positioned_read;
mod stream_source;

pub use self::ipc_batches::IpcBatches;
pub use self::ipc_file::IpcFile;
pub use self::ipc_source::IpcSource;
pub use self::positioned_read::PositionedRead;
