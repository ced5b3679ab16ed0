//! What accompanies one call at a server, from its start to its one end.

use std::sync::Arc;

use http::HeaderMap;
use peregrine_proto::{CallCounter, CallInfo, Code, FlightError, Outcome, ServerCallHooks};
use peregrine_transport::{CallObserver, CallToken, Mutex, Status, run_guarded};
use tokio::time::Instant;
use tracing::Level;

use crate::settings::ServerStages;

/// The hooks and observers of one call.
pub(crate) struct Completion {
    call: Arc<CallInfo>,
    stages: Arc<ServerStages>,
    started: Instant,
    counter: Arc<CallCounter>,
    state: Mutex<CompletionState>,
}

#[derive(Default)]
struct CompletionState {
    hooks: Vec<Arc<dyn ServerCallHooks>>,
    sent_headers: HeaderMap,
    /// The hooks are about the headers.
    in_headers: bool,
    /// How the call ended, where the hooks were about the headers then.
    pending: Option<Status>,
    outcome: Option<Arc<Outcome>>,
}

impl Completion {
    /// Watches a call to its end; `None` where neither a stage nor the log wants to know.
    pub(crate) fn watch(
        call: &Arc<CallInfo>,
        stages: &Arc<ServerStages>,
        token: &CallToken,
        counter: &Arc<CallCounter>,
    ) -> Option<Arc<Self>> {
        if !stages.see_ends() && !tracing::enabled!(Level::DEBUG) {
            return None;
        }
        let completion = Arc::new(Self {
            call: Arc::clone(call),
            stages: Arc::clone(stages),
            started: Instant::now(),
            counter: Arc::clone(counter),
            state: Mutex::default(),
        });
        token.observe(completion.clone());
        Some(completion)
    }

    /// Starts the hooks of the call, in order.
    ///
    /// # Errors
    /// That of the stage that refuses the call. The hooks before it see it as the outcome.
    pub(crate) fn start_hooks(&self) -> Result<(), FlightError> {
        for stage in &self.stages.middleware {
            let Some(hooks) = stage.start_call(&self.call)? else { continue };
            let hooks = Arc::<dyn ServerCallHooks>::from(hooks);
            let mut state = self.state.lock();
            let Some(outcome) = state.outcome.clone() else {
                state.hooks.push(hooks);
                continue;
            };
            // The call has ended while its hooks were started.
            drop(state);
            hooks.call_completed(&outcome);
            return Err(FlightError::cancelled("the call has ended"));
        }
        Ok(())
    }

    /// Has the hooks change the response headers, which are about to be sent. Not where the call has ended by then.
    pub(crate) fn sending_headers(&self, headers: &mut HeaderMap) {
        let mut state = self.state.lock();
        if state.outcome.is_some() {
            return;
        }
        state.in_headers = true;
        let hooks = state.hooks.clone();
        drop(state);
        let _done = HeadersDone { completion: self };
        for hooks in &hooks {
            hooks.sending_headers(headers);
        }
        self.state.lock().sent_headers = headers.clone();
    }

    fn complete(&self, status: &Status) {
        let error = (status.code() != Code::Ok).then(|| FlightError::from(status.clone()));
        let mut outcome = Outcome::new(status.code(), error, self.started.elapsed(), &self.counter);
        outcome.trailers = status.metadata().clone();
        let mut state = self.state.lock();
        outcome.headers = std::mem::take(&mut state.sent_headers);
        let outcome = Arc::new(outcome);
        state.outcome = Some(Arc::clone(&outcome));
        let hooks = std::mem::take(&mut state.hooks);
        // Foreign code runs below.
        drop(state);
        for hooks in hooks.iter().rev() {
            run_guarded("middleware", || hooks.call_completed(&outcome));
        }
        for observer in &self.stages.observers {
            run_guarded("an observer", || observer.call_ended(&self.call, &outcome));
        }
        tracing::debug!(
            path = self.call.path(),
            peer = %self.call.peer().address,
            code = outcome.code.name(),
            elapsed = ?outcome.elapsed,
            "call ended"
        );
    }
}

impl CallObserver for Completion {
    fn on_end(&self, status: &Status) {
        let mut state = self.state.lock();
        if state.in_headers {
            state.pending = Some(status.clone());
            return;
        }
        drop(state);
        self.complete(status);
    }
}

/// Completes a call that ended while its hooks were about the headers, also where one of them panicked.
struct HeadersDone<'a> {
    completion: &'a Completion,
}

impl Drop for HeadersDone<'_> {
    fn drop(&mut self) {
        let mut state = self.completion.state.lock();
        state.in_headers = false;
        let pending = state.pending.take();
        drop(state);
        if let Some(status) = pending {
            self.completion.complete(&status);
        }
    }
}
