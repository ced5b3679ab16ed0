//! Headers and footers as flatbuffers: proto's verifier, with the errors of this crate.

use arrow_ipc::{Footer, Message, MessageHeader, MetadataVersion};
use peregrine_proto::{MessageLimits, Verified, VerifyError};

use crate::error::Error;
use crate::format_problem::FormatProblem;

pub(crate) const OTHER_VERSION: &str = "metadata of a version other than 4 and 5";

/// A header that is a valid flatbuffer of a version that is read.
pub(crate) fn message<'a>(header: &'a [u8], limits: &MessageLimits) -> Result<Verified<Message<'a>>, Error> {
    let message = Verified::message(header, limits).map_err(refused)?;
    match message.get().version() {
        MetadataVersion::V4 | MetadataVersion::V5 => Ok(message),
        _ => Err(Error::Unsupported { what: OTHER_VERSION }),
    }
}

/// The footer of a file that is a valid flatbuffer.
pub(crate) fn footer<'a>(footer: &'a [u8], limits: &MessageLimits) -> Result<Verified<Footer<'a>>, Error> {
    Verified::footer(footer, limits).map_err(|error| match error {
        error @ VerifyError::TooLong { .. } => refused(error),
        VerifyError::Unfolds { source } | VerifyError::Invalid { source } => {
            Error::format(FormatProblem::Footer { source })
        }
        error => Error::format(FormatProblem::Footer { source: error.into() }),
    })
}

fn refused(error: VerifyError) -> Error {
    match error {
        VerifyError::TooLong { length, limit } => Error::Limit { what: "bytes of header", limit, actual: length },
        VerifyError::TooDeep { depth, limit } => {
            Error::Limit { what: "levels of a schema's types", limit, actual: depth }
        }
        VerifyError::Unfolds { source } | VerifyError::Invalid { source } => Error::Header { source },
        error => Error::Header { source: error.into() },
    }
}

/// Why a message of a kind that is neither schema nor batch is refused.
pub(crate) fn other_kind(kind: MessageHeader) -> Error {
    match kind {
        MessageHeader::Tensor | MessageHeader::SparseTensor => Error::Unsupported { what: "a tensor message" },
        MessageHeader::NONE => Error::Missing { part: "kind" },
        _ => Error::Unsupported { what: "a message of an unknown kind" },
    }
}
