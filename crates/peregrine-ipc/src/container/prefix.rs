//! What stands before the header of a message: its length, since Arrow 0.15 behind a mark that no length has.

use bytes::Bytes;

/// The mark.
pub(super) const CONTINUATION: u32 = u32::MAX;

/// The bytes of a mark and of a length.
pub(super) const WORD: usize = size_of::<u32>();

/// Takes the prefix off a header, with or without the mark. `None` if it states more than there is, or nothing.
pub(super) fn strip_prefix(prefixed: &Bytes) -> Option<Bytes> {
    let (start, length) = match word(prefixed, 0)? {
        CONTINUATION => (2 * WORD, word(prefixed, WORD)?),
        length => (WORD, length),
    };
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    (length > 0 && end <= prefixed.len()).then(|| prefixed.slice(start..end))
}

/// The word at a place.
pub(super) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_le_bytes(*word))
}
