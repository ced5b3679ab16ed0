//! The calls of a channel that run, which end with the channel when it is closed.

use std::sync::Arc;
use std::time::Instant;

use peregrine_proto::Code;

use crate::call::token::{CallObserver, CallToken, WeakCallToken};
use crate::grpc::status::Status;
use crate::mutex::Mutex;

/// The calls that run, until the channel is closed.
#[derive(Default)]
pub(crate) struct OpenCalls {
    state: Mutex<CallList>,
}

#[derive(Default)]
struct CallList {
    is_closed: bool,
    /// Those that run, and some that have ended.
    calls: Vec<WeakCallToken>,
}

impl OpenCalls {
    /// Refuses a call that begins after the end.
    pub(crate) fn check(&self) -> Result<(), Status> {
        if self.state.lock().is_closed { Err(closed()) } else { Ok(()) }
    }

    /// The token of a call that begins, which ends with the channel.
    pub(crate) fn begin(
        &self,
        deadline: Option<Instant>,
        observer: Option<Arc<dyn CallObserver>>,
    ) -> Result<CallToken, Status> {
        let mut state = self.state.lock();
        if state.is_closed {
            drop(state);
            observer.iter().for_each(|observer| observer.on_end(&closed()));
            return Err(closed());
        }
        let token = CallToken::new(deadline, observer);
        if state.calls.len() == state.calls.capacity() {
            state.calls.retain(WeakCallToken::is_held);
        }
        state.calls.push(token.downgrade());
        Ok(token)
    }

    /// Ends all calls.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        let calls = std::mem::take(&mut state.calls);
        drop(state);
        for call in calls.iter().filter_map(WeakCallToken::upgrade) {
            call.cancel(cut());
        }
    }
}

/// The status of a call that begins later.
pub(crate) fn closed() -> Status {
    Status::new(Code::InvalidArgument, "the client is closed")
}

/// The status of a call that was running.
pub(crate) fn cut() -> Status {
    Status::new(Code::Cancelled, "the client was closed")
}
