//! `WriteConfig`: how a data stream is written.

use peregrine_ipc::IpcWriteOptions;
use peregrine_proto::FlightError;
use peregrine_transport::message_prefix;

use crate::outgoing::frame_assembler::HEAD_ROOM;
use crate::outgoing::frame_config::FrameConfig;
use crate::size_limit::WriteSizeExceeded;

/// How a stream is written.
#[derive(Debug, Clone, Default)]
pub struct WriteConfig {
    /// How batches are encoded, unless [`FlightStreamWriter::begin_with`](crate::FlightStreamWriter::begin_with) says
    /// otherwise.
    pub options: IpcWriteOptions,
    /// The most bytes that a message may have; see [`WriteSizeExceeded`]. `None` leaves it at gRPC's 2 GiB.
    pub size_limit: Option<usize>,
    /// How its messages are put into frames.
    pub frames: FrameConfig,
}

impl WriteConfig {
    /// Fails for a message of this size, which would not be sent.
    pub(crate) fn check_size(&self, actual: usize) -> Result<(), FlightError> {
        match self.size_limit {
            Some(limit) if actual > limit => Err(WriteSizeExceeded { limit, actual }.into()),
            // What gRPC cannot carry is found before anything is sent too.
            _ => message_prefix(actual.saturating_add(HEAD_ROOM)).map(drop),
        }
    }
}
