//! Ends of calls that carry no gRPC status: HTTP answers, resets, lost connections. Mapped as gRPC specifies.

use std::error::Error;

use h2::Reason;
use http::StatusCode;
use peregrine_proto::{Code, FlightError};

use super::Status;

/// The status of an HTTP answer that has no `grpc-status`.
pub(crate) fn from_http(http: StatusCode) -> Status {
    let code = match http {
        StatusCode::BAD_REQUEST => Code::Internal,
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN => Code::PermissionDenied,
        StatusCode::NOT_FOUND => Code::Unimplemented,
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Code::Unavailable,
        // Not in gRPC's list; it is what servers say to headers that are too large.
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Code::ResourceExhausted,
        _ => Code::Unknown,
    };
    Status::new(code, format!("the peer responded with HTTP status {http} and without grpc-status"))
}

/// The status of a stream that was reset with an HTTP/2 error code.
pub(crate) fn from_reset(reason: Reason) -> Status {
    let code = match reason {
        Reason::REFUSED_STREAM => Code::Unavailable,
        Reason::CANCEL => Code::Cancelled,
        Reason::ENHANCE_YOUR_CALM => Code::ResourceExhausted,
        Reason::INADEQUATE_SECURITY => Code::PermissionDenied,
        _ => Code::Internal,
    };
    Status::new(code, format!("the peer reset the stream: {reason:?}"))
}

/// The status of a call that failed below gRPC, where h2's own error tells most.
pub(crate) fn from_transport(error: impl Into<Box<dyn Error + Send + Sync>>) -> Status {
    let error = error.into();
    let status = match h2_error(&*error) {
        Some(h2) => from_h2(h2),
        None => Status::new(Code::Unavailable, format!("the connection was lost: {}", innermost(&*error))),
    };
    status.with_source(error)
}

/// Whether the peer says that it has not looked at a call that failed before its headers came.
pub(crate) fn was_refused(error: &hyper::Error) -> bool {
    h2_error(error).is_some_and(|h2| {
        // h2 fails streams with the peer's GOAWAY only where it names a last stream below theirs. The others go on, and
        // fail with the end of the connection if it comes to that.
        h2.is_remote() && (h2.is_go_away() || h2.is_reset() && h2.reason() == Some(Reason::REFUSED_STREAM))
    })
}

fn h2_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a h2::Error> {
    let mut cause = Some(error);
    while let Some(current) = cause {
        if let Some(h2) = current.downcast_ref() {
            return Some(h2);
        }
        cause = current.source();
    }
    None
}

fn from_h2(error: &h2::Error) -> Status {
    match error.reason() {
        Some(reason) if error.is_reset() && error.is_remote() => from_reset(reason),
        Some(reason) if error.is_reset() => {
            Status::new(Code::Internal, format!("the stream was reset, the peer broke HTTP/2: {reason:?}"))
        }
        Some(reason) if error.is_go_away() && error.is_remote() => {
            Status::new(Code::Unavailable, format!("the peer closed the connection: {reason:?}"))
        }
        _ => Status::new(Code::Unavailable, format!("the connection was lost: {error}")),
    }
}

/// The error that started it, which says more than those around it.
pub(crate) fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost
}

/// The status that an error is or wraps, or that of the error of Flight there.
pub(crate) fn status_within(error: &(dyn Error + 'static)) -> Option<Status> {
    let mut cause = Some(error);
    while let Some(current) = cause {
        if let Some(status) = current.downcast_ref::<Status>() {
            return Some(status.clone());
        }
        if let Some(error) = current.downcast_ref::<FlightError>() {
            return Some(error.clone().into());
        }
        cause = current.source();
    }
    None
}
