//! `Outcome`: how a call ended.

use std::time::Duration;

use http::HeaderMap;

use super::call_counter::{CallCounter, Traffic};
use super::code::Code;
use crate::FlightError;

/// How a call ended, at either end: what middleware and observers get, once for every call.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Outcome {
    /// The gRPC code of the status.
    pub code: Code,
    /// The error; `None` if the code is [`Code::Ok`].
    pub error: Option<FlightError>,
    /// The headers of the response: those that a server sent, those that a client received. Empty where the call ended
    /// before them.
    pub headers: HeaderMap,
    /// The trailers of the response, without `grpc-status` and `grpc-message`. Empty where the call ended without them.
    pub trailers: HeaderMap,
    /// From the start of the call to its end: on a server from its first stage, on a client from its first middleware.
    pub elapsed: Duration,
    /// What this end sent.
    pub sent: Traffic,
    /// What this end received.
    pub received: Traffic,
}

impl Outcome {
    /// The outcome of a call that ended with a code, and with an error unless that is [`Code::Ok`].
    pub fn new(code: Code, error: Option<FlightError>, elapsed: Duration, counter: &CallCounter) -> Self {
        let (headers, trailers) = (HeaderMap::new(), HeaderMap::new());
        Self { code, error, headers, trailers, elapsed, sent: counter.sent(), received: counter.received() }
    }
}
