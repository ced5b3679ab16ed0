//! What can be wrong with one field of a message or a batch.

use std::error::Error as StdError;
use std::fmt;

use arrow_schema::ArrowError;

use crate::compression::CompressionCodec;

/// What is wrong with a field.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// The number of rows stated is negative, too large or not what the field above it needs.
    Rows {
        /// The number stated.
        stated: i64,
        /// The number needed, or the most allowed.
        expected: usize,
    },
    /// The number of nulls stated is not what the validity bitmap has, or cannot be.
    Nulls {
        /// The number stated.
        stated: i64,
        /// The number found, or the number of rows.
        actual: usize,
    },
    /// A buffer is shorter than the rows need.
    ShortBuffer {
        /// Which buffer of the field.
        buffer: &'static str,
        /// The bytes needed.
        needed: usize,
        /// The bytes there are.
        actual: usize,
    },
    /// Offsets that are negative, fall, or point behind what they index.
    Offsets {
        /// How long that is.
        length: usize,
    },
    /// The values break a rule of their type.
    Values {
        /// What arrow says.
        source: ArrowError,
    },
    /// A compressed buffer does not hold what it claims.
    Compressed {
        /// The codec that the message names.
        codec: CompressionCodec,
        /// The length that the buffer claims to have when decompressed.
        claimed: i64,
        /// What went wrong in the codec, if it failed.
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
    /// The field's dictionary was never sent.
    NoDictionary {
        /// Its id.
        id: i64,
    },
    /// Two fields give one dictionary id different types, or different ids within its values.
    DictionaryType {
        /// The id.
        id: i64,
    },
    /// A batch to encode has other values than another field of the same dictionary id.
    SharedDictionary {
        /// The id.
        id: i64,
        /// The column that the other field is in.
        with: String,
    },
    /// The field's type breaks a rule that its kind of type has.
    Type {
        /// The rule.
        rule: &'static str,
    },
    /// Something that is not done (yet).
    Unsupported {
        /// What.
        what: &'static str,
    },
    /// A column of an encoder's batch that may not have nulls has some.
    UnexpectedNulls,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows { stated, expected } => write!(f, "{stated} rows stated where {expected} are possible"),
            Self::Nulls { stated, actual } => write!(f, "{stated} nulls stated, but {actual}"),
            Self::ShortBuffer { buffer, needed, actual } => {
                write!(f, "the {buffer} buffer has {actual} bytes and needs {needed}")
            }
            Self::Offsets { length } => write!(f, "offsets that do not rise from 0 or more to at most {length}"),
            Self::Values { source } => write!(f, "{source}"),
            Self::Compressed { codec, claimed, source } => {
                write!(f, "a {codec} buffer does not hold the {claimed} bytes that it claims")?;
                source.as_ref().map_or(Ok(()), |source| write!(f, ": {source}"))
            }
            Self::NoDictionary { id } => write!(f, "its dictionary (id {id}) was never sent"),
            Self::DictionaryType { id } => write!(f, "dictionary id {id} has another type in another field"),
            Self::SharedDictionary { id, with } => {
                write!(f, "its dictionary (id {id}) has other values than the same one in column '{with}'")
            }
            Self::Type { rule } => f.write_str(rule),
            Self::Unsupported { what } => write!(f, "{what}: not supported"),
            Self::UnexpectedNulls => f.write_str("nulls in a field that is declared without"),
        }
    }
}
