//! The end of a call: reported once to everything that belongs to the call, from whichever side it comes.

use std::fmt;
use std::future::pending;
use std::mem;
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Instant;

use http::HeaderMap;
use peregrine_proto::Code;
use tokio::sync::SetOnce;

use super::waker_slot::WakerSlot;
use crate::grpc::status::Status;
use crate::mutex::Mutex;
use crate::panic_text::run_guarded;

/// Tells whether a call still runs, and ends it from outside. Clones are the same token.
///
/// A call ends once: it is *finished* when its status is on the way or has arrived, and *cancelled* when the peer
/// reset it, the connection was lost, its deadline passed, or someone called [`cancel`](Self::cancel). Whichever comes
/// first stands.
#[derive(Clone)]
pub struct CallToken {
    end: Arc<CallEnd>,
}

/// Sees what happens to one call as a whole, across the attempts of a client to make it. Must not block.
pub trait CallObserver: Send + Sync + 'static {
    /// A client has received the response headers. The end may be reported meanwhile, from another task.
    fn on_headers(&self, _headers: &HeaderMap) {}

    /// The call has ended with a status, whose metadata are the trailers. Exactly once for each call.
    fn on_end(&self, status: &Status);
}

/// What belongs to a call and ends with it.
pub(crate) trait EndListener: Send + Sync {
    fn call_ended(&self, ending: &Ending);
}

/// How a call ended.
#[derive(Clone)]
pub(crate) enum Ending {
    /// The status was sent or received.
    Finished(Status),
    Cancelled(Status),
}

struct CallEnd {
    deadline: Option<Instant>,
    state: Mutex<EndState>,
    ended: SetOnce<()>,
}

#[derive(Default)]
struct EndState {
    ending: Option<Ending>,
    listeners: Vec<Arc<dyn EndListener>>,
    /// The task that drives the stream.
    driver: WakerSlot,
    observers: Vec<Arc<dyn CallObserver>>,
}

impl Ending {
    fn status(&self) -> &Status {
        match self {
            Self::Finished(status) | Self::Cancelled(status) => status,
        }
    }
}

impl CallToken {
    pub(crate) fn new(deadline: Option<Instant>, observer: Option<Arc<dyn CallObserver>>) -> Self {
        let state = EndState { observers: observer.into_iter().collect(), ..EndState::default() };
        Self { end: Arc::new(CallEnd { deadline, state: Mutex::new(state), ended: SetOnce::new() }) }
    }

    /// The token of an attempt to make a call, which ends with the call; the call does not end with it.
    pub(crate) fn attempt(&self) -> Self {
        let attempt = Self::new(self.deadline(), None);
        self.tell(attempt.end.clone());
        attempt
    }

    /// From here on the call ends with this attempt too.
    pub(crate) fn ends(&self, call: &Self) {
        if !Arc::ptr_eq(&self.end, &call.end) {
            self.tell(call.end.clone());
        }
    }

    /// The token for those who must not keep it.
    pub(crate) fn downgrade(&self) -> WeakCallToken {
        WeakCallToken { end: Arc::downgrade(&self.end) }
    }

    /// When the call must be done.
    pub fn deadline(&self) -> Option<Instant> {
        self.end.deadline
    }

    /// Ends the call. On a server the peer gets the status if it still reads, and else a reset of the stream; on a
    /// client the stream is reset and its reader gets the status. Does nothing to a call that has ended.
    pub fn cancel(&self, status: Status) {
        self.end.end(Ending::Cancelled(status));
    }

