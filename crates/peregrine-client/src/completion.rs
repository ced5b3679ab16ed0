//! What accompanies one call of a client, from its start to its one end.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use http::HeaderMap;
use peregrine_proto::{CallCounter, ClientCallHooks, ClientMiddlewareStage, Code, FlightError, Outcome, OutgoingCall};
use peregrine_transport::{CallObserver, Mutex, Status, run_guarded};
use tokio::time::Instant;

/// The hooks of one call, which see its headers and its end.
pub(crate) struct Completion {
    hooks: Vec<Box<dyn ClientCallHooks>>,
    started: Instant,
    counter: Arc<CallCounter>,
    progress: Mutex<Progress>,
}

/// How far a call is: its headers and its end may come from two tasks at once.
#[derive(Default)]
struct Progress {
    received_headers: HeaderMap,
    /// The hooks are about the headers.
    in_headers: bool,
    /// How the call ended, where the hooks were about the headers then.
    pending: Option<Status>,
    has_ended: bool,
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
        let mut completion = Self { hooks, started, counter: Arc::clone(counter), progress: Mutex::default() };
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

impl Completion {
    fn complete(&self, status: &Status) {
        let error = (status.code() != Code::Ok).then(|| FlightError::from(status.clone()));
        let mut outcome = Outcome::new(status.code(), error, self.started.elapsed(), &self.counter);
        outcome.headers = std::mem::take(&mut self.progress.lock().received_headers);
        // A status that was made of an error of this side did not arrive, and neither did its trailers.
        if !status.source().is_some_and(|source| source.is::<FlightError>()) {
            outcome.trailers = status.metadata().clone();
        }
        for hooks in self.hooks.iter().rev() {
            run_guarded("middleware", || hooks.call_completed(&outcome));
        }
    }
}

impl CallObserver for Completion {
    fn on_headers(&self, headers: &HeaderMap) {
        let mut progress = self.progress.lock();
        if progress.has_ended {
            return;
        }
        progress.in_headers = true;
        progress.received_headers = headers.clone();
        drop(progress);
        for hooks in &self.hooks {
            run_guarded("middleware", || hooks.received_headers(headers));
        }
        let mut progress = self.progress.lock();
        progress.in_headers = false;
        let pending = progress.pending.take();
        drop(progress);
        if let Some(status) = pending {
            self.complete(&status);
        }
    }

    fn on_end(&self, status: &Status) {
        let mut progress = self.progress.lock();
        if std::mem::replace(&mut progress.has_ended, true) {
            return;
        }
        if progress.in_headers {
            progress.pending = Some(status.clone());
            return;
        }
        drop(progress);
        self.complete(status);
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
