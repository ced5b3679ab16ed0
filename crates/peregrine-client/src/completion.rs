//! What accompanies one call of a client, from its start to its one end.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderMap;
use peregrine_proto::{CallCounter, ClientCallHooks, ClientMiddlewareStage, Code, FlightError, Outcome, OutgoingCall};
use peregrine_transport::{CallObserver, Mutex, Status, run_guarded};
use tokio::time::Instant;

/// The hooks of one call, which see its headers and its end.
pub(crate) struct Completion {
    hooks: Vec<Box<dyn ClientCallHooks>>,
    started: Instant,
    counter: Arc<CallCounter>,
    received_headers: Mutex<HeaderMap>,
    has_ended: AtomicBool,
}

impl Completion {
    /// Starts the hooks of a call, in order, and lets them change its headers.
    ///
    /// # Errors
    /// That of the stage that refuses the call; the hooks before it have seen it as the outcome.
    pub(crate) fn start(
        stages: &[Arc<dyn ClientMiddlewareStage>],
        call: &mut OutgoingCall,
        counter: &Arc<CallCounter>,
    ) -> Result<Self, FlightError> {
        let (hooks, started) = (Vec::with_capacity(stages.len()), Instant::now());
        let mut completion = Self {
            hooks,
            started,
            counter: Arc::clone(counter),
            received_headers: Mutex::default(),
            has_ended: AtomicBool::new(false),
        };
        for stage in stages {
            match stage.start_call(call) {
                Ok(hooks) => completion.hooks.extend(hooks),
                Err(error) => {
                    completion.on_end(&error.clone().into());
                    return Err(error);
                }
            }
        }
        for hooks in &completion.hooks {
            hooks.sending_headers(call.headers_mut());
        }
        Ok(completion)
    }
}

impl CallObserver for Completion {
    fn on_headers(&self, headers: &HeaderMap) {
        *self.received_headers.lock() = headers.clone();
        for hooks in &self.hooks {
            hooks.received_headers(headers);
        }
    }

    fn on_end(&self, status: &Status) {
        if self.has_ended.swap(true, Ordering::AcqRel) {
            return;
        }
        let error = (status.code() != Code::Ok).then(|| FlightError::from(status.clone()));
        let mut outcome = Outcome::new(status.code(), error, self.started.elapsed(), &self.counter);
        outcome.headers = std::mem::take(&mut *self.received_headers.lock());
        // A status that was made of an error of this side did not arrive, and neither did its trailers.
        if !status.source().is_some_and(|source| source.is::<FlightError>()) {
            outcome.trailers = status.metadata().clone();
        }
        for hooks in self.hooks.iter().rev() {
            run_guarded("middleware", || hooks.call_completed(&outcome));
        }
    }
}

/// A call that was given up between its beginning and its start.
impl Drop for Completion {
    fn drop(&mut self) {
        self.on_end(&Status::new(Code::Cancelled, "the call was given up before it was sent"));
    }
}

impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completion").field("hooks", &self.hooks.len()).finish_non_exhaustive()
    }
}
