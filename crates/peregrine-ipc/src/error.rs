//! Why a message or a batch is refused, with the data to say where.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use arrow_schema::{ArrowError, SchemaRef};
use peregrine_proto::{FlightError, FlightErrorKind};

use crate::format_problem::FormatProblem;
use crate::message::MessageKind;
use crate::problem::Problem;

/// Why a message or a batch was refused. The codec's state is as it was before, so a caller may go on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The header is no valid flatbuffer `Message`.
    Header {
        /// What the verifier found.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The header lacks a part that its kind of message must have.
    Missing {
        /// The part.
        part: &'static str,
    },
    /// The schema in a schema message was refused.
    Schema {
        /// Why.
        source: FlightError,
    },
    /// A batch or a dictionary came before the schema.
    BeforeSchema {
        /// What came.
        kind: MessageKind,
    },
    /// A second schema message came that is not the first one again.
    SchemaChanged {
        /// The stream's schema.
        expected: SchemaRef,
        /// The one that came.
        actual: SchemaRef,
    },
    /// A stream or a file has another schema than its reader expects.
    UnexpectedSchema {
        /// The one that is expected.
        expected: SchemaRef,
        /// The one that it has.
        actual: SchemaRef,
    },
    /// The header states a body that the bytes at hand cannot be.
    BodyLength {
        /// The length stated.
        stated: i64,
        /// The bytes at hand.
        actual: usize,
    },
    /// A message has more or fewer of something than its schema needs.
    Count {
        /// What was counted.
        what: &'static str,
        /// What the schema needs.
        expected: usize,
        /// What the message has.
        actual: usize,
    },
    /// A buffer does not lie inside the body.
    BufferRange {
        /// Which of the message's buffers.
        index: usize,
        /// Its offset, as stated.
        offset: i64,
        /// Its length, as stated.
        length: i64,
        /// The body's length.
        body: usize,
    },
    /// Something is wrong with one field.
    Field {
        /// The field's names from the top, joined by dots. Empty for the message as a whole.
        path: String,
        /// What is wrong.
        problem: Problem,
    },
    /// A dictionary message names an id that no field of the schema has.
    UnknownDictionary {
        /// The id.
        id: i64,
    },
    /// The columns of a message do not make a batch of its schema.
    Batch {
        /// What arrow says.
        source: ArrowError,
    },
    /// A limit was reached.
    Limit {
        /// What is limited.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// What was asked for.
        actual: usize,
    },
    /// A kind of message, or a version of the format, that is not read.
    Unsupported {
        /// Which one.
        what: &'static str,
    },
    /// A stream or a file is broken around its messages.
    Format {
        /// What is wrong.
        problem: FormatProblem,
    },
    /// A batch of another schema was given to an encoder.
    BatchSchema {
        /// The encoder's schema.
        expected: SchemaRef,
        /// The batch's.
        actual: SchemaRef,
    },
    /// A codec failed to compress.
    Compression {
        /// What it says.
        source: io::Error,
    },
    /// A projection names a column that the schema does not have.
    Projection {
        /// The column's index.
        index: usize,
        /// How many columns there are.
        columns: usize,
    },
}

impl Error {
    /// An error of a field, named later by [`within`](Self::within) on the way up.
    pub(crate) fn field(problem: Problem) -> Self {
        Self::Field { path: String::new(), problem }
    }

    /// An error of what is around messages.
    pub(crate) fn format(problem: FormatProblem) -> Self {
        Self::Format { problem }
    }

    /// Puts the name of the field that was being read before the path.
    pub(crate) fn within(self, name: &str) -> Self {
        match self {
            Self::Field { path, problem } if path.len() < LONGEST_PATH => {
                let mut name: String = name.chars().take(LONGEST_NAME).collect();
                if !path.is_empty() {
                    name.push('.');
                }
                let path = name + &path;
                Self::Field { path, problem }
            }
            error => error,
        }
    }

