//! The head of a Parquet page: a struct in Thrift's compact protocol in front of its bytes.

use parquet::errors::{ParquetError, Result};

use super::positioned::PositionedFile;
use super::thrift::{Compact, FALSE, I32, SKIP_DEPTH, STRUCT, TRUE};

/// How much is read for a head at first; one with long statistics is read again with more.
const FIRST_READ: u64 = 512;
/// How long a head may be at most.
const MAX_HEAD: u64 = 16 << 20;

/// What a page says about itself. Lengths are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageHead {
    /// Of the head itself.
    pub(super) length: u64,
    pub(super) is_dictionary: bool,
    pub(super) compressed: u64,
    pub(super) uncompressed: u64,
    /// Nulls among them.
    pub(super) values: u64,
    pub(super) nulls: u64,
    /// In front of what is compressed.
    pub(super) levels: u64,
    pub(super) is_compressed: bool,
}

impl PageHead {
    /// Reads the head at a position of a chunk that ends at `end`.
    pub(super) fn read(file: &PositionedFile, position: u64, end: u64) -> Result<Self> {
        let left = end.saturating_sub(position).min(MAX_HEAD);
        let mut size = FIRST_READ.min(left);
        loop {
            let bytes = file.read(position, size as usize)?;
            if let Some(head) = Self::parse(&bytes) {
                return Ok(head);
            }
            if size == left {
                return Err(ParquetError::General("a page does not begin with a valid head".to_owned()));
            }
            size = left.min(size * 8);
        }
    }

    /// Every writer writes fields in their order, once, with the types of the format. Insisting on it leaves no second
    /// reading of the same bytes.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut rest = Compact(bytes);
        let (mut last, mut sizes, mut page) = (0, [None; 3], None);
        while let Some((id, kind)) = rest.field(last)? {
            match (id, kind) {
                (_, _) if id <= last => return None,
                (1..=3, I32) => sizes[id as usize - 1] = Some(rest.signed()?),
                // Pages of the first version, of dictionaries and of the second version, each with the type of its pages.
                (5, STRUCT) if page.is_none() => page = Some((0, rest.numbers::<4>()?)),
                (7, STRUCT) if page.is_none() => page = Some((2, rest.numbers::<3>()?)),
                (8, STRUCT) if page.is_none() => page = Some((3, rest.numbers::<7>()?)),
                (1..=3 | 5..=8, _) => return None,
                _ => rest.skip(kind, SKIP_DEPTH)?,
            }
            last = id;
        }
        let (kind, numbers) = page?;
        if sizes[0]? != kind {
            return None;
        }
        let unsigned = |number: Option<i64>| u64::try_from(number?).ok();
        let is_second = kind == 3;
        let second = |at: usize| if is_second { unsigned(numbers[at]) } else { Some(0) };
        Some(Self {
            length: (bytes.len() - rest.0.len()) as u64,
            is_dictionary: kind == 2,
            uncompressed: unsigned(sizes[1])?,
            compressed: unsigned(sizes[2])?,
            values: unsigned(numbers[0])?,
            nulls: second(1)?,
            levels: second(4)? + second(5)?,
            is_compressed: !is_second || numbers[6] != Some(0),
        })
    }
}

impl Compact<'_> {
    /// Reads a struct whose first `N` fields are numbers and booleans. Others are skipped.
    fn numbers<const N: usize>(&mut self) -> Option<[Option<i64>; 7]> {
        let (mut last, mut numbers) = (0, [None; 7]);
        while let Some((id, kind)) = self.field(last)? {
            let place = usize::try_from(id).ok()?.checked_sub(1)?;
            match kind {
                _ if id <= last => return None,
                I32 if place < N => numbers[place] = Some(self.signed()?),
                TRUE | FALSE if place < N => numbers[place] = Some(i64::from(kind == TRUE)),
                _ if place < N => return None,
                kind => self.skip(kind, SKIP_DEPTH)?,
            }
            last = id;
        }
        Some(numbers)
    }
}
