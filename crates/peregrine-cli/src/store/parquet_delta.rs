//! How many values a page with delta-encoded lengths claims, found before the parquet crate takes memory for them.
//!
//! Such a page holds the lengths of its values as blocks of deltas, and in front of them their number, which the crate
//! believes: a few bytes that claim 2^40 values would end the process. It does not tell by the size of the page, since
//! deltas of no bits take no bytes.

use parquet::basic::Encoding;

use super::thrift::Compact;

/// Whether a page's values are at most `most`, as far as they say their number themselves.
/// `None`: the page is broken.
pub(super) fn claims_at_most(encoding: Encoding, values: &[u8], most: u64) -> Option<bool> {
    let mut lengths = Compact(values);
    match encoding {
        Encoding::DELTA_LENGTH_BYTE_ARRAY => Some(Deltas::begin(&mut lengths)?.count <= most),
        Encoding::DELTA_BYTE_ARRAY => {
            let prefixes = Deltas::begin(&mut lengths)?;
            if prefixes.count > most {
                return Some(false);
            }
            prefixes.skip(&mut lengths)?;
            Some(Deltas::begin(&mut lengths)?.count <= most)
        }
        _ => Some(true),
    }
}

/// What stands in front of the deltas.
struct Deltas {
    count: u64,
    miniblocks: u64,
    values_per_miniblock: u64,
}

impl Deltas {
    fn begin(bytes: &mut Compact<'_>) -> Option<Self> {
        let (block, miniblocks, count) = (bytes.varint()?, bytes.varint()?, bytes.varint()?);
        bytes.varint()?; // the first value
        let values_per_miniblock = block.checked_div(miniblocks).filter(|values| *values > 0)?;
        Some(Self { count, miniblocks, values_per_miniblock })
    }

    /// Goes behind the deltas. Miniblocks behind the last value have widths and no bytes.
    fn skip(&self, bytes: &mut Compact<'_>) -> Option<()> {
        let mut left = self.count.saturating_sub(1);
        while left > 0 {
            bytes.varint()?; // the smallest delta of the block
            let widths = bytes.0.get(..usize::try_from(self.miniblocks).ok()?)?;
            bytes.bytes(self.miniblocks)?;
            for width in widths {
                if left == 0 {
                    break;
                }
                bytes.bytes(u64::from(*width).checked_mul(self.values_per_miniblock)? / 8)?;
                left = left.saturating_sub(self.values_per_miniblock);
            }
        }
        Some(())
    }
}
