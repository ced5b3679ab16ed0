//! The tasks that drive streams: hyper's own futures, each wrapped so that its call can end it from outside.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::Executor;
use peregrine_proto::Code;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use tokio_util::task::TaskTracker;

use super::side::Side;
use super::token::{CallToken, deadline_exceeded};
use crate::grpc::status::Status;
use crate::mutex::Mutex;

/// How long a call that has ended may still try to tell its peer the status. A peer that opens no window in this time
/// gets a reset.
const GRACE: Duration = Duration::from_millis(500);

/// Where a call waits for the future that hyper is about to spawn for it. hyper makes both from the connection's task,
/// one right after the other, so one place a connection is enough.
#[derive(Clone, Default)]
pub(crate) struct NextCall {
    slot: Arc<Mutex<Option<(CallToken, Side)>>>,
}

impl NextCall {
    pub(crate) fn put(&self, token: CallToken, side: Side) {
        *self.slot.lock() = Some((token, side));
    }

    fn take(&self) -> Option<(CallToken, Side)> {
        self.slot.lock().take()
    }
}

/// Spawns hyper's futures on tokio, each in a task of its own, wrapped if a call waits for it.
#[derive(Clone, Default)]
pub(crate) struct StreamExecutor {
    pub(crate) next: NextCall,
    pub(crate) tracker: TaskTracker,
}

impl<F> Executor<F> for StreamExecutor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        match self.next.take() {
            Some((token, side)) => self.tracker.spawn(Drive::new(future, token, side)),
            None => self.tracker.spawn(future),
        };
    }
}

pin_project! {
    /// Drives one future of one call; drops it when the call has ended and it does not.
    struct Drive<F> {
        #[pin]
        future: F,
        call: DrivenCall,
        deadline: Option<Pin<Box<Sleep>>>,
        grace: Option<Pin<Box<Sleep>>>,
    }
}

/// A call as what drives it knows it. On a server the call ends when that is gone, however that came
/// about; on a client a request may be sent long before the reply is read.
pub(crate) struct DrivenCall {
    pub(crate) token: CallToken,
    pub(crate) side: Side,
}

impl Drop for DrivenCall {
    fn drop(&mut self) {
        if self.side == Side::Server {
            // No effect where the call is finished, or knows better why it was cancelled.
            self.token.cancel(Status::new(Code::Cancelled, "the peer reset the stream or the connection was lost"));
        }
    }
}

impl<F> Drive<F> {
    fn new(future: F, token: CallToken, side: Side) -> Self {
        let deadline = token.deadline().map(|deadline| Box::pin(sleep_until(Instant::from_std(deadline))));
        Self { future, call: DrivenCall { token, side }, deadline, grace: None }
    }
}

impl<F: Future<Output = ()>> Future for Drive<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let token = &this.call.token;
        if this.deadline.as_mut().is_some_and(|deadline| deadline.as_mut().poll(cx).is_ready()) {
            *this.deadline = None;
            token.cancel(deadline_exceeded());
        }
        let ended = token.watch_end(cx.waker());
        if ended && this.call.side == Side::Client {
            return Poll::Ready(());
        }
        if this.future.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if !ended {
            return Poll::Pending;
        }
        // The future was polled after the end and is still there: it waits for window that the peer does not open.
        this.grace.get_or_insert_with(|| Box::pin(sleep(GRACE))).as_mut().poll(cx)
    }
}
