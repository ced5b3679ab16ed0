//! The data and the errors of the interop service, the same as in `python/interop_service.py`.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use peregrine::proto::{FlightError, FlightErrorKind as Kind};

/// The kinds that servers of all languages can raise, by name.
pub const ERROR_KINDS: [&str; 12] = [
    "internal",
    "timed-out",
    "cancelled",
    "failed",
    "unauthenticated",
    "unauthorized",
    "unavailable",
    "unknown",
    "invalid-argument",
    "not-found",
    "unimplemented",
    "failed-without-extra",
];

/// The error that the service raises for a name; `None` for a name that it does not know.
pub fn error(name: &str) -> Option<FlightError> {
    let (kind, extra_info) = match name {
        "internal" => (Kind::Internal, true),
        "timed-out" => (Kind::TimedOut, true),
        "cancelled" => (Kind::Cancelled, true),
        "failed" => (Kind::Failed, true),
        "unauthenticated" => (Kind::Unauthenticated, true),
        "unauthorized" => (Kind::Unauthorized, true),
        "unavailable" => (Kind::Unavailable, true),
        "unknown" => (Kind::Unknown, false),
        "invalid-argument" => (Kind::InvalidArgument, false),
        "not-found" => (Kind::NotFound, false),
        "unimplemented" => (Kind::Unimplemented, false),
        "failed-without-extra" => (Kind::Failed, false),
        "already-exists" => (Kind::AlreadyExists, false),
        "resource-exhausted" => (Kind::ResourceExhausted, false),
        "failed-precondition" => (Kind::FailedPrecondition, false),
        "aborted" => (Kind::Aborted, false),
        "out-of-range" => (Kind::OutOfRange, false),
        "data-loss" => (Kind::DataLoss, false),
        _ => return None,
    };
    // pyarrow's server puts this before the text of errors without a kind.
    let prefix = if kind == Kind::Unknown { "Flight error: " } else { "" };
    let error = FlightError::new(kind, format!("{prefix}{name}: größer als 1 % "));
    Some(if extra_info { error.with_extra_info(&b"\x00\xffextra\x80"[..]) } else { error })
}

/// The schema of [`numbers`].
pub fn numbers_schema() -> SchemaRef {
    let metadata = HashMap::from([("made".into(), "for interop".into())]);
    Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]).with_metadata(metadata))
}

/// Three rows that count from `first`.
pub fn numbers(first: i64) -> RecordBatch {
    counted(first..first + 3)
}

/// Rows that count.
pub fn counted(range: Range<i64>) -> RecordBatch {
    let values = Int64Array::from_iter_values(range);
    RecordBatch::try_new(numbers_schema(), vec![Arc::new(values)]).expect("the column is the schema's")
}

/// The schema of [`words`].
pub fn words_schema() -> SchemaRef {
    let words = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    Arc::new(Schema::new(vec![Field::new("word", words, true)]))
}

/// Three rows: the first two words of a dictionary, and null.
pub fn words(dictionary: &[&str]) -> RecordBatch {
    let keys = Int32Array::from(vec![Some(0), Some(1), None]);
    let values = StringArray::from_iter_values(dictionary);
    let words =
        DictionaryArray::<Int32Type>::try_new(keys, Arc::new(values)).expect("a dictionary of two words or more");
    RecordBatch::try_new(words_schema(), vec![Arc::new(words)]).expect("the column is the schema's")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_an_error_that_names_it() {
        for name in ERROR_KINDS {
            assert!(error(name).unwrap().message().contains(name));
        }
        assert!(error("nothing").is_none());
    }
}
