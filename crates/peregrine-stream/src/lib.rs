//! The streams of Flight calls, the same for both ends: what a handler returns, and what a reader gives.
//!
//! Starts no task but one: an iterator that may block is driven on tokio's threads for that.

mod acknowledgements;
mod blocking;
mod buffers;
mod chunk;
mod data_stream;
mod incoming;
mod message_stream;
mod outgoing;
mod reader;
mod size_limit;
mod stats;
mod stored;
mod table;
mod writer;

pub use crate::acknowledgements::{FlightMetadataReader, FlightMetadataWriter};
pub use crate::buffers::ReceiveBuffers;
pub use crate::chunk::FlightStreamChunk;
pub use crate::data_stream::FlightDataStream;
pub use crate::incoming::message_source::MessageSource;
pub use crate::incoming::read_config::ReadConfig;
pub use crate::message_stream::MessageStream;
pub use crate::outgoing::body_alignment::BodyAlignment;
pub use crate::outgoing::frame_config::FrameConfig;
pub use crate::outgoing::write_config::WriteConfig;
pub use crate::outgoing::written_frames::WrittenFrames;
pub use crate::reader::FlightStreamReader;
pub use crate::size_limit::WriteSizeExceeded;
pub use crate::stats::FlightStreamStats;
pub use crate::stored::{IpcBatches, IpcFile, IpcSource, PositionedRead};
pub use crate::table::Table;
pub use crate::writer::FlightStreamWriter;
