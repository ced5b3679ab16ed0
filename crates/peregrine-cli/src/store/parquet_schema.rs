//! How deep the schema of a Parquet footer nests, found before the parquet crate reads it.
//!
//! That crate goes down a schema by recursion without a limit: a footer of 24 KB that nests 3000 groups overflows the
//! stack, which ends the process and not only the flight. It also reserves memory for as many children as a group
//! claims to have. A footer is a struct in Thrift's compact protocol whose second field is the schema: a flat list of
//! elements, depth first, each with the number of its children. Only so much is read here; all else is skipped.

use super::thrift::{BINARY, Compact, I32, LIST, SKIP_DEPTH, STRUCT};

/// Whether the schema at the front of a footer nests at most `depth` groups, and none has more children than there are
/// elements. `None`: this is not a footer.
pub(super) fn is_shallow(footer: &[u8], depth: usize) -> Option<bool> {
    let mut footer = Compact(footer);
    // Every writer writes fields in their order. Insisting on it leaves no second reading of the same bytes.
    if footer.field(0)? != Some((1, I32)) {
        return None;
    }
    footer.varint()?;
    if footer.field(1)? != Some((2, LIST)) {
        return None;
    }
    let (elements, STRUCT) = footer.list()? else { return None };
    let mut open: Vec<u64> = Vec::new();
    for element in 0..elements {
        while open.last() == Some(&0) {
            open.pop();
        }
        if let Some(missing) = open.last_mut() {
            *missing -= 1;
        }
        let children = footer.children_of_element()?;
        if children > elements - element || open.len() > depth {
            return Some(false);
        }
        if children > 0 {
            open.push(children);
        }
    }
    Some(true)
}

impl Compact<'_> {
    /// Reads an element of the schema and answers how many children it has.
    fn children_of_element(&mut self) -> Option<u64> {
        let (mut last, mut children) = (0, 0);
        while let Some((id, kind)) = self.field(last)? {
            // The parquet crate goes by the field's id alone, so another type would have it read other bytes than here.
            let expected = match id {
                1..=3 | 5..=9 => I32,
                4 => BINARY,
                10 => STRUCT,
                _ => kind,
            };
            if kind != expected {
                return None;
            }
            if id == 5 {
                let number = self.varint()?;
                // Zigzag: the lowest bit is the sign.
                children = if number & 1 == 0 { number >> 1 } else { return None };
            } else {
                self.skip(kind, SKIP_DEPTH)?;
            }
            last = id;
        }
        Some(children)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A footer without rows whose schema is this many groups, one in the other, around a column.
    pub(in crate::store) fn nested(groups: usize) -> Vec<u8> {
        // The version, then the head of a list of structs with its length as a varint of three bytes.
        let elements = groups + 2;
        let size = [elements as u8 | 0x80, (elements >> 7) as u8 | 0x80, (elements >> 14) as u8];
        let mut footer = [&[0x15, 2, 0x19, 0xfc], &size[..]].concat();
        footer.extend([0x48, 1, b'r', 0x15, 2, 0]); // the root
        footer.extend([0x35, 0, 0x18, 1, b'g', 0x15, 2, 0].repeat(groups));
        footer.extend([0x15, 2, 0x25, 0, 0x18, 1, b'c', 0]); // the column
        footer.extend([0x16, 0, 0x19, 0x0c, 0]); // no rows, no row groups
        footer
    }

    #[test]
    fn depth_is_counted() {
        assert_eq!(is_shallow(&nested(0), 1), Some(true));
        assert_eq!(is_shallow(&nested(9), 10), Some(true));
        assert_eq!(is_shallow(&nested(10), 10), Some(false));
        assert_eq!(is_shallow(&nested(100_000), 130), Some(false));
    }

    #[test]
    fn a_cut_footer_is_none_at_all() {
        let footer = nested(3);
        let schema_ends = footer.len() - 5;
        for length in 0..schema_ends {
            assert_eq!(is_shallow(&footer[..length], 10), None, "{length}");
        }
        assert_eq!(is_shallow(&footer[..schema_ends], 10), Some(true));
    }

    #[test]
    fn more_children_than_elements_are_refused() {
        let mut footer = nested(0);
        let children = footer.iter().rposition(|byte| *byte == b'r').unwrap() + 2;
        footer.splice(children..=children, [0xfe, 0xff, 0xff, 0xff, 0x0f]);
        assert_eq!(is_shallow(&footer, 10), Some(false));
    }
}
