//! Why a client procedure failed: what was expected and what came.

use std::error::Error;
use std::fmt;

use peregrine_proto::FlightError;

/// A server does other than its scenario has it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ScenarioError {
    /// A call failed that had to succeed.
    Call {
        /// Which one.
        call: String,
        /// How it failed.
        source: FlightError,
    },
    /// The server answered, but not with what it had to.
    Answer {
        /// Of what the answer tells.
        what: String,
        /// What the scenario has there.
        expected: String,
        /// What the server has there.
        actual: String,
    },
}

impl ScenarioError {
    /// An answer that is not what it has to be.
    pub(super) fn answer(what: impl Into<String>, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        Self::Answer { what: what.into(), expected: expected.into(), actual: actual.into() }
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call { call, source } => write!(f, "{call} failed: {source}"),
            Self::Answer { what, expected, actual } => write!(f, "{what}: expected {expected}, got {actual}"),
        }
    }
}

impl Error for ScenarioError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // The call's own error is in the text.
            Self::Call { source, .. } => source.source(),
            Self::Answer { .. } => None,
        }
    }
}

/// Says which call it was that failed.
pub(super) trait During<T> {
    fn during(self, call: impl Into<String>) -> Result<T, ScenarioError>;
}

impl<T> During<T> for Result<T, FlightError> {
    fn during(self, call: impl Into<String>) -> Result<T, ScenarioError> {
        self.map_err(|source| ScenarioError::Call { call: call.into(), source })
    }
}

/// Holds a part of an answer to the one value that it may have.
pub(super) fn expect_eq<T: PartialEq + fmt::Debug>(
    what: impl Into<String>,
    expected: T,
    actual: T,
) -> Result<(), ScenarioError> {
    match expected == actual {
        true => Ok(()),
        false => Err(ScenarioError::answer(what, format!("{expected:?}"), format!("{actual:?}"))),
    }
}

/// Holds a part of an answer to a rule, which `expected` puts in words.
pub(super) fn expect(
    what: impl Into<String>,
    expected: &str,
    holds: bool,
    actual: impl fmt::Debug,
) -> Result<(), ScenarioError> {
    match holds {
        true => Ok(()),
        false => Err(ScenarioError::answer(what, expected, format!("{actual:?}"))),
    }
}
