//! The lengths that messages state, against the limits and the bytes at hand.

use arrow_ipc::Message;
use peregrine_proto::{MessageLimits, Verified};

use crate::error::Error;

/// Fails for a header over the limit, before its bytes are read.
pub(crate) fn header_length(length: usize, limits: &MessageLimits) -> Result<(), Error> {
    let limit = limits.header;
    if length > limit { Err(Error::Limit { what: "bytes of header", limit, actual: length }) } else { Ok(()) }
}

/// Fails for a message over the limit.
pub(crate) fn message_length(header: usize, body: usize, limits: &MessageLimits) -> Result<(), Error> {
    let (limit, actual) = (limits.message, header.saturating_add(body));
    if actual > limit { Err(Error::Limit { what: "bytes of a message", limit, actual }) } else { Ok(()) }
}

/// The length of the body, as far as the bytes at hand have it.
pub(crate) fn body_length(message: Verified<Message<'_>>, actual: usize) -> Result<usize, Error> {
    let stated = message.get().bodyLength();
    match usize::try_from(stated) {
        Ok(length) if length <= actual => Ok(length),
        _ => Err(Error::BodyLength { stated, actual }),
    }
}
