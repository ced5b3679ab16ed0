//! The errors of Flight as statuses, both ways: each kind with Arrow's status code and Flight's name for it.

use bytes::Bytes;
use http::HeaderMap;
use peregrine_proto::{Code, FlightError, FlightErrorKind as Kind, binary_metadata_text, first_binary_metadata};

use super::Status;

/// Arrow's status code, as C++ numbers it. Its presence is what makes a C++ client look for the trailers below.
pub(super) const ARROW_STATUS: &str = "x-arrow-status";
/// The message without the part that names Flight's code.
pub(super) const ARROW_MESSAGE: &str = "x-arrow-status-message-bin";
/// The name of Flight's code.
pub(super) const ARROW_DETAIL: &str = "x-arrow-status-detail-bin";
/// The `extra_info` of the error, raw.
pub(super) const EXTRA_INFO: &str = "grpc-status-details-bin";

/// What stands between a message and the name of Flight's code in `grpc-message`.
const DETAIL_PREFIX: &str = ". Detail: ";

/// How Arrow writes one kind: its status code, and Flight's name if Flight has a code of its own for it. The gRPC code of
/// a kind is that of [`Code`].
struct ArrowStatus {
    kind: Kind,
    code: u8,
    detail: Option<&'static str>,
}

const fn row(kind: Kind, code: u8, detail: Option<&'static str>) -> ArrowStatus {
    ArrowStatus { kind, code, detail }
}

/// Every kind once.
const TABLE: [ArrowStatus; 17] = [
    row(Kind::Cancelled, 5, Some("Cancelled")),
    row(Kind::Failed, 5, Some("Failed")),
    row(Kind::Unknown, 9, None),
    row(Kind::InvalidArgument, 4, None),
    row(Kind::TimedOut, 5, Some("TimedOut")),
    row(Kind::NotFound, 2, None),
    row(Kind::AlreadyExists, 45, None),
    row(Kind::Unauthorized, 5, Some("Unauthorized")),
    row(Kind::ResourceExhausted, 6, None),
    row(Kind::FailedPrecondition, 4, None),
    row(Kind::Aborted, 5, None),
    row(Kind::OutOfRange, 7, None),
    row(Kind::Unimplemented, 10, None),
    row(Kind::Internal, 5, Some("Internal")),
    row(Kind::Unavailable, 5, Some("Unavailable")),
    row(Kind::DataLoss, 5, None),
    row(Kind::Unauthenticated, 5, Some("Unauthenticated")),
];

/// What a kind that this table does not know yet is sent as.
const UNKNOWN: ArrowStatus = row(Kind::Unknown, 9, None);

impl From<FlightError> for Status {
    /// The status that tells a peer of any language about the error.
    fn from(error: FlightError) -> Self {
        let row = TABLE.iter().find(|row| row.kind == error.kind()).unwrap_or(&UNKNOWN);
        let mut metadata = HeaderMap::with_capacity(4);
        metadata.insert(ARROW_STATUS, u16::from(row.code).into());
        metadata.insert(ARROW_MESSAGE, binary_metadata_text(error.message().as_bytes()));
        if let Some(detail) = row.detail {
            metadata.insert(ARROW_DETAIL, binary_metadata_text(detail.as_bytes()));
        }
        if !error.extra_info().is_empty() {
            metadata.insert(EXTRA_INFO, binary_metadata_text(error.extra_info()));
        }
        let message = with_detail(error.message(), row.detail);
        Status::new(error.kind().into(), message).with_metadata(metadata).with_source(error)
    }
}

impl From<Status> for FlightError {
    /// The error that a peer of any language meant. An OK status, which is no error, becomes one of kind `Unknown`.
    fn from(mut status: Status) -> Self {
        // An error that never left this side comes out as it went in.
        if let Some(error) = status.source.as_deref().and_then(|source| source.downcast_ref::<FlightError>()) {
            return error.clone();
        }
        let arrow = status.metadata().get(ARROW_STATUS).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let message = match first_binary_metadata(status.metadata(), ARROW_MESSAGE) {
            // Whole as it is: whatever it ends with is what the application said.
            Some(Ok(message)) if arrow.is_some() => String::from_utf8_lossy(&message).into_owned(),
            _ => without_detail(&status.message).to_owned(),
        };
        let extra_info = match first_binary_metadata(status.metadata(), EXTRA_INFO) {
            Some(Ok(extra_info)) => extra_info,
            Some(Err(_)) | None => Bytes::new(),
        };
        let error = FlightError::new(kind_of(status.code, arrow), message).with_extra_info(extra_info);
        match status.source.take() {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}

fn kind_of(code: Code, arrow: Option<u8>) -> Kind {
    match (code, arrow) {
        (Code::Unknown, Some(9)) => Kind::Unknown,
        _ => code.into(),
    }
}

pub(super) fn with_detail(message: &str, detail: Option<&str>) -> String {
    match detail {
        Some(detail) => format!("{message}{DETAIL_PREFIX}{detail}"),
        None => message.to_owned(),
    }
}

/// Cuts the name of Flight's code off, which we and C++ add to `grpc-message`.
fn without_detail(message: &str) -> &str {
    let names = TABLE.iter().filter_map(|row| row.detail);
    names.filter_map(|name| message.strip_suffix(name)?.strip_suffix(DETAIL_PREFIX)).next().unwrap_or(message)
}
