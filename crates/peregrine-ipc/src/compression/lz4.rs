//! Reads an LZ4 frame block by block, each straight into its place: what a frame states about its blocks reserves
//! nothing. A frame decoder would fill memory of the stated block size, up to 8 MiB, for every buffer of a few bytes.

use std::io;

use lz4_flex::block::{DecompressError, decompress_into, decompress_into_with_dict};
use twox_hash::XxHash32;

use super::output::Output;

const MAGIC: u32 = 0x184D_2204;
/// How far back a block that depends on those before it may refer.
const WINDOW: usize = 64 << 10;
/// No block grows by more than this when it is decompressed: a byte of a length stands for 255 bytes at most.
const MAX_RATIO: usize = 255;
/// What a block's length has set when the block is stored as it is.
const STORED: u32 = 1 << 31;

/// The frame's content to `out`, exactly as much as that has room for. `Err(None)` if the frame is no frame, holds
/// another length, or is damaged. What follows the frame is not looked at.
pub(super) fn read_frame(packed: &[u8], out: &mut Output) -> Result<(), Option<io::Error>> {
    let mut input = Input(packed);
    let frame = Frame::read(&mut input).ok_or(None)?;
    if frame.content_size.is_some_and(|size| size != out.claimed() as u64) {
        return Err(None);
    }
    loop {
        let size = input.word().ok_or(None)?;
        if size == 0 {
            break;
        }
        frame.block(size, &mut input, out)?;
    }
    let intact = !frame.content_checksum || input.word() == Some(XxHash32::oneshot(0, out.filled()));
    if intact && out.is_full() { Ok(()) } else { Err(None) }
}

/// What heads a frame.
struct Frame {
    linked: bool,
    block_checksums: bool,
    content_checksum: bool,
    content_size: Option<u64>,
    max_block: usize,
}

impl Frame {
    fn read(input: &mut Input<'_>) -> Option<Self> {
        if input.word()? != MAGIC {
            return None;
        }
        let descriptor = input.0;
        let &[flags, block] = input.take(2)? else { return None };
        // Version 1, no reserved bit, no dictionary from elsewhere.
        let known = flags & 0b1100_0011 == 0b0100_0000 && block & 0b1000_1111 == 0;
        let max_block = match block >> 4 {
            size @ 4..=7 => 1 << (8 + 2 * size),
            _ => return None,
        };
        let content_size = match flags & 0b1000 {
            0 => None,
            _ => Some(u64::from_le_bytes(input.take(8)?.try_into().ok()?)),
        };
        let described = descriptor.len() - input.0.len();
        let checksum = (XxHash32::oneshot(0, &descriptor[..described]) >> 8) as u8;
        (input.take(1)? == [checksum] && known).then_some(Self {
            linked: flags & 0b10_0000 == 0,
            block_checksums: flags & 0b1_0000 != 0,
            content_checksum: flags & 0b100 != 0,
            content_size,
            max_block,
        })
    }

    fn block(&self, size: u32, input: &mut Input<'_>, out: &mut Output) -> Result<(), Option<io::Error>> {
        let length = (size & !STORED) as usize;
        let block = input.take(length).filter(|_| length <= self.max_block).ok_or(None)?;
        if self.block_checksums && input.word() != Some(XxHash32::oneshot(0, block)) {
            return Err(None);
        }
        let stored = size & STORED != 0;
        let most = if stored { length } else { length.saturating_mul(MAX_RATIO).min(self.max_block) };
        let (before, free) = out.room(most);
        let count = if stored {
            free.get_mut(..length).ok_or(None)?.copy_from_slice(block);
            length
        } else if self.linked && !before.is_empty() {
            let window = &before[before.len().saturating_sub(WINDOW)..];
            decompress_into_with_dict(block, free, window).map_err(damaged)?
        } else {
            decompress_into(block, free).map_err(damaged)?
        };
        out.advance(count);
        Ok(())
    }
}

fn damaged(error: DecompressError) -> Option<io::Error> {
    Some(io::Error::other(error))
}

/// What is left to read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn word(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};

    use super::*;

    fn pack(info: FrameInfo, raw: &[u8]) -> Vec<u8> {
        let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
        encoder.write_all(raw).unwrap();
        encoder.finish().unwrap()
    }

    fn unpack(packed: &[u8], claimed: usize) -> Option<Vec<u8>> {
        let mut out = Output::new(packed.len(), claimed);
        read_frame(packed, &mut out).ok().map(|()| out.finish().to_vec())
    }

    fn infos() -> impl Iterator<Item = FrameInfo> {
        let sizes = [BlockSize::Max64KB, BlockSize::Max256KB, BlockSize::Max1MB, BlockSize::Max4MB];
        sizes.into_iter().flat_map(|size| {
            [BlockMode::Independent, BlockMode::Linked].into_iter().flat_map(move |mode| {
                (0..8).map(move |flags| {
                    let info = FrameInfo::new().block_size(size).block_mode(mode).block_checksums(flags & 1 != 0);
                    info.content_checksum(flags & 2 != 0).content_size((flags & 4 != 0).then_some(0))
                })
            })
        })
    }

    /// Runs, repetitions from far back, and noise that is stored.
    fn content() -> Vec<u8> {
        let mut state = 1_u32;
        let noise: Vec<u8> = (0..150_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        [&[7; 100_000], &noise[..], &noise[100_000..], &[1, 2, 3].repeat(30_000), &noise[..70_000]].concat()
    }

    #[test]
    fn frames_of_every_kind_are_read_and_no_damaged_ones() {
        let content = content();
        for info in infos() {
            for length in [1, 17, 1000, 65_536, content.len()] {
                let raw = &content[content.len() - length..];
                let sized = info.content_size.map(|_| length as u64);
                let name = format!("{info:?} {length}");
                let packed = pack(info.clone().content_size(sized), raw);
                assert!(unpack(&packed, length).is_some_and(|read| read == raw), "{name}");
                assert!(unpack(&packed, length + 1).is_none(), "{name}");
                assert!(unpack(&packed, length - 1).is_none(), "{name}");
                assert!(unpack(&packed[..packed.len() - 1], length).is_none(), "{name}");
                // The magic number, and the checksum of what follows it.
                for place in [0, 3, if sized.is_some() { 14 } else { 6 }] {
                    let mut damaged = packed.clone();
                    damaged[place] ^= 0x10;
                    assert!(unpack(&damaged, length).is_none(), "{name} at {place}");
                }
                if info.content_checksum || info.block_checksums {
                    let mut damaged = packed.clone();
                    let place = if info.content_checksum { packed.len() - 1 } else { packed.len() - 5 };
                    damaged[place] ^= 1;
                    assert!(unpack(&damaged, length).is_none(), "{name}");
                }
            }
        }
    }

    #[test]
    fn a_stated_block_size_reserves_nothing() {
        let packed = pack(FrameInfo::new().block_size(BlockSize::Max4MB).content_checksum(true), &[7; 8]);
        let mut out = Output::new(packed.len(), 8);
        read_frame(&packed, &mut out).unwrap();
        assert_eq!(out.reserved(), 8);
        // Nor does a claim that the block cannot hold.
        let mut out = Output::new(packed.len(), 1 << 40);
        let before = out.reserved();
        assert!(read_frame(&packed, &mut out).is_err());
        assert_eq!(out.reserved(), before);
    }
}
