//! Decompresses a buffer whose claimed length is not believed: memory grows while bytes really come.

use std::io::{self, Read};

use arrow_buffer::{Buffer, MutableBuffer};
use lz4_flex::frame::FrameDecoder;
use zstd::stream::raw::{Decoder as ZstdDecoder, InBuffer, Operation, OutBuffer};

use crate::compression::CompressionCodec;

/// What is reserved before a byte has come, if the claim is no larger: this much, or this many times the input.
/// Real data rarely shrinks further, and a lie costs no more.
const TRUSTED_BYTES: usize = 1 << 20;
const TRUSTED_RATIO: usize = 32;

/// The codecs with the memory that they work in.
#[derive(Default)]
pub(super) struct Inflater {
    zstd: Option<ZstdDecoder<'static>>,
}

impl Inflater {
    /// Exactly `claimed` bytes out of `packed`. `Err(None)` if they are fewer or more.
    pub(super) fn inflate(
        &mut self,
        codec: CompressionCodec,
        packed: &[u8],
        claimed: usize,
    ) -> Result<Buffer, Option<io::Error>> {
        match codec {
            CompressionCodec::Lz4 => inflate_lz4(packed, claimed),
            CompressionCodec::Zstd => {
                let decoder = match &mut self.zstd {
                    Some(decoder) => {
                        decoder.reinit()?;
                        decoder
                    }
                    none => none.insert(ZstdDecoder::new()?),
                };
                inflate_zstd(decoder, packed, claimed)
            }
        }
    }
}

fn inflate_lz4(packed: &[u8], claimed: usize) -> Result<Buffer, Option<io::Error>> {
    let mut decoder = FrameDecoder::new(packed);
    let mut out = Output::new(packed.len(), claimed);
    while let Some(free) = out.free() {
        match decoder.read(free)? {
            // The frame's end, or the input's: a second frame is not read.
            0 => return Err(None),
            count => out.filled += count,
        }
    }
    // What follows can only be the end mark and its checksum.
    if decoder.read(&mut [0])? == 0 { Ok(out.finish()) } else { Err(None) }
}

fn inflate_zstd(decoder: &mut ZstdDecoder<'_>, packed: &[u8], claimed: usize) -> Result<Buffer, Option<io::Error>> {
    let mut input = InBuffer::around(packed);
    let mut out = Output::new(packed.len(), claimed);
    let mut ended = false;
    while let Some(free) = out.free() {
        let before = input.pos();
        let mut output = OutBuffer::around(free);
        let hint = decoder.run(&mut input, &mut output)?;
        let count = output.pos();
        out.filled += count;
        ended = hint == 0;
        if ended || (count == 0 && input.pos() == before) {
            break;
        }
    }
    if !ended && out.is_full() {
        // The frame's end may still have to be read; more bytes would have nowhere to go.
        let mut more = [0];
        let mut output = OutBuffer::around(&mut more[..]);
        ended = decoder.run(&mut input, &mut output)? == 0 && output.pos() == 0;
    }
    if ended && out.is_full() { Ok(out.finish()) } else { Err(None) }
}

/// Memory that grows up to the claimed length, never further, and only after what there was is full.
struct Output {
    memory: MutableBuffer,
    filled: usize,
    claimed: usize,
}

impl Output {
    fn new(packed: usize, claimed: usize) -> Self {
        let trusted = packed.saturating_mul(TRUSTED_RATIO).max(TRUSTED_BYTES);
        Self { memory: MutableBuffer::from_len_zeroed(claimed.min(trusted)), filled: 0, claimed }
    }

    fn is_full(&self) -> bool {
        self.filled == self.claimed
    }

    /// Where the next bytes go; `None` once all that were claimed are there.
    fn free(&mut self) -> Option<&mut [u8]> {
        if self.is_full() {
            return None;
        }
        if self.filled == self.memory.len() {
            self.memory.resize(self.claimed.min(self.filled.saturating_mul(2)), 0);
        }
        Some(&mut self.memory.as_slice_mut()[self.filled..])
    }

    fn finish(self) -> Buffer {
        self.memory.into()
    }
}
