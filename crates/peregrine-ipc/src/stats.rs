//! What an encoder and a decoder counted so far.

/// What an [`Encoder`](crate::Encoder) did since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncodeStats {
    /// All messages, the schema's included.
    pub num_messages: u64,
    /// Record batch messages: a batch that is cut counts once a piece.
    pub num_record_batches: u64,
    /// Dictionary messages, deltas included.
    pub num_dictionary_batches: u64,
    /// Dictionary messages that added to an earlier one of their id.
    pub num_dictionary_deltas: u64,
    /// Dictionary messages that replaced an earlier one of their id.
    pub num_replaced_dictionaries: u64,
    /// Bytes of bodies that share the arrays' memory.
    pub shared_bytes: u64,
    /// Bytes of bodies in new memory: bitmaps cut inside a byte, rebased offsets, compacted views, compressed buffers.
    pub copied_bytes: u64,
    /// Bytes that went into compression.
    pub raw_bytes: u64,
}

/// What a [`Decoder`](crate::Decoder) did since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodeStats {
    /// All messages, the schema's included.
    pub num_messages: u64,
    /// Record batch messages.
    pub num_record_batches: u64,
    /// Dictionary messages, deltas and those that nobody uses included.
    pub num_dictionary_batches: u64,
    /// Dictionary messages that added to an earlier one of their id.
    pub num_dictionary_deltas: u64,
    /// Dictionary messages that replaced an earlier one of their id.
    pub num_replaced_dictionaries: u64,
    /// Buffers that their sender put at a place that their type cannot use, copied once each.
    pub realigned_buffers: u64,
    /// The bytes of those buffers.
    pub realigned_bytes: u64,
    /// Bytes that came out of decompression.
    pub decompressed_bytes: u64,
}
