//! Handlers of DoPut and DoExchange beside the frames of what they write.

use std::future::Future;

use futures_core::Stream;
use peregrine_proto::FlightError;
use peregrine_transport::Rope;

use crate::acknowledgements::FlightMetadataWriter;
use crate::outgoing::pipe::PipeFrames;
use crate::writer::{FlightStreamWriter, WriteConfig};

/// The frames of what a handler writes.
pub struct WrittenFrames(PipeFrames);

impl WrittenFrames {
    /// For a handler that answers with data.
    pub fn of_data(config: WriteConfig) -> (FlightStreamWriter, Self) {
        let (writer, frames) = FlightStreamWriter::new(config);
        (writer, Self(frames))
    }

    /// For a handler that answers with metadata.
    pub fn of_metadata() -> (FlightMetadataWriter, Self) {
        let (writer, frames) = FlightMetadataWriter::new();
        (writer, Self(frames))
    }

    /// The frames until the handler has ended, and its error if it ended with one. The handler is polled together with
    /// the frames, which may stand still for long: one that should go on meanwhile is run in a task of its own, and this
    /// is given its end.
    pub fn until<F>(self, handler: F) -> impl Stream<Item = Result<Rope, FlightError>> + Send + Unpin + use<F>
    where
        F: Future<Output = Result<(), FlightError>> + Send + Unpin,
    {
        self.0.until(handler)
    }
}

impl std::fmt::Debug for WrittenFrames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WrittenFrames").finish_non_exhaustive()
    }
}
