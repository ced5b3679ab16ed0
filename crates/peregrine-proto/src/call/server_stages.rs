//! The stages of a call at a server that others fill: who calls, and what happens around the handler.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use http::HeaderMap;

use super::call_info::CallInfo;
use super::outcome::Outcome;
use crate::FlightError;

/// Who calls, as a [`ServerAuthStage`] found out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CallerIdentity(String);

impl CallerIdentity {
    /// The identity with a name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CallerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The first stage of a call: finds out who calls, or refuses the call. It runs for every call, methods that do not exist
/// included, before any middleware.
pub trait ServerAuthStage: Send + Sync + 'static {
    /// The identity of the caller; `None` where callers have none. The future is dropped when the call is cancelled or
    /// its deadline passes.
    ///
    /// # Errors
    /// The error that the call ends with: no middleware and no handler sees it.
    fn authenticate<'a>(
        &'a self,
        call: &'a CallInfo,
    ) -> Pin<Box<dyn Future<Output = Result<Option<CallerIdentity>, FlightError>> + Send + 'a>>;
}

/// The second stage: starts what accompanies a call. Stages start in the order in which they were added.
pub trait ServerMiddlewareStage: Send + Sync + 'static {
    /// The hooks of one call; `None` to leave the call alone. Must not block.
    ///
    /// # Errors
    /// The error that the call ends with. Stages that have started already see it as the call's outcome.
    fn start_call(&self, call: &CallInfo) -> Result<Option<Box<dyn ServerCallHooks>>, FlightError>;
}

/// What accompanies one call at a server. Hooks must not block.
pub trait ServerCallHooks: Send + Sync + 'static {
    /// The response headers are about to be sent, and may be changed: also those of a response that is an error. Not
    /// called for a call that was cancelled before.
    fn sending_headers(&self, _headers: &mut HeaderMap) {}

    /// The call has ended: exactly once for each call, however it ended. Of several hooks the last that started is first.
    fn call_completed(&self, outcome: &Outcome);
}

/// Sees the outcome of every call, those that were refused by authentication included: for logging and metrics. What a
/// tower layer responds to in place of the call, and requests that are no gRPC, are no calls.
pub trait ServerCallObserver: Send + Sync + 'static {
    /// The call has ended: exactly once for each call, after its middleware. Must not block.
    fn call_ended(&self, call: &CallInfo, outcome: &Outcome);
}
