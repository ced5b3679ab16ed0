//! Compresses buffers one by one, each headed by its length.

use std::io::{self, Write};

use arrow_buffer::Buffer;
use lz4_flex::frame::FrameEncoder;
use zstd::bulk::Compressor as ZstdCompressor;

use super::compression_codec::{CompressionCodec, LENGTH_PREFIX, NOT_COMPRESSED};

/// A codec with the memory that it works in.
pub(crate) struct Compressor {
    codec: Codec,
    /// What the codec puts out, before its length is known.
    scratch: Vec<u8>,
}

enum Codec {
    Lz4,
    Zstd(ZstdCompressor<'static>),
}

impl Compressor {
    pub(crate) fn new(codec: CompressionCodec) -> io::Result<Self> {
        let codec = match codec {
            CompressionCodec::Lz4 => Codec::Lz4,
            CompressionCodec::Zstd => Codec::Zstd(ZstdCompressor::new(zstd::DEFAULT_COMPRESSION_LEVEL)?),
        };
        Ok(Self { codec, scratch: Vec::new() })
    }

    pub(crate) fn codec(&self) -> CompressionCodec {
        match self.codec {
            Codec::Lz4 => CompressionCodec::Lz4,
            Codec::Zstd(_) => CompressionCodec::Zstd,
        }
    }

    /// The length and the compressed bytes, or the mark for raw bytes and those.
    pub(crate) fn compress(&mut self, raw: &[u8]) -> io::Result<Buffer> {
        self.scratch.clear();
        match &mut self.codec {
            Codec::Lz4 => {
                let mut encoder = FrameEncoder::new(&mut self.scratch);
                encoder.write_all(raw)?;
                encoder.finish()?;
            }
            Codec::Zstd(compressor) => {
                self.scratch.reserve(zstd::zstd_safe::compress_bound(raw.len()));
                compressor.compress_to_buffer(raw, &mut self.scratch)?;
            }
        }
        let shrinks = self.scratch.len() < raw.len();
        let (prefix, bytes) = if shrinks { (raw.len() as i64, &self.scratch[..]) } else { (NOT_COMPRESSED, raw) };
        let mut out = Vec::with_capacity(LENGTH_PREFIX + bytes.len());
        out.extend_from_slice(&prefix.to_le_bytes());
        out.extend_from_slice(bytes);
        Ok(Buffer::from_vec(out))
    }
}
