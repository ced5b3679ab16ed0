//! The two codecs of bodies, both ways. Each buffer is compressed by itself and headed by its length.

mod compression_codec;
mod compressor;
mod inflater;
mod lz4;
mod output;

pub use self::compression_codec::CompressionCodec;

pub(crate) use self::compression_codec::{LENGTH_PREFIX, NOT_COMPRESSED, OLD_CODEC};
pub(crate) use self::compressor::Compressor;
pub(crate) use self::inflater::Inflater;
