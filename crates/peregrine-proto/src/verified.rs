//! The one verifier of flatbuffers: whether the headers and footers that peers send are valid, within one set of limits.

use std::error::Error;
use std::fmt;

use arrow_ipc::{Footer, Message, Schema};
use flatbuffers::{InvalidFlatbuffer, VerifierOptions};

use crate::limits::MessageLimits;

/// How deep a schema's types nest at most, whatever the limits allow: arrow-ipc's conversion takes 13 KiB of stack a
/// level without optimization, and overflows a thread of 2 MiB at about 165 levels (at more than 1000 with optimization).
pub(crate) const MAX_DEPTH: usize = 128;

/// A message, its schema and a field make 3 tables; a dictionary's index type lies 2 below its field. Batches are flat.
const TABLES_AROUND_FIELDS: usize = 4;

/// Something in a flatbuffer that the verifier has gone through: proof of it for those who read it next, so that each
/// message is verified once.
///
/// The types of arrow-ipc inside say how a header is laid out. What a header states about its body, and what a schema
/// says about its types, is checked by those who read it.
///
/// ```
/// use arrow_schema::Schema;
/// use peregrine_proto::{MessageLimits, MetadataVersion, Verified, decode_verified_schema, encode_schema_header};
///
/// let header = encode_schema_header(&Schema::empty(), MetadataVersion::V5);
/// let message = Verified::message(&header, &MessageLimits::default()).unwrap();
/// assert_eq!(message.get().bodyLength(), 0);
/// let schema = message.schema().unwrap();
/// assert_eq!(decode_verified_schema(schema, &MessageLimits::default()).unwrap(), Schema::empty());
/// assert!(Verified::message(&header[..20], &MessageLimits::default()).is_err());
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Verified<T> {
    inner: T,
}

impl<T: Copy> Verified<T> {
    /// What was verified.
    pub fn get(&self) -> T {
        self.inner
    }
}

impl<'a> Verified<Message<'a>> {
    /// Verifies the header of a message: a bare flatbuffer, which padding may follow.
    ///
    /// # Errors
    /// [`VerifyError`] if it is over a limit or no valid flatbuffer. Hostile bytes do not panic, and the work stays in
    /// proportion to their number.
    pub fn message(header: &'a [u8], limits: &MessageLimits) -> Result<Self, VerifyError> {
        check_length(header, limits)?;
        let message = arrow_ipc::root_as_message_with_opts(&verifier_options(header), header);
        message.map(|inner| Self { inner }).map_err(|error| refused(error, limits))
    }

    /// A header that was just written here, of whatever size.
    pub(crate) fn just_encoded(header: &'a [u8]) -> Result<Self, InvalidFlatbuffer> {
        let options = VerifierOptions {
            max_depth: usize::MAX,
            max_tables: usize::MAX,
            max_apparent_size: usize::MAX,
            ignore_missing_null_terminator: true,
        };
        arrow_ipc::root_as_message_with_opts(&options, header).map(|inner| Self { inner })
    }

    /// The message's schema, if it is one of a schema.
    pub fn schema(&self) -> Option<Verified<Schema<'a>>> {
        self.inner.header_as_schema().map(|inner| Verified { inner })
    }
}

impl<'a> Verified<Footer<'a>> {
    /// Verifies the footer of a file. The limit on headers holds for it as well.
    ///
    /// # Errors
    /// As [`message`](Verified::message) has them.
    pub fn footer(footer: &'a [u8], limits: &MessageLimits) -> Result<Self, VerifyError> {
        check_length(footer, limits)?;
        let footer = arrow_ipc::root_as_footer_with_opts(&verifier_options(footer), footer);
        footer.map(|inner| Self { inner }).map_err(|error| refused(error, limits))
    }

    /// The file's schema, if the footer has one.
    pub fn schema(&self) -> Option<Verified<Schema<'a>>> {
        self.inner.schema().map(|inner| Verified { inner })
    }
}

/// How deep types may nest.
pub(crate) fn effective_depth(limits: &MessageLimits) -> usize {
    limits.schema_depth.min(MAX_DEPTH)
}

fn check_length(flatbuffer: &[u8], limits: &MessageLimits) -> Result<(), VerifyError> {
    let (length, limit) = (flatbuffer.len(), limits.header);
    if length > limit { Err(VerifyError::TooLong { length, limit }) } else { Ok(()) }
}

pub(crate) fn verifier_options(flatbuffer: &[u8]) -> VerifierOptions {
    VerifierOptions {
        // One number for all: who reads a schema holds it against the limit on its depth.
        max_depth: MAX_DEPTH + TABLES_AROUND_FIELDS,
        // Each table has an offset of its own, unless tables are shared to make a small header large.
        max_tables: flatbuffer.len() / size_of::<u32>(),
        // Counts shared parts each time, which real writers have only for vtables: it comes to about 2; see the tests
        // of schemas.
        max_apparent_size: flatbuffer.len().saturating_mul(8).saturating_add(1024),
        ignore_missing_null_terminator: true,
    }
}

fn refused(error: InvalidFlatbuffer, limits: &MessageLimits) -> VerifyError {
    match error {
        InvalidFlatbuffer::DepthLimitReached => {
            VerifyError::TooDeep { depth: MAX_DEPTH + 1, limit: effective_depth(limits) }
        }
        InvalidFlatbuffer::TooManyTables | InvalidFlatbuffer::ApparentSizeTooLarge => {
            VerifyError::Unfolds { source: Box::new(error) }
        }
        error => VerifyError::Invalid { source: Box::new(error) },
    }
}

/// Why a header or a footer was refused.
#[derive(Debug)]
#[non_exhaustive]
pub enum VerifyError {
    /// It is over the limit on headers.
    TooLong {
        /// Its bytes.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// Its types nest deeper than those of any schema that is read.
    TooDeep {
        /// How deep at least.
        depth: usize,
        /// The limit.
        limit: usize,
    },
    /// Its parts are used over and over, so that it unfolds to much more than its bytes.
    Unfolds {
        /// What the verifier says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// It is no valid flatbuffer of its kind.
    Invalid {
        /// What the verifier found.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { length, limit } => {
                write!(f, "a header of {length} bytes is over the limit of {limit}")
            }
            Self::TooDeep { limit, .. } => write!(f, "its types nest deeper than the limit of {limit}"),
            Self::Unfolds { .. } => f.write_str("parts that are used over and over"),
            Self::Invalid { source } => {
                // The first line is the error, those after it are where.
                f.write_str(source.to_string().lines().next().unwrap_or_default())
            }
        }
    }
}

impl Error for VerifyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unfolds { source } | Self::Invalid { source } => Some(source.as_ref()),
            Self::TooLong { .. } | Self::TooDeep { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
