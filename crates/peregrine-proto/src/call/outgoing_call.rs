//! `OutgoingCall`: a call as a client makes it.

use std::time::Instant;

use http::HeaderMap;

use super::extensions::Extensions;
use super::metadata::append_metadata;
use crate::{FlightError, FlightMethod};

/// A call that a client is about to send. Authentication and middleware see it and may add headers.
///
/// ```
/// use http::HeaderMap;
/// use peregrine_proto::{FlightMethod, OutgoingCall};
///
/// let mut call = OutgoingCall::new(FlightMethod::DoGet, HeaderMap::new(), None);
/// call.add_header("x-request-id", "17")?;
/// assert_eq!(call.headers()["x-request-id"], "17");
/// # Ok::<(), peregrine_proto::FlightError>(())
/// ```
#[derive(Debug)]
pub struct OutgoingCall {
    method: FlightMethod,
    headers: HeaderMap,
    deadline: Option<Instant>,
    extensions: Extensions,
}

impl OutgoingCall {
    /// A call with the headers of the application.
    pub fn new(method: FlightMethod, headers: HeaderMap, deadline: Option<Instant>) -> Self {
        Self { method, headers, deadline, extensions: Extensions::default() }
    }

    /// The method that is called.
    pub fn method(&self) -> FlightMethod {
        self.method
    }

    /// The request's headers so far, values as on the wire.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The request's headers, to change them.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    /// Adds a header. Names in `-bin` take any bytes, others printable ASCII; a name may be added several times.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::FlightErrorKind::InvalidArgument) for a name or value that gRPC does not allow.
    pub fn add_header(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), FlightError> {
        append_metadata(&mut self.headers, name, value)
    }

    /// When the call must be done.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Values that one stage leaves for the next, while the call begins.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }
}
