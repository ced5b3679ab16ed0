//! The end of a call, told once however it came about.

use std::time::Instant;

use peregrine_transport::Status;

use crate::context::ServerCallContext;

/// Ends a call when it is used or dropped: a call that is dropped before its status was cut off by its caller or by
/// its deadline.
pub(crate) struct Finish {
    context: ServerCallContext,
    started: Instant,
    told: bool,
}

impl Finish {
    pub(crate) fn new(context: ServerCallContext) -> Self {
        Self { context, started: Instant::now(), told: false }
    }

    /// The call ended with a status.
    pub(crate) fn with(mut self, status: &Status) {
        self.tell(status.code().name());
    }

    fn tell(&mut self, code: &str) {
        self.told = true;
        tracing::debug!(
            method = self.context.method().name(),
            peer = %self.context.peer().address,
            code,
            elapsed = ?self.started.elapsed(),
            "call ended"
        );
    }
}

impl Drop for Finish {
    fn drop(&mut self) {
        if !self.told {
            self.tell("CANCELLED");
        }
    }
}
