//! The end of a channel that is closed: it is told to all of its calls.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use crate::call::token::{CallToken, WeakCallToken};
use crate::grpc::status::{Code, Status};

/// Whether a channel was closed, and the calls to tell of it.
#[derive(Default)]
pub(crate) struct Closing {
    closed: CancellationToken,
    /// Those that run, and some that have ended.
    calls: Mutex<Vec<WeakCallToken>>,
}

impl Closing {
    /// Refuses a call that begins after the end.
    pub(crate) fn check(&self) -> Result<(), Status> {
        if self.closed.is_cancelled() { Err(closed()) } else { Ok(()) }
    }

    /// The token of a call that begins, which ends with the channel.
    pub(crate) fn begin(&self, deadline: Option<Instant>) -> CallToken {
        let token = CallToken::new(deadline);
        let mut calls = self.calls();
        if self.closed.is_cancelled() {
            token.cancel(cut());
            return token;
        }
        if calls.len() == calls.capacity() {
            calls.retain(WeakCallToken::is_held);
        }
        calls.push(token.downgrade());
        token
    }

    /// Runs what the end cuts short.
    pub(crate) async fn run<T>(&self, future: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
        self.closed.run_until_cancelled(future).await.unwrap_or_else(|| Err(cut()))
    }

    /// Ends all calls.
    pub(crate) fn close(&self) {
        self.closed.cancel();
        let calls = std::mem::take(&mut *self.calls());
        for call in calls.iter().filter_map(WeakCallToken::upgrade) {
            call.cancel(cut());
        }
    }

    fn calls(&self) -> MutexGuard<'_, Vec<WeakCallToken>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a call is told that begins later.
pub(crate) fn closed() -> Status {
    Status::new(Code::InvalidArgument, "the client is closed")
}

/// What a call is told that runs.
pub(crate) fn cut() -> Status {
    Status::new(Code::Cancelled, "the client was closed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_have_ended_are_forgotten() {
        let closing = Closing::default();
        let held = closing.begin(None);
        for _ in 0..10_000 {
            drop(closing.begin(None));
        }
        assert!(closing.calls().len() < 10, "{} calls are remembered", closing.calls().len());
        closing.close();
        assert!(held.is_cancelled());
        assert!(closing.begin(None).is_cancelled(), "one that begins while it closes is told too");
    }
}
