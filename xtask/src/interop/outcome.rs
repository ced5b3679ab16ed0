//! What comes of a check.

use std::borrow::Cow;

use anyhow::Result;

/// What came of one check.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    Pass,
    /// With what was wrong.
    Fail(String),
    /// One of the two sides does not have it, with the reason.
    Lacking(Cow<'static, str>),
}

impl Outcome {
    /// As it stands in tables.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail(_) => "FAIL",
            Self::Lacking(_) => "lacking",
        }
    }
}

impl From<Result<()>> for Outcome {
    fn from(result: Result<()>) -> Self {
        match result {
            Ok(()) => Self::Pass,
            Err(error) => Self::Fail(format!("{error:#}")),
        }
    }
}

/// How many passed, failed, and are lacking.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) lacking: usize,
}

impl Counts {
    pub(super) fn add<'a>(&mut self, outcomes: impl IntoIterator<Item = &'a Outcome>) {
        for outcome in outcomes {
            *match outcome {
                Outcome::Pass => &mut self.passed,
                Outcome::Fail(_) => &mut self.failed,
                Outcome::Lacking(_) => &mut self.lacking,
            } += 1;
        }
    }
}
