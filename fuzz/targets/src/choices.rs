//! The choices that stand at the front of an input.

/// Takes choices off the front of an input. There are zeros behind its end.
pub(crate) struct Choices<'a> {
    rest: &'a [u8],
}

impl<'a> Choices<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self { rest: input }
    }

    /// A number up to 255.
    pub(crate) fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or_default()
    }

    /// So many bytes, or as many as there are.
    pub(crate) fn bytes(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// Where something is to be cut: up to 7 lengths, to be used over and over. Empty: nowhere.
    pub(crate) fn cuts(&mut self) -> &'a [u8] {
        let count = self.byte() % 8;
        self.bytes(count.into())
    }

    /// What no choice was taken from.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }
}

/// Cuts bytes into pieces of these lengths, over and over. Empty pieces are among them, but never without end.
pub(crate) fn pieces<'a>(bytes: &'a [u8], cuts: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let endless = cuts.iter().all(|&cut| cut == 0);
    let mut cuts = cuts.iter().cycle();
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let length = cuts.next().filter(|_| !endless).map_or(bytes.len(), |&cut| bytes.len().min(cut.into()));
        let (piece, after) = bytes.split_at(length);
        rest = (!after.is_empty()).then_some(after);
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_all_there_is_in_turn() {
        let cut = |cuts: &'static [u8]| pieces(b"abcdefg", cuts).collect::<Vec<_>>();
        assert_eq!(cut(&[]), [b"abcdefg"]);
        assert_eq!(cut(&[0, 0]), [b"abcdefg"]);
        assert_eq!(cut(&[3]), [&b"abc"[..], b"def", b"g"]);
        assert_eq!(cut(&[0, 5, 1]), [&b""[..], b"abcde", b"f", b"", b"g"]);
        assert_eq!(pieces(b"", &[1]).collect::<Vec<_>>(), [b""]);
    }
}
