//! What a peer may make us hold: the limits on messages, headers, dictionaries and schemas.

/// The limits on what is read from a peer. Sizes are in bytes.
///
/// Every size that a peer states is compared with one of these, and with the bytes at hand, before anything is
/// allocated for it. A message over a limit fails its own call with
/// [`ResourceExhausted`](crate::FlightErrorKind::ResourceExhausted) and leaves other calls alone.
///
/// ```
/// use peregrine_proto::MessageLimits;
///
/// let limits = MessageLimits { message: 64 << 20, ..MessageLimits::default() };
/// assert_eq!(limits.schema_depth, 64);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageLimits {
    /// A FlightData message, header and body. The default is 2 GiB - 1, the most that a protobuf message may have,
    /// since peers of other languages send what they have in one piece.
    pub message: usize,
    /// A message that is not FlightData: a ticket, an action or its result, what describes a flight. 64 MiB unless set:
    /// it is read whole before anyone sees it, and its parts may take several times its size. Where
    /// [`message`](Self::message) is less, that counts.
    pub call_message: usize,
    /// The IPC header of a message (a flatbuffer), where a schema's size counts; likewise the descriptor that comes with
    /// a message. 64 MiB unless set.
    pub header: usize,
    /// All dictionaries that one stream keeps at a time. 1 GiB unless set.
    pub dictionaries: usize,
    /// One buffer after decompression. 2 GiB - 1 unless set.
    pub decompressed_buffer: usize,
    /// All buffers of one message after decompression. 4 GiB unless set.
    pub decompressed_message: usize,
    /// How many times the size of its body a message may have after decompression, where that is over 64 MiB. 1024
    /// unless set: LZ4 reaches 255, ZSTD more than 30 000 with bytes that are all the same.
    pub decompression_ratio: usize,
    /// How deep a schema's types may nest, where a dictionary of values with children is two levels. 64 unless set; above
    /// 128 it has no effect, since stacks are finite.
    pub schema_depth: usize,
    /// How many fields a schema may have, nested ones included. 100 000 unless set.
    pub schema_fields: usize,
}

impl MessageLimits {
    /// The limit on messages that are not FlightData: the lesser of [`call_message`](Self::call_message) and
    /// [`message`](Self::message).
    pub fn effective_call_message(&self) -> usize {
        self.call_message.min(self.message)
    }
}

impl Default for MessageLimits {
    fn default() -> Self {
        Self {
            message: i32::MAX as usize,
            call_message: 64 << 20,
            header: 64 << 20,
            dictionaries: 1 << 30,
            decompressed_buffer: i32::MAX as usize,
            decompressed_message: 4 << 30,
            decompression_ratio: 1024,
            schema_depth: 64,
            schema_fields: 100_000,
        }
    }
}
