//! The one error type of a Flight call, the same for both ends.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use arrow_schema::ArrowError;
use bytes::Bytes;

/// What went wrong with a call, as far as a caller can act on it.
///
/// Each kind stands for one gRPC status code, except that [`Failed`](Self::Failed) and [`Unknown`](Self::Unknown)
/// share `UNKNOWN` and are told apart by the `x-arrow-status` trailer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FlightErrorKind {
    /// The call was cancelled, by the caller or by a peer that reset it.
    Cancelled,
    /// The service failed for a reason of its own. A pyarrow client sees `FlightServerError`.
    Failed,
    /// An error without a kind that Flight knows.
    Unknown,
    /// The request itself is wrong, whatever the state of the service.
    InvalidArgument,
    /// The deadline of the call passed before it was done.
    TimedOut,
    /// No such flight, ticket, key or action.
    NotFound,
    /// What was to be created exists.
    AlreadyExists,
    /// The caller is known and may not do this.
    Unauthorized,
    /// A limit was reached: of a message's size, of memory, of streams.
    ResourceExhausted,
    /// The service is not in the state that the call needs.
    FailedPrecondition,
    /// The call lost a race and may be tried again from its beginning.
    Aborted,
    /// A position behind the end of what there is.
    OutOfRange,
    /// The service or this crate does not have the method or the feature.
    Unimplemented,
    /// An invariant was broken: a panic in a handler, a peer that breaks the protocol.
    Internal,
    /// The service cannot be reached or does not take calls now. Trying again may help.
    Unavailable,
    /// Data was lost or is broken for good.
    DataLoss,
    /// It is not known who calls.
    Unauthenticated,
}

impl FlightErrorKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Cancelled,
        Self::Failed,
        Self::Unknown,
        Self::InvalidArgument,
        Self::TimedOut,
        Self::NotFound,
        Self::AlreadyExists,
        Self::Unauthorized,
        Self::ResourceExhausted,
        Self::FailedPrecondition,
        Self::Aborted,
        Self::OutOfRange,
        Self::Unimplemented,
        Self::Internal,
        Self::Unavailable,
        Self::DataLoss,
        Self::Unauthenticated,
    ];

    /// The kind's name in Flight's words, as errors print it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::InvalidArgument => "invalid argument",
            Self::TimedOut => "timed out",
            Self::NotFound => "not found",
            Self::AlreadyExists => "already exists",
            Self::Unauthorized => "unauthorized",
            Self::ResourceExhausted => "resource exhausted",
            Self::FailedPrecondition => "failed precondition",
            Self::Aborted => "aborted",
            Self::OutOfRange => "out of range",
            Self::Unimplemented => "unimplemented",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::DataLoss => "data loss",
            Self::Unauthenticated => "unauthenticated",
        }
    }
}

impl fmt::Display for FlightErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The error of a Flight call: a kind to act on, a message to read, and bytes for the application.
///
/// It crosses the wire with its kind, message and [`extra_info`](Self::extra_info); the
/// [`source`](Error::source) stays on the side where it arose.
///
/// ```
/// use peregrine_proto::{FlightError, FlightErrorKind};
///
/// let error = FlightError::not_found("no flight named trips").with_extra_info(&b"\x01\x02"[..]);
/// assert_eq!(error.kind(), FlightErrorKind::NotFound);
/// assert_eq!(error.to_string(), "not found: no flight named trips");
/// ```
#[derive(Debug, Clone)]
pub struct FlightError {
    kind: FlightErrorKind,
    message: String,
    extra_info: Bytes,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// Writes one constructor a kind, so that call sites read `FlightError::not_found("...")`.
macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $kind:ident,)*) => {
        impl FlightError {
            $($(#[$doc])*
            pub fn $name(message: impl Into<String>) -> Self {
                Self::new(FlightErrorKind::$kind, message)
            })*
        }
    };
}

constructors! {
    /// An error of kind [`FlightErrorKind::Cancelled`].
    cancelled => Cancelled,
    /// An error of kind [`FlightErrorKind::Failed`].
    failed => Failed,
    /// An error of kind [`FlightErrorKind::InvalidArgument`].
    invalid_argument => InvalidArgument,
    /// An error of kind [`FlightErrorKind::TimedOut`].
    timed_out => TimedOut,
    /// An error of kind [`FlightErrorKind::NotFound`].
    not_found => NotFound,
    /// An error of kind [`FlightErrorKind::AlreadyExists`].
    already_exists => AlreadyExists,
    /// An error of kind [`FlightErrorKind::Unauthorized`].
    unauthorized => Unauthorized,
    /// An error of kind [`FlightErrorKind::ResourceExhausted`].
    resource_exhausted => ResourceExhausted,
    /// An error of kind [`FlightErrorKind::Unimplemented`].
    unimplemented => Unimplemented,
    /// An error of kind [`FlightErrorKind::Internal`].
    internal => Internal,
    /// An error of kind [`FlightErrorKind::Unavailable`].
    unavailable => Unavailable,
    /// An error of kind [`FlightErrorKind::Unauthenticated`].
    unauthenticated => Unauthenticated,
}

impl FlightError {
    /// An error of a kind, with a message that names what was wrong and where.
    pub fn new(kind: FlightErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), extra_info: Bytes::new(), source: None }
    }

    /// Adds bytes that the peer gets as they are (`grpc-status-details-bin`).
    #[must_use]
    pub fn with_extra_info(mut self, extra_info: impl Into<Bytes>) -> Self {
        self.extra_info = extra_info.into();
        self
    }

    /// Adds the error that caused this one. It stays on this side.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> FlightErrorKind {
        self.kind
    }

    /// The message, without the kind.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The application's bytes; empty if there are none.
    pub fn extra_info(&self) -> &Bytes {
        &self.extra_info
    }
}

impl fmt::Display for FlightError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl Error for FlightError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<ArrowError> for FlightError {
    /// Takes an error of arrow over. A `FlightError` inside of it comes out as it went in.
    fn from(error: ArrowError) -> Self {
        let kind = match error {
            ArrowError::ExternalError(source) => match source.downcast::<FlightError>() {
                Ok(error) => return *error,
                Err(source) => {
                    let message = source.to_string();
                    return Self::new(FlightErrorKind::Failed, message).with_source(source);
                }
            },
            ArrowError::NotYetImplemented(_) => FlightErrorKind::Unimplemented,
            ArrowError::InvalidArgumentError(_) | ArrowError::SchemaError(_) | ArrowError::ParseError(_) => {
                FlightErrorKind::InvalidArgument
            }
            _ => FlightErrorKind::Internal,
        };
        Self::new(kind, error.to_string()).with_source(error)
    }
}

impl From<Infallible> for FlightError {
    /// Never happens; it lets what converts without fail stand where what may fail does.
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flight_error_inside_an_arrow_error_comes_out_as_it_went_in() {
        let inner = FlightError::not_found("no flight").with_extra_info(&b"extra"[..]);
        let outer = FlightError::from(ArrowError::ExternalError(Box::new(inner)));
        assert_eq!(outer.kind(), FlightErrorKind::NotFound);
        assert_eq!(outer.message(), "no flight");
        assert_eq!(outer.extra_info().as_ref(), b"extra");
    }

    #[test]
    fn the_source_is_kept() {
        let error = FlightError::from(ArrowError::SchemaError("two columns".into()));
        assert_eq!(error.kind(), FlightErrorKind::InvalidArgument);
        assert!(error.source().is_some_and(|source| source.to_string().contains("two columns")));
    }
}
