//! Decompresses a buffer whose claimed length is not believed.

use std::io;

use arrow_buffer::Buffer;
use zstd::stream::raw::{Decoder as ZstdDecoder, InBuffer, Operation, OutBuffer};

use super::compression_codec::CompressionCodec;
use super::lz4::read_frame;
use super::output::Output;

/// The codecs with the memory that they work in.
#[derive(Default)]
pub(crate) struct Inflater {
    zstd: Option<ZstdDecoder<'static>>,
}

impl Inflater {
    /// Exactly `claimed` bytes out of `packed`. `Err(None)` if they are fewer or more.
    pub(crate) fn inflate(
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
    let mut out = Output::new(packed.len(), claimed);
    read_frame(packed, &mut out)?;
    Ok(out.finish())
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
        out.advance(count);
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use lz4_flex::frame::FrameEncoder;

    use super::*;

    const CODECS: [CompressionCodec; 2] = [CompressionCodec::Lz4, CompressionCodec::Zstd];

    fn pack(codec: CompressionCodec, raw: &[u8]) -> Vec<u8> {
        match codec {
            CompressionCodec::Zstd => zstd::encode_all(raw, 1).unwrap(),
            CompressionCodec::Lz4 => {
                let mut encoder = FrameEncoder::new(Vec::new());
                encoder.write_all(raw).unwrap();
                encoder.finish().unwrap()
            }
        }
    }

    fn inflate(codec: CompressionCodec, packed: &[u8], claimed: usize) -> Option<Vec<u8>> {
        Inflater::default().inflate(codec, packed, claimed).ok().map(|buffer| buffer.to_vec())
    }

    #[test]
    fn a_frame_holds_exactly_what_it_claims() {
        let raw: Vec<u8> = (0..100_000_u32).flat_map(|n| (n / 100).to_le_bytes()).collect();
        for codec in CODECS {
            let packed = pack(codec, &raw);
            assert_eq!(inflate(codec, &packed, raw.len()).as_ref(), Some(&raw));
            for claimed in [0, 1, raw.len() - 1, raw.len() + 1, usize::MAX] {
                assert_eq!(inflate(codec, &packed, claimed), None, "{codec} {claimed}");
            }
            for cut in [0, 1, 4, 7, packed.len() / 2, packed.len() - 5] {
                assert_eq!(inflate(codec, &packed[..cut], raw.len()), None, "{codec} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_second_frame_is_not_read() {
        for codec in CODECS {
            let packed = pack(codec, &[7; 1000]).repeat(2);
            assert_eq!(inflate(codec, &packed, 2000), None, "{codec}");
        }
    }

    #[test]
    fn the_codec_works_again_after_an_error() {
        let mut inflater = Inflater::default();
        for codec in CODECS {
            let packed = pack(codec, &[7; 1000]);
            assert!(inflater.inflate(codec, &packed[..packed.len() / 2], 1000).is_err());
            assert!(inflater.inflate(codec, b"no frame", 1000).is_err());
            assert_eq!(inflater.inflate(codec, &packed, 1000).unwrap().as_slice(), [7; 1000]);
        }
    }
}
