//! What a user may choose about writing and reading, one plain struct each.

use peregrine_proto::MetadataVersion;

use crate::compression::CompressionCodec;
use crate::schema::DictionaryIds;

/// How batches are written.
///
/// ```
/// use peregrine_ipc::{CompressionCodec, IpcWriteOptions};
///
/// let options = IpcWriteOptions::default().with_compression(CompressionCodec::Zstd);
/// assert_eq!(options.target_message_size, None);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IpcWriteOptions {
    /// Compresses each buffer of a body by itself; one that would not shrink is stored as it is. `None` unless set:
    /// compression costs the copy that sharing memory saves.
    pub compression: Option<CompressionCodec>,
    /// The most bytes, header and body together, that a message of [`Pieces`](crate::Pieces) may have. `None` unless
    /// set: a batch is one message, whatever its size.
    pub target_message_size: Option<usize>,
    /// Sends a dictionary that has new values behind those that were sent as a delta of only the new ones. Values are
    /// compared for it, whatever their size; one that changed otherwise is sent again as a whole, and so is one with
    /// unions, run ends or dictionaries in its values. Off unless set, as in other implementations, since not every
    /// reader takes deltas.
    pub dictionary_deltas: bool,
    /// The ids of dictionaries, and so which fields share one. Each has its own unless set.
    pub dictionary_ids: DictionaryIds,
    /// The version that all messages are written in. V5 unless set.
    pub metadata_version: MetadataVersion,
}

impl IpcWriteOptions {
    /// Sets [`compression`](Self::compression).
    #[must_use]
    pub fn with_compression(mut self, codec: CompressionCodec) -> Self {
        self.compression = Some(codec);
        self
    }

    /// Sets [`target_message_size`](Self::target_message_size).
    #[must_use]
    pub fn with_target_message_size(mut self, bytes: usize) -> Self {
        self.target_message_size = Some(bytes);
        self
    }

    /// Sets [`dictionary_deltas`](Self::dictionary_deltas).
    #[must_use]
    pub fn with_dictionary_deltas(mut self, deltas: bool) -> Self {
        self.dictionary_deltas = deltas;
        self
    }

    /// Sets [`dictionary_ids`](Self::dictionary_ids).
    #[must_use]
    pub fn with_dictionary_ids(mut self, ids: DictionaryIds) -> Self {
        self.dictionary_ids = ids;
        self
    }

    /// Sets [`metadata_version`](Self::metadata_version).
    #[must_use]
    pub fn with_metadata_version(mut self, version: MetadataVersion) -> Self {
        self.metadata_version = version;
        self
    }
}

/// How messages are read.
///
/// ```
/// use peregrine_ipc::IpcReadOptions;
///
/// let options = IpcReadOptions::default().with_projection([2, 0]);
/// assert_eq!(options.projection, Some(vec![2, 0]));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IpcReadOptions {
    /// The top-level columns to read, by their index in the schema on the wire and in the order that batches are to
    /// have. What is left out is neither built nor decompressed. `None` reads all of them.
    pub projection: Option<Vec<usize>>,
}

impl IpcReadOptions {
    /// Sets [`projection`](Self::projection).
    #[must_use]
    pub fn with_projection(mut self, columns: impl IntoIterator<Item = usize>) -> Self {
        self.projection = Some(columns.into_iter().collect());
        self
    }
}
