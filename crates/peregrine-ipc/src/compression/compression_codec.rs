//! The two codecs of bodies. Each buffer is compressed by itself and headed by its length.

use std::fmt;

use arrow_ipc::CompressionType;

/// What heads a compressed buffer: its length when decompressed, as a little-endian `i64`.
pub(crate) const LENGTH_PREFIX: usize = 8;

/// In place of the length: the buffer would not shrink and follows as it is.
pub(crate) const NOT_COMPRESSED: i64 = -1;

/// The metadata of a message where Arrow 0.17 said how its body is compressed. C++ looks for it here alone in messages
/// of version 4, and takes the compressed bytes for values where it is missing.
pub(crate) const OLD_CODEC: &str = "ARROW:experimental_compression";

/// How the buffers of a body are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CompressionCodec {
    /// LZ4 in its frame format: fast.
    Lz4,
    /// Zstandard: small.
    Zstd,
}

impl CompressionCodec {
    pub(crate) fn to_wire(self) -> CompressionType {
        match self {
            Self::Lz4 => CompressionType::LZ4_FRAME,
            Self::Zstd => CompressionType::ZSTD,
        }
    }

    pub(crate) fn from_wire(wire: CompressionType) -> Option<Self> {
        match wire {
            CompressionType::LZ4_FRAME => Some(Self::Lz4),
            CompressionType::ZSTD => Some(Self::Zstd),
            _ => None,
        }
    }

    /// By the name that stands under [`OLD_CODEC`].
    pub(crate) fn from_old_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "lz4" | "lz4_frame" => Some(Self::Lz4),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }
}

impl fmt::Display for CompressionCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lz4 => "LZ4",
            Self::Zstd => "ZSTD",
        })
    }
}
