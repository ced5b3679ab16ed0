//! The streams of Flight calls, the same for both ends: what a handler returns, and what a reader gives.
//!
//! Starts no task but one: an iterator that may block is driven on tokio's threads for that.

mod assemble;
mod blocking;
mod chunk;
mod data_stream;
mod frames;
mod message_stream;
mod read;
mod recycle;
mod stats;

pub use crate::assemble::BodyAlignment;
pub use crate::chunk::{FlightStreamChunk, Table};
pub use crate::data_stream::FlightDataStream;
pub use crate::message_stream::MessageStream;
pub use crate::read::{FlightStreamReader, ReadConfig, ReceiveBuffers};
pub use crate::stats::FlightStreamStats;
