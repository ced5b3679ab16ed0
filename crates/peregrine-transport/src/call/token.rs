//! The token of a call: how its end is told to everything that belongs to it, from whichever side it comes.

use std::fmt;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use http_body::Body;
use tokio::runtime::Handle;
use tokio::task::coop::consume_budget;
use tokio_util::sync::CancellationToken;

use crate::call::held_body::HeldBody;
use crate::grpc::status::{Code, Status};

/// Tells whether a call still runs, and ends it from outside. Clones are the same token.
///
/// A call ends once: it is *finished* when its status is on the way or has arrived, and *cancelled* when the peer
/// reset it, the connection was lost, its deadline passed, or someone called [`cancel`](Self::cancel). Whichever comes
/// first stands.
#[derive(Clone)]
pub struct CallToken {
    call: Arc<Call>,
}

struct Call {
    deadline: Option<Instant>,
    /// On a client: whether the connection has asked for the request's messages.
    request_has_begun: AtomicBool,
    state: Mutex<State>,
    ended: CancellationToken,
}

#[derive(Default)]
struct State {
    ending: Option<Ending>,
    /// The incoming body. It is here and not in its reader so that the end of the call can drop it: the stream is
    /// reset only when no part of it is held any more.
    body: Option<HeldBody>,
    /// Who waits for the body.
    reader: Option<Waker>,
    /// The task that drives the stream.
    driver: Option<Waker>,
    /// The token of the attempt that this call is, to be cancelled with it.
    linked: Option<CallToken>,
}

#[derive(Clone)]
enum Ending {
    Finished,
    Cancelled(Status),
}

impl Ending {
    /// Why the call was cancelled, if it was.
    fn status(&self) -> Option<Status> {
        match self {
            Self::Finished => None,
            Self::Cancelled(status) => Some(status.clone()),
        }
    }
}

impl CallToken {
    pub(crate) fn new(deadline: Option<Instant>) -> Self {
        let call = Call {
            deadline,
            request_has_begun: AtomicBool::new(false),
            state: Mutex::default(),
            ended: CancellationToken::new(),
        };
        Self { call: Arc::new(call) }
    }

    /// The token for those who must not keep it.
    pub(crate) fn downgrade(&self) -> WeakCallToken {
        WeakCallToken { call: Arc::downgrade(&self.call) }
    }

    /// From here on the server may have seen some of the request.
    pub(crate) fn begin_request(&self) {
        self.call.request_has_begun.store(true, Ordering::Release);
    }

    /// Whether the server may have seen some of the request.
    pub(crate) fn request_has_begun(&self) -> bool {
        self.call.request_has_begun.load(Ordering::Acquire)
    }

    /// When the call must be done.
    pub fn deadline(&self) -> Option<Instant> {
        self.call.deadline
    }

    /// Ends the call. On a server the peer gets the status if it still reads, and else a reset of the stream; on a
    /// client the stream is reset and its reader gets the status. Does nothing to a call that has ended.
    pub fn cancel(&self, status: Status) {
        self.end(Ending::Cancelled(status));
    }