    fn kind(&self) -> FlightErrorKind {
        match self {
            Self::Schema { source } => source.kind(),
            Self::Limit { .. } => FlightErrorKind::ResourceExhausted,
            Self::Compression { .. } => FlightErrorKind::Internal,
            Self::Unsupported { .. } | Self::Field { problem: Problem::Unsupported { .. }, .. } => {
                FlightErrorKind::Unimplemented
            }
            _ => FlightErrorKind::InvalidArgument,
        }
    }
}

/// Names come from peers: what an error repeats of them stays short.
const LONGEST_NAME: usize = 64;
const LONGEST_PATH: usize = 512;

impl From<Error> for FlightError {
    /// A limit is `ResourceExhausted`, what is not done `Unimplemented`, a codec that fails `Internal`, anything else
    /// `InvalidArgument`.
    fn from(error: Error) -> Self {
        match error {
            Error::Schema { source } => source,
            error => Self::new(error.kind(), error.to_string()).with_source(error),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header { source } => write!(f, "the header is no valid message: {}", first_line(source)),
            Self::Missing { part } => write!(f, "the header has no {part}"),
            Self::Schema { source } => write!(f, "schema refused: {source}"),
            Self::BeforeSchema { kind } => write!(f, "a {kind} came before the schema"),
            Self::SchemaChanged { expected, actual } | Self::BatchSchema { expected, actual } => {
                write!(f, "the schema of the stream is not that of the {}: ", self.subject())?;
                write_difference(f, expected, actual)
            }
            Self::UnexpectedSchema { expected, actual } => {
                f.write_str("the schema is not the one that is expected: ")?;
                write_difference(f, expected, actual)
            }
            Self::BodyLength { stated, actual } => {
                write!(f, "the header states a body of {stated} bytes where {actual} came")
            }
            Self::Count { what, expected, actual } => {
                write!(f, "{actual} {what} in a message whose schema needs {expected}")
            }
            Self::BufferRange { index, offset, length, body } => {
                write!(f, "buffer {index} (offset {offset}, length {length}) is not inside the body of {body} bytes")
            }
            Self::Field { path, problem } if path.is_empty() => write!(f, "{problem}"),
            Self::Field { path, problem } => write!(f, "field '{path}': {problem}"),
            Self::UnknownDictionary { id } => write!(f, "no field of the schema has a dictionary of id {id}"),
            Self::Batch { source } => write!(f, "the columns make no batch: {source}"),
            Self::Limit { what, limit, actual } => write!(f, "{what}: {actual} is over the limit of {limit}"),
            Self::Unsupported { what } => write!(f, "{what}: not supported"),
            Self::Format { problem } => write!(f, "{problem}"),
            Self::Compression { source } => write!(f, "compression failed: {source}"),
            Self::Projection { index, columns } => {
                write!(f, "the projection names column {index} of a schema with {columns}")
            }
        }
    }
}

impl Error {
    fn subject(&self) -> &'static str {
        if matches!(self, Self::BatchSchema { .. }) { "batch" } else { "second schema message" }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Header { source } => Some(source.as_ref()),
            Self::Schema { source } => Some(source),
            Self::Format { problem } => problem.source(),
            Self::Compression { source } => Some(source),
            Self::Batch { source } | Self::Field { problem: Problem::Values { source }, .. } => Some(source),
            Self::Field { problem: Problem::Compressed { source: Some(source), .. }, .. } => Some(source.as_ref()),
            _ => None,
        }
    }
}

/// The verifier says what is wrong in one line, and then a line for each step of the way there.
fn first_line(error: &impl fmt::Display) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Says where two schemas first differ, which is more use than both of them.
fn write_difference(f: &mut fmt::Formatter<'_>, expected: &SchemaRef, actual: &SchemaRef) -> fmt::Result {
    let (expected, actual) = (expected.fields(), actual.fields());
    if expected.len() != actual.len() {
        return write!(f, "{} columns, not {}", actual.len(), expected.len());
    }
    match expected.iter().zip(actual).find(|(expected, actual)| expected != actual) {
        Some((expected, actual)) => write!(f, "{actual}, not {expected}"),
        None => f.write_str("other metadata or dictionary ids"),
    }
}
