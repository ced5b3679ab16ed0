//! What can be wrong with a stream or a file around its messages, with the data to say where.

use std::error::Error as StdError;
use std::fmt;

use crate::message::MessageKind;

/// What is wrong with a stream or a file, apart from what is in its messages.
#[derive(Debug)]
#[non_exhaustive]
pub enum FormatProblem {
    /// The stream ends inside a message.
    Cut {
        /// Where the message begins.
        message: u64,
        /// The part of the message that is cut.
        part: &'static str,
        /// The bytes of that part.
        needed: usize,
        /// Those that came.
        actual: usize,
    },
    /// The length of a header cannot be one.
    HeaderLength {
        /// Where the message begins.
        message: u64,
        /// The length stated.
        stated: i32,
    },
    /// A file does not begin and end with `ARROW1`.
    Magic,
    /// A file cannot have a footer of the length that it states.
    FooterLength {
        /// The length stated.
        stated: i32,
        /// The bytes of the file.
        file: u64,
    },
    /// The footer of a file is no valid flatbuffer.
    Footer {
        /// What the verifier found.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The footer of a file has no schema.
    NoSchema,
    /// The footer of a file says that a message is where none can be.
    BlockRange {
        /// What the message is to be.
        kind: MessageKind,
        /// Its place.
        offset: i64,
        /// The bytes of its header.
        header: i32,
        /// The bytes of its body.
        body: i64,
    },
    /// Two messages of a file lie over each other.
    BlocksOverlap {
        /// Where the second one begins.
        offset: u64,
    },
    /// There is no message of the right kind where the footer of a file says so.
    BlockMessage {
        /// What the message is to be.
        kind: MessageKind,
        /// Its place.
        offset: u64,
    },
    /// A file replaces a dictionary, which only streams may do.
    ReplacedDictionary {
        /// The id, where it is known.
        id: Option<i64>,
    },
}

impl fmt::Display for FormatProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut { message, part, needed, actual } => write!(
                f,
                "the stream is cut: of the {part} of the message at byte {message} came {actual} of {needed} bytes"
            ),
            Self::HeaderLength { message, stated } => {
                write!(f, "the message at byte {message} states a header of {stated} bytes")
            }
            Self::Magic => f.write_str("not an Arrow IPC file: it does not begin and end with ARROW1"),
            Self::FooterLength { stated, file } => {
                write!(f, "a file of {file} bytes cannot have a footer of {stated} bytes")
            }
            Self::Footer { source } => {
                let text = source.to_string();
                write!(f, "the file's footer is no valid flatbuffer: {}", text.lines().next().unwrap_or_default())
            }
            Self::NoSchema => f.write_str("the file's footer has no schema"),
            Self::BlockRange { kind, offset, header, body } => write!(
                f,
                "a {kind} lies outside of the file (offset {offset}, header of {header} bytes, body of {body} bytes)"
            ),
            Self::BlocksOverlap { offset } => {
                write!(f, "the message at byte {offset} of the file lies over the one before it")
            }
            Self::BlockMessage { kind, offset } => write!(f, "there is no {kind} at byte {offset} of the file"),
            Self::ReplacedDictionary { id: Some(id) } => {
                write!(f, "the file replaces the dictionary of id {id}, which only streams may do")
            }
            Self::ReplacedDictionary { id: None } => {
                f.write_str("the file replaces a dictionary, which only streams may do")
            }
        }
    }
}

impl FormatProblem {
    pub(crate) fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Footer { source } => Some(source.as_ref()),
            _ => None,
        }
    }
}
