//! Why a schema is not read, in words.

use crate::error::FlightError;

pub(super) fn malformed(what: impl std::fmt::Display) -> FlightError {
    FlightError::invalid_argument(format!("cannot read a schema: {what}"))
}

pub(super) fn too_deep(limit: usize) -> FlightError {
    exhausted(format!("its types nest deeper than the limit of {limit}"))
}

pub(super) fn exhausted(what: String) -> FlightError {
    FlightError::resource_exhausted(format!("cannot read a schema: {what}"))
}
