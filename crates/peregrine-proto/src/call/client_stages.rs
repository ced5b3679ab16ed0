//! The stages of a call at a client that others fill: what proves who calls, and what happens around a call.

use std::future::Future;
use std::pin::Pin;

use http::HeaderMap;

use super::outcome::Outcome;
use super::outgoing_call::OutgoingCall;
use crate::FlightError;

/// The first stage of a call at a client: adds what proves to the server who calls.
pub trait ClientAuthStage: Send + Sync + 'static {
    /// Adds headers to a call. It may wait, for a token that has to be fetched first; the future is dropped when the
    /// call's deadline passes or the caller gives the call up.
    ///
    /// # Errors
    /// The error that the call ends with, before anything is sent and before any middleware starts.
    fn authorize<'a>(
        &'a self,
        call: &'a mut OutgoingCall,
    ) -> Pin<Box<dyn Future<Output = Result<(), FlightError>> + Send + 'a>>;
}

/// The second stage: starts what accompanies a call. Stages start in the order in which they were added.
pub trait ClientMiddlewareStage: Send + Sync + 'static {
    /// The hooks of one call; `None` to leave the call alone. Must not block.
    ///
    /// # Errors
    /// The error that the call ends with, before anything is sent. Stages that have started already see it as the call's
    /// outcome.
    fn start_call(&self, call: &OutgoingCall) -> Result<Option<Box<dyn ClientCallHooks>>, FlightError>;
}

/// What accompanies one call at a client, across all attempts to make it. Hooks must not block.
pub trait ClientCallHooks: Send + Sync + 'static {
    /// The request headers are about to be sent, and may be changed.
    fn sending_headers(&self, _headers: &mut HeaderMap) {}

    /// The response headers have arrived. Not called where the call ends without any.
    fn received_headers(&self, _headers: &HeaderMap) {}

    /// The call has ended: exactly once for each call, however it ended. Of several hooks the last that started is first.
    fn call_completed(&self, outcome: &Outcome);
}
