//! A header block of HPACK (RFC 7541, section 6), walked far enough to find the value of `:authority`.

const AUTHORITY: &[u8] = b":authority";
/// The place of [`AUTHORITY`] in the static table.
const AUTHORITY_INDEX: usize = 1;
/// What takes the place of characters that no authority may have.
const STAND_IN: u8 = b'-';
const HUFFMAN: u8 = 0x80;

/// One block, as far as its bytes have come.
#[derive(Debug, Default)]
pub(super) struct HeaderBlock {
    step: Step,
}

#[derive(Debug, Clone, Copy, Default)]
enum Step {
    /// The first byte of a field.
    #[default]
    Field,
    /// The rest of an integer that did not fit its prefix.
    Integer { value: usize, shift: u32, then: Then },
    /// The first byte of a string.
    Length(Text),
    /// The bytes of a string.
    Bytes { left: usize, text: Text },
    /// Not HPACK, which h2 will find too.
    Lost,
}

/// What an integer is.
#[derive(Debug, Clone, Copy)]
enum Then {
    /// An index that is all of a field, or the size of the table.
    Nothing,
    /// The index of a name, or 0 where the name follows. The value follows in either case.
    Name,
    /// The length of a string.
    Length(Text),
}

/// What a string is.
#[derive(Debug, Clone, Copy)]
enum Text {
    /// A name, of which so many bytes are those of [`AUTHORITY`]; `None` if it is another one.
    Name {
        matched: Option<usize>,
    },
    Value {
        of_authority: bool,
    },
}

impl HeaderBlock {
    /// Replaces what is odd in the value of `:authority`.
    pub(super) fn edit(&mut self, mut bytes: &mut [u8]) {
        while let [first, ..] = *bytes {
            // All steps but one take a single byte.
            let taken = match self.step {
                Step::Bytes { left, .. } => left.min(bytes.len()),
                _ => 1,
            };
            let (part, rest) = bytes.split_at_mut(taken);
            bytes = rest;
            self.step = match self.step {
                Step::Field => field(first),
                Step::Integer { value, shift, then } => more_of_integer(first, value, shift, then),
                Step::Length(text) if first & HUFFMAN == 0 => integer(first, 7, Then::Length(text)),
                Step::Length(text) => integer(first, 7, Then::Length(text.unreadable())),
                Step::Bytes { left, text } => string(left - taken, text.read(part)),
                Step::Lost => return,
            };
        }
    }
}

impl Text {
    /// A string that is Huffman-coded.
    fn unreadable(self) -> Self {
        match self {
            Self::Name { .. } => Self::Name { matched: None },
            Self::Value { .. } => Self::Value { of_authority: false },
        }
    }

    fn read(self, part: &mut [u8]) -> Self {
        match self {
            Self::Name { matched } => Self::Name {
                matched: matched.filter(|matched| AUTHORITY[*matched..].starts_with(part)).map(|at| at + part.len()),
            },
            Self::Value { of_authority } => {
                let odd = part.iter_mut().filter(|byte| of_authority && matches!(byte, b'%' | b'/'));
                odd.for_each(|byte| *byte = STAND_IN);
                self
            }
        }
    }
}

fn field(first: u8) -> Step {
    match first {
        0x80.. => integer(first, 7, Then::Nothing),
        0x40..=0x7f => integer(first, 6, Then::Name),
        0x20..=0x3f => integer(first, 5, Then::Nothing),
        0x00..=0x1f => integer(first, 4, Then::Name),
    }
}

/// An integer whose first bits are the low ones of a byte.
fn integer(first: u8, bits: u32, then: Then) -> Step {
    let most = (1 << bits) - 1;
    match usize::from(first) & most {
        value if value == most => Step::Integer { value, shift: 0, then },
        value => then.of(value),
    }
}

fn more_of_integer(byte: u8, value: usize, shift: u32, then: Then) -> Step {
    // h2 takes no more bytes than these either.
    if shift > 21 {
        return Step::Lost;
    }
    let value = value + (usize::from(byte & 0x7f) << shift);
    if byte & 0x80 == 0 { then.of(value) } else { Step::Integer { value, shift: shift + 7, then } }
}

impl Then {
    fn of(self, value: usize) -> Step {
        match self {
            Self::Nothing => Step::Field,
            Self::Name if value == 0 => Step::Length(Text::Name { matched: Some(0) }),
            Self::Name => Step::Length(Text::Value { of_authority: value == AUTHORITY_INDEX }),
            Self::Length(text) => string(value, text),
        }
    }
}

/// A string with so many bytes left.
fn string(left: usize, text: Text) -> Step {
    match (left, text) {
        (0, Text::Name { matched }) => Step::Length(Text::Value { of_authority: matched == Some(AUTHORITY.len()) }),
        (0, Text::Value { .. }) => Step::Field,
        _ => Step::Bytes { left, text },
    }
}
