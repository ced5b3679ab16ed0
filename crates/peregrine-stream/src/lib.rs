//! The streams of Flight calls, the same for both ends: what a handler returns, and what a reader gives.
//!
//! Starts no task but one: an iterator that may block is driven on tokio's threads for that.

mod assemble;
mod blocking;
mod chunk;
mod data_stream;
mod frames;
mod handler;
mod message_stream;
mod metadata;
mod pipe;
mod read;
mod recycle;
mod size;
mod stats;
mod stored;
mod write;

pub use crate::assemble::BodyAlignment;
pub use crate::chunk::{FlightStreamChunk, Table};
pub use crate::data_stream::FlightDataStream;
pub use crate::handler::WrittenFrames;
pub use crate::message_stream::MessageStream;
pub use crate::metadata::{FlightMetadataReader, FlightMetadataWriter};
pub use crate::read::{FlightStreamReader, ReadConfig, ReceiveBuffers};
pub use crate::size::WriteSizeExceeded;
pub use crate::stats::FlightStreamStats;
pub use crate::stored::{IpcBatches, IpcFile, IpcSource, PositionedRead};
pub use crate::write::{FlightStreamWriter, UploadCall, WriteConfig};
