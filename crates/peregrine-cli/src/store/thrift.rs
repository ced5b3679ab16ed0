//! Thrift's compact protocol, as far as the checks of Parquet files read it.

// The types of fields and of list elements.
pub(super) const TRUE: u8 = 1;
pub(super) const FALSE: u8 = 2;
pub(super) const I8: u8 = 3;
pub(super) const I16: u8 = 4;
pub(super) const I32: u8 = 5;
pub(super) const I64: u8 = 6;
pub(super) const DOUBLE: u8 = 7;
pub(super) const BINARY: u8 = 8;
pub(super) const LIST: u8 = 9;
pub(super) const SET: u8 = 10;
pub(super) const STRUCT: u8 = 12;

/// How deep values that are skipped may nest; those of a schema nest three deep.
pub(super) const SKIP_DEPTH: usize = 16;

/// What is left to read.
pub(super) struct Compact<'a>(pub(super) &'a [u8]);

impl Compact<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn bytes(&mut self, count: u64) -> Option<()> {
        self.0 = self.0.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    /// A number whose lowest bit is its sign.
    pub(super) fn signed(&mut self) -> Option<i64> {
        let number = self.varint()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    pub(super) fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// The id and type of a struct's next field; `Some(None)` at its end.
    pub(super) fn field(&mut self, last: i16) -> Option<Option<(i16, u8)>> {
        let byte = self.byte()?;
        let (step, kind) = (byte >> 4, byte & 0x0f);
        if kind == 0 {
            return Some(None);
        }
        let id = match step {
            0 => {
                let number = i64::try_from(self.varint()?).ok()?;
                i16::try_from((number >> 1) ^ -(number & 1)).ok()?
            }
            step => last.checked_add(step.into())?,
        };
        Some(Some((id, kind)))
    }

    /// The number and type of a list's elements.
    pub(super) fn list(&mut self) -> Option<(u64, u8)> {
        let byte = self.byte()?;
        let size = match byte >> 4 {
            15 => self.varint()?,
            size => size.into(),
        };
        Some((size, byte & 0x0f))
    }

    pub(super) fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            TRUE | FALSE => {}
            I8 => self.bytes(1)?,
            I16 | I32 | I64 => drop(self.varint()?),
            DOUBLE => self.bytes(8)?,
            BINARY => {
                let length = self.varint()?;
                self.bytes(length)?;
            }
            LIST | SET => {
                let (size, kind) = self.list()?;
                for _ in 0..size {
                    // A field of type bool holds its value in its header, an element of a list in a byte.
                    if matches!(kind, TRUE | FALSE) { self.bytes(1)? } else { self.skip(kind, depth)? }
                }
            }
            STRUCT => {
                while let Some((_, kind)) = self.field(0)? {
                    self.skip(kind, depth)?;
                }
            }
            _ => return None,
        }
        Some(())
    }
}
