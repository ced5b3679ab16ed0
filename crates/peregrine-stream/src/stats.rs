//! What went through a stream.

use peregrine_ipc::DecodeStats;

use crate::incoming::message_assembler::AssemblyStats;

/// Counts what a reader has read: messages as C++ Flight counts them, and what was copied on the way.
///
/// Messages that carry metadata alone are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct FlightStreamStats {
    /// All IPC messages: the schema, dictionaries, batches.
    pub num_messages: u64,
    /// Record batches.
    pub num_record_batches: u64,
    /// Dictionaries, deltas and replacements among them.
    pub num_dictionary_batches: u64,
    /// Dictionaries that added to one sent before.
    pub num_dictionary_deltas: u64,
    /// Dictionaries that took the place of one sent before.
    pub num_replaced_dictionaries: u64,
    /// Bytes of bodies that were copied, once, into an aligned buffer.
    pub copied_bytes: u64,
    /// Bytes of bodies that stayed in the frames that brought them.
    pub kept_bytes: u64,
    /// Buffers of 16-byte types that their sender misplaced, and that were copied once more by themselves.
    pub realigned_buffers: u64,
    /// The bytes of these.
    pub realigned_bytes: u64,
}

impl FlightStreamStats {
    pub(crate) fn new(decoded: DecodeStats, assembled: AssemblyStats) -> Self {
        Self {
            num_messages: decoded.num_messages,
            num_record_batches: decoded.num_record_batches,
            num_dictionary_batches: decoded.num_dictionary_batches,
            num_dictionary_deltas: decoded.num_dictionary_deltas,
            num_replaced_dictionaries: decoded.num_replaced_dictionaries,
            copied_bytes: assembled.copied_bytes,
            kept_bytes: assembled.kept_bytes,
            realigned_buffers: decoded.realigned_buffers,
            realigned_bytes: decoded.realigned_bytes,
        }
    }
}
