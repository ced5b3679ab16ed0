//! Finds the numbers of a flatbuffer without its schema, to change them: what its tables hold, where, and how long its
//! vectors say they are.

use std::collections::BTreeSet;

/// A number in a flatbuffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) at: usize,
    /// Its bytes: 1, 2, 4 or 8.
    pub(crate) width: usize,
}

/// Tables beyond this many are not looked for, nor elements of a vector.
const MOST: usize = 64;

/// The places of a buffer, as far as it can be followed; none twice.
pub(crate) fn places(bytes: &[u8]) -> Vec<Place> {
    let mut walk = Walk { bytes, places: BTreeSet::new(), seen: BTreeSet::new() };
    walk.offset(0, 0);
    walk.places.into_iter().collect()
}

struct Walk<'a> {
    bytes: &'a [u8],
    places: BTreeSet<Place>,
    seen: BTreeSet<usize>,
}

impl Walk<'_> {
    /// Follows the offset at a place, to a table or a vector, if it is one.
    fn offset(&mut self, at: usize, depth: usize) {
        let Some(offset) = self.u32(at) else { return };
        let target = at + offset;
        if offset == 0 || depth > MOST || self.seen.len() > MOST || !self.seen.insert(target) {
            return;
        }
        if !self.table(target, depth) {
            self.vector(target, depth);
        }
    }

    /// Whether there is a table. Its fields and the places of them are numbers.
    fn table(&mut self, at: usize, depth: usize) -> bool {
        let Some(vtable) = self.u32(at).and_then(|back| at.checked_add_signed(-(back as i32 as isize))) else {
            return false;
        };
        let (Some(length), Some(inline)) = (self.u16(vtable), self.u16(vtable + 2)) else { return false };
        if length < 4 || length % 2 != 0 || length > 2 * MOST || vtable + length > self.bytes.len() || inline < 4 {
            return false;
        }
        let mut fields: Vec<usize> = (4..length).step_by(2).filter_map(|slot| self.u16(vtable + slot)).collect();
        for slot in (0..length).step_by(2) {
            self.add(vtable + slot, 2);
        }
        fields.retain(|&field| field >= 4 && field < inline);
        fields.sort_unstable();
        for (index, &field) in fields.iter().enumerate() {
            let room = fields.get(index + 1).copied().unwrap_or(inline) - field;
            let width = [8, 4, 2, 1].into_iter().find(|&width| width <= room && (at + field).is_multiple_of(width));
            self.add(at + field, width.unwrap_or(1));
            if (at + field).is_multiple_of(4) && room >= 4 {
                self.add(at + field, 4);
                self.offset(at + field, depth + 1);
            }
        }
        true
    }

    /// A length, and elements that may be numbers of any width or offsets.
    fn vector(&mut self, at: usize, depth: usize) {
        let Some(length) = self.u32(at) else { return };
        self.add(at, 4);
        for element in 0..length.min(MOST) {
            let start = at + 4;
            self.add(start + element, 1);
            self.add(start + element * 4, 4);
            if start.is_multiple_of(8) {
                // Structs of two numbers, as nodes and buffers are.
                self.add(start + element * 16, 8);
                self.add(start + element * 16 + 8, 8);
            }
            self.offset(start + element * 4, depth + 1);
        }
    }

    fn add(&mut self, at: usize, width: usize) {
        if at + width <= self.bytes.len() {
            self.places.insert(Place { at, width });
        }
    }

    fn u32(&self, at: usize) -> Option<usize> {
        let word = self.bytes.get(at..)?.first_chunk::<4>()?;
        Some(u32::from_le_bytes(*word) as usize)
    }

    fn u16(&self, at: usize) -> Option<usize> {
        let word = self.bytes.get(at..)?.first_chunk::<2>()?;
        Some(u16::from_le_bytes(*word).into())
    }
}

#[cfg(test)]
mod tests {
    use arrow_ipc::{Message, root_as_message};
    use peregrine::ipc::{Encoder, IpcWriteOptions};
    use peregrine_testkit::batches;

    use super::*;

    #[test]
    fn the_numbers_of_a_message_are_found() {
        let batch = batches::int64(5);
        let mut messages = Vec::new();
        Encoder::new(batch.schema(), IpcWriteOptions::default()).unwrap().encode(&batch, &mut messages).unwrap();
        let header = &messages[0].header;
        let message = root_as_message(header).unwrap();
        let batch = message.header_as_record_batch().unwrap();
        let places = places(header);
        let found = |at, width| places.contains(&Place { at, width });
        for structs in [batch.nodes().unwrap().bytes(), batch.buffers().unwrap().bytes()] {
            let start = structs.as_ptr() as usize - header.as_ptr() as usize;
            assert!(found(start - 4, 4), "how many there are");
            assert!((start..start + structs.len()).step_by(8).all(|at| found(at, 8)), "each of them");
        }
        let field = |slot| message._tab.loc() + usize::from(message._tab.vtable().get(slot));
        assert!(found(field(Message::VT_BODYLENGTH), 8) && found(field(Message::VT_HEADER_TYPE), 1));
    }

    #[test]
    fn what_is_no_flatbuffer_has_few() {
        assert_eq!(places(b""), []);
        assert_eq!(places(&[0; 100]), []);
        // Offsets in a circle, and such that lead outside.
        assert!(places(&[4, 0, 0, 0].repeat(100)).len() < 1000);
        assert_eq!(places(&[0xff; 100]), []);
    }
}