    /// Whether the call was cancelled. False for one that runs or is finished.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled_with().is_some()
    }

    /// Why the call was cancelled, if it was.
    pub fn cancelled_with(&self) -> Option<Status> {
        self.state().ending.as_ref().and_then(Ending::status)
    }

    /// Waits until the call is cancelled; for ever, if it finishes. A task of its own should wait for
    /// [`ended`](Self::ended), or it outlives the call.
    pub async fn cancelled(&self) -> Status {
        self.ended().await;
        match self.cancelled_with() {
            Some(status) => status,
            None => pending().await,
        }
    }

    /// Waits until the call has ended, in either way.
    pub async fn ended(&self) {
        self.call.ended.cancelled().await;
    }

    /// Whether the call has ended, in either way.
    pub fn is_ended(&self) -> bool {
        self.call.ended.is_cancelled()
    }

    /// Ends the call as one that went its way.
    pub(crate) fn finish(&self) {
        self.end(Ending::Finished);
    }

    /// Cancels `attempt` with this call from now on.
    pub(crate) fn link(&self, attempt: &Self) {
        let mut state = self.state();
        match &state.ending {
            None => state.linked = Some(attempt.clone()),
            Some(Ending::Finished) => {}
            Some(Ending::Cancelled(status)) => {
                let status = status.clone();
                drop(state);
                attempt.cancel(status);
            }
        }
    }

    /// Gives the incoming body into the token's care. A call that has ended drops it.
    pub(crate) fn hold_body(&self, body: impl Into<HeldBody>) {
        let mut state = self.state();
        if state.ending.is_none() {
            state.body = Some(body.into());
        }
    }

    /// Drops the incoming body without ending the call: the rest of what the peer sends is thrown away.
    pub(crate) fn drop_body(&self) {
        let body = self.state().body.take();
        drop(body);
    }

    /// Throws away what the peer still sends, in the background: a body that is dropped opens no window, and a peer that
    /// writes all before it reads would wait for ever.
    pub(crate) fn drain_body(&self) {
        if self.state().body.as_ref().is_none_or(Body::is_end_stream) {
            return self.drop_body();
        }
        let Ok(runtime) = Handle::try_current() else { return self.drop_body() };
        let token = self.clone();
        runtime.spawn(async move {
            let next = |cx: &mut Context<'_>| {
                let polled = token.with_body(cx.waker(), |body| Pin::new(body).poll_frame(cx));
                polled.unwrap_or(Poll::Ready(None))
            };
            while let Some(Ok(_)) = poll_fn(next).await {
                consume_budget().await;
            }
            token.drop_body();
        });
    }

    /// Runs `poll` on the incoming body, if it is still there. The waker is kept, and woken when the body is taken
    /// away.
    pub(crate) fn with_body<T>(&self, waker: &Waker, poll: impl FnOnce(&mut HeldBody) -> T) -> Option<T> {
        let mut state = self.state();
        keep(&mut state.reader, waker);
        state.body.as_mut().map(poll)
    }

    /// Whether the incoming body is there and says that it has ended.
    pub(crate) fn body_has_ended(&self) -> bool {
        self.state().body.as_ref().is_some_and(Body::is_end_stream)
    }

    /// Keeps the waker of the task that drives the stream, to be woken when the call ends. True if it has ended.
    pub(crate) fn watch_end(&self, waker: &Waker) -> bool {
        let mut state = self.state();
        keep(&mut state.driver, waker);
        state.ending.is_some()
    }

    fn end(&self, ending: Ending) {
        let mut state = self.state();
        if state.ending.is_some() {
            return;
        }
        let linked = state.linked.take().zip(ending.status());
        state.ending = Some(ending);
        let (body, reader, driver) = (state.body.take(), state.reader.take(), state.driver.take());
        // Foreign code runs below: h2's drop and wakers.
        drop(state);
        drop(body);
        if let Some((linked, status)) = linked {
            linked.cancel(status);
        }
        self.call.ended.cancel();
        reader.into_iter().chain(driver).for_each(Waker::wake);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.call.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A token that is no reason for its call to be remembered.
pub(crate) struct WeakCallToken {
    call: Weak<Call>,
}

impl WeakCallToken {
    pub(crate) fn upgrade(&self) -> Option<CallToken> {
        self.call.upgrade().map(|call| CallToken { call })
    }

    /// Whether there is a call still.
    pub(crate) fn is_held(&self) -> bool {
        self.call.strong_count() > 0
    }
}

impl fmt::Debug for CallToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallToken")
            .field("deadline", &self.call.deadline)
            .field("is_ended", &self.is_ended())
            .finish_non_exhaustive()
    }
}

/// What a call that its own side gave up on ends with.
pub(crate) fn deadline_exceeded() -> Status {
    Status::new(Code::DeadlineExceeded, "the deadline of the call passed")
}

fn keep(slot: &mut Option<Waker>, waker: &Waker) {
    match slot {
        Some(kept) => kept.clone_from(waker),
        None => *slot = Some(waker.clone()),
    }
}
