//! The error of a message that its writer may not send for its size.

use std::error::Error;
use std::fmt;

use peregrine_proto::FlightError;

/// A message was larger than the writer's limit. It was not sent, and the stream goes on as if it had never been
/// written.
///
/// It is the [source](Error::source) of a [`FlightError`] of kind
/// [`InvalidArgument`](peregrine_proto::FlightErrorKind::InvalidArgument):
///
/// ```
/// use std::error::Error;
///
/// use peregrine_proto::FlightError;
/// use peregrine_stream::WriteSizeExceeded;
///
/// let error = FlightError::from(WriteSizeExceeded { limit: 4096, actual: 6336 });
/// let exceeded = error.source().and_then(|source| source.downcast_ref::<WriteSizeExceeded>());
/// assert_eq!(exceeded.map(|exceeded| exceeded.actual), Some(6336));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteSizeExceeded {
    /// The most bytes that a message may have: IPC header, body and metadata together.
    pub limit: usize,
    /// How many it has.
    pub actual: usize,
}

impl fmt::Display for WriteSizeExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, actual } = self;
        write!(f, "a message of {actual} bytes is over the writer's limit of {limit} bytes and was not sent")
    }
}

impl Error for WriteSizeExceeded {}

impl From<WriteSizeExceeded> for FlightError {
    fn from(exceeded: WriteSizeExceeded) -> Self {
        Self::invalid_argument(exceeded.to_string()).with_source(exceeded)
    }
}