    /// Whether the call was cancelled. False for one that runs or is finished.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.end.state.lock().ending, Some(Ending::Cancelled(_)))
    }

    /// Why the call was cancelled, if it was.
    pub fn cancelled_with(&self) -> Option<Status> {
        match &self.end.state.lock().ending {
            Some(Ending::Cancelled(status)) => Some(status.clone()),
            _ => None,
        }
    }

    /// Waits until the call is cancelled; indefinitely, if it finishes. A task of its own should wait for
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
        self.end.ended.wait().await;
    }

    /// Whether the call has ended, in either way.
    pub fn is_ended(&self) -> bool {
        self.end.state.lock().ending.is_some()
    }

    /// Has an observer see the call's end, beside those that do already. On a call that has ended it sees that at once.
    /// What the observer holds is kept until the end.
    pub fn observe(&self, observer: Arc<dyn CallObserver>) {
        let mut state = self.end.state.lock();
        match state.ending.clone() {
            None => state.observers.push(observer),
            Some(ending) => {
                drop(state);
                report(&*observer, &ending);
            }
        }
    }

    /// Reports the response headers to the observers.
    pub(crate) fn headers_received(&self, headers: &HeaderMap) {
        let observers = self.end.state.lock().observers.clone();
        for observer in observers {
            run_guarded("an observer of a call's headers", || observer.on_headers(headers));
        }
    }

    /// Ends the call as one that went its way.
    pub(crate) fn finish(&self, status: Status) {
        self.end.end(Ending::Finished(status));
    }

    /// Has something end with the call: at once, if the call has ended.
    pub(crate) fn tell(&self, listener: Arc<dyn EndListener>) {
        let mut state = self.end.state.lock();
        match state.ending.clone() {
            None => state.listeners.push(listener),
            Some(ending) => {
                drop(state);
                listener.call_ended(&ending);
            }
        }
    }

    /// Keeps the waker of the task that drives the stream, to be woken when the call ends. True if it has ended.
    pub(crate) fn watch_end(&self, waker: &Waker) -> bool {
        let mut state = self.end.state.lock();
        state.driver.keep(waker);
        state.ending.is_some()
    }
}

impl CallEnd {
    fn end(&self, ending: Ending) {
        let mut state = self.state.lock();
        if state.ending.is_some() {
            return;
        }
        state.ending = Some(ending.clone());
        let (listeners, driver) = (mem::take(&mut state.listeners), state.driver.take());
        let observers = mem::take(&mut state.observers);
        // Foreign code runs below: observers, h2's drop, wakers.
        drop(state);
        // Before anyone is woken: who sees the end finds it observed.
        for observer in observers {
            report(&*observer, &ending);
        }
        for listener in listeners {
            // It may drop what a layer or a host has made.
            run_guarded("what ends with a call", || listener.call_ended(&ending));
        }
        // Nobody else sets it.
        let _ = self.ended.set(());
        driver.into_iter().for_each(Waker::wake);
    }
}

/// What ends with another call: an attempt with its call, and the call with the attempt that was answered.
impl EndListener for CallEnd {
    fn call_ended(&self, ending: &Ending) {
        self.end(ending.clone());
    }
}

impl Drop for CallEnd {
    fn drop(&mut self) {
        self.end(Ending::Cancelled(Status::new(Code::Cancelled, "the call was dropped")));
    }
}

/// A token that is no reason for its call to be remembered.
pub(crate) struct WeakCallToken {
    end: Weak<CallEnd>,
}

impl WeakCallToken {
    pub(crate) fn upgrade(&self) -> Option<CallToken> {
        self.end.upgrade().map(|end| CallToken { end })
    }

    /// Whether there is a call still.
    pub(crate) fn is_held(&self) -> bool {
        self.end.strong_count() > 0
    }
}

impl fmt::Debug for CallToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallToken")
            .field("deadline", &self.end.deadline)
            .field("is_ended", &self.is_ended())
            .finish_non_exhaustive()
    }
}

fn report(observer: &dyn CallObserver, ending: &Ending) {
    run_guarded("an observer of a call's end", || observer.on_end(ending.status()));
}

/// What a call that its own side gave up on ends with.
pub(crate) fn deadline_exceeded() -> Status {
    Status::new(Code::DeadlineExceeded, "the deadline of the call passed")
}
