//! The status that ends a call: a code, a message, and the trailers that go with it.

mod flight_table;
#[cfg(test)]
mod tests;
mod trailers;
mod without_status;

use std::error::Error;
use std::fmt;
use std::sync::{Arc, OnceLock};

use http::HeaderMap;
use peregrine_proto::Code;

pub(crate) use trailers::{GRPC_STATUS, from_trailers, into_trailers};
pub(crate) use without_status::{from_http, from_reset, from_transport, innermost, status_within, was_refused};

static NO_METADATA: OnceLock<HeaderMap> = OnceLock::new();

/// How a call ended: a gRPC code, a message, and trailing metadata.
///
/// A [`FlightError`](peregrine_proto::FlightError) converts into a status and back without losing its kind, message
/// and `extra_info`; those travel in the metadata.
///
/// ```
/// use peregrine_proto::{Code, FlightError, FlightErrorKind};
/// use peregrine_transport::Status;
///
/// let status = Status::from(FlightError::not_found("no flight named trips"));
/// assert_eq!(status.code(), Code::NotFound);
/// assert_eq!(FlightError::from(status).kind(), FlightErrorKind::NotFound);
/// ```
#[derive(Debug, Clone)]
pub struct Status {
    code: Code,
    message: String,
    /// Boxed, so that a `Result<_, Status>` stays small; `None` if there is none.
    metadata: Option<Box<HeaderMap>>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Status {
    /// The end of a call that went well.
    pub fn ok() -> Self {
        Self::new(Code::Ok, "")
    }

    /// A status with a code and a message.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), metadata: None, source: None }
    }

    /// Sets the trailers that go with the status.
    #[must_use]
    pub fn with_metadata(mut self, metadata: HeaderMap) -> Self {
        self.metadata = Some(Box::new(metadata)).filter(|metadata| !metadata.is_empty());
        self
    }

    /// Adds the error that caused this one. It stays on this side.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// The gRPC code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Whether the call went well.
    pub fn is_ok(&self) -> bool {
        self.code == Code::Ok
    }

    /// The message as gRPC carries it. Of a Flight error it ends with `. Detail: ` and the code's name, as C++ writes
    /// it.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The trailers, without `grpc-status` and `grpc-message`.
    pub fn metadata(&self) -> &HeaderMap {
        self.metadata.as_deref().unwrap_or_else(|| NO_METADATA.get_or_init(HeaderMap::new))
    }

    /// The trailers, to add to them. What is too large for 8 KiB of trailers is left out when they are sent.
    pub fn metadata_mut(&mut self) -> &mut HeaderMap {
        self.metadata.get_or_insert_default()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl Error for Status {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
