//! How large the bytes of a page become, found before the parquet crate decompresses them.
//!
//! It decompresses Snappy, Zstandard and raw LZ4 into as many bytes as the page's head says, and the others until they
//! end: a page of 1 MiB may become 1 GiB that no head tells of. These are decompressed twice, first without keeping
//! anything.

use std::io::{self, Read};

use parquet::basic::Compression;

/// Whether a page's compressed bytes become at most `most`. `None`: they are broken.
pub(super) fn becomes_at_most(codec: Compression, bytes: &[u8], most: u64) -> Option<bool> {
    match codec {
        Compression::GZIP(_) => Some(count(flate2::read::MultiGzDecoder::new(bytes), most)? <= most),
        Compression::BROTLI(_) => {
            if is_large_window(bytes) {
                return None;
            }
            Some(count(brotli::Decompressor::new(bytes, 1 << 12), most)? <= most)
        }
        // Three formats go by this name. Of these, frames alone are decompressed until they end.
        Compression::LZ4 => Some(count(lz4_flex::frame::FrameDecoder::new(bytes), most).unwrap_or(0) <= most),
        _ => Some(true),
    }
}

/// Whether a Brotli stream asks for a window of up to 1 GiB, which the standard does not have.
fn is_large_window(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| first & 0x7f == 0x11)
}

/// Counts the bytes, up to one above `most`.
fn count(bytes: impl Read, most: u64) -> Option<u64> {
    io::copy(&mut bytes.take(most.saturating_add(1)), &mut io::sink()).ok()
}
