//! A call whose request is written while its response is read: two handles, which may be in two tasks.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, MutexGuard};
use std::task::{Context, Poll, Waker, ready};

use http::HeaderMap;
use peregrine_proto::{CallCounter, Code};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::backlog::Backlog;
use super::parts::PartReader;
use super::token::CallToken;
use super::wakers::Wakers;
use crate::grpc::framing::MessagePart;
use crate::grpc::status::Status;
use crate::mutex::Mutex;

/// What becomes of a call when both its sender and its reader were dropped, and the request is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abandoned {
    /// It goes on to its end, and its response is discarded.
    RunsOn,
    /// It is cancelled: the response is what it is for.
    IsCancelled,
}

/// The sender's handle of a call that was [started](crate::Channel::start): it learns how the call ended, though
/// another reads it.
pub struct CallSender {
    call: Arc<SharedCall>,
}

impl CallSender {
    /// The token of the call.
    pub fn token(&self) -> &CallToken {
        &self.call.token
    }

    /// What the call has sent and received.
    pub fn counter(&self) -> &Arc<CallCounter> {
        &self.call.counter
    }

    /// Waits for the end of the call. What arrives of the response meanwhile is kept for its reader, up to 64 MiB; then
    /// the reader is waited for. One that reads nothing for ten seconds is not: what comes from there on is thrown
    /// away, and the reader gets [`Code::ResourceExhausted`] behind what was kept.
    ///
    /// Dropping the future loses nothing.
    pub async fn status(&mut self) -> Status {
        poll_fn(|cx| self.call.poll_status(cx)).await
    }
}

impl Drop for CallSender {
    fn drop(&mut self) {
        let mut state = self.call.state();
        state.sender_is_gone = true;
        let alone = state.reader_is_gone;
        drop(state);
        if alone {
            self.call.abandon();
        }
    }
}

impl fmt::Debug for CallSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallSender").field("token", &self.call.token).finish_non_exhaustive()
    }
}

/// Both handles of a call whose response is on its way in a task. Must be called within a tokio runtime.
pub(crate) fn share(
    token: CallToken,
    response: JoinHandle<Result<PartReader, Status>>,
    counter: Arc<CallCounter>,
    abandoned: Abandoned,
) -> (SharedReader, CallSender) {
    let state = ResponseState {
        stage: ResponseStage::Awaited(response),
        backlog: Backlog::default(),
        message_limit: None,
        headers: None,
        ended: None,
        reader_is_gone: false,
        sender_is_gone: false,
    };
    let (runtime, wakers, state) = (Handle::current(), Arc::default(), Mutex::new(state));
    let call = Arc::new(SharedCall { token, counter, abandoned, runtime, wakers, state });
    (SharedReader { call: Arc::clone(&call), headers: None, trailers: None, ended: false }, CallSender { call })
}

/// The reader's handle of a call that was started.
pub(crate) struct SharedReader {
    call: Arc<SharedCall>,
    headers: Option<HeaderMap>,
    trailers: Option<HeaderMap>,
    ended: bool,
}

impl SharedReader {
    pub(crate) fn set_message_limit(&self, limit: usize) {
        let mut state = self.call.state();
        match &mut state.stage {
            ResponseStage::Reading(parts) => parts.set_message_limit(limit),
            ResponseStage::Awaited(_) | ResponseStage::Done => state.message_limit = Some(limit),
        }
    }

    pub(crate) fn token(&self) -> &CallToken {
        &self.call.token
    }

    pub(crate) fn counter(&self) -> &Arc<CallCounter> {
        &self.call.counter
    }

    pub(crate) fn headers(&self) -> Option<&HeaderMap> {
        self.headers.as_ref()
    }

    pub(crate) fn trailers(&self) -> Option<&HeaderMap> {
        self.trailers.as_ref()
    }

    pub(crate) fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<MessagePart, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let mut state = self.call.state();
        let polled = self.call.poll_read(&mut state, cx);
        if self.headers.is_none() {
            self.headers = state.headers.take();
        }
        let sender_waits = polled.is_ready() && state.backlog.was_waited_for();
        self.call.release(state);
        if sender_waits {
            Wakers::wake_one(&self.call.wakers.sender);
        }
        let part = ready!(polled);
        if !matches!(part, Some(Ok(_))) {
            self.ended = true;
        }
        if part.is_none() {
            self.trailers = self.call.state().ended.as_ref().map(|status| status.metadata().clone());
        }
        Poll::Ready(part)
    }
}

impl Drop for SharedReader {
    fn drop(&mut self) {
        let mut state = self.call.state();
        state.reader_is_gone = true;
        state.backlog = Backlog::default();
        let (alone, ended) = (state.sender_is_gone, state.ended.is_some());
        drop(state);
        if ended {
            return;
        }
        if alone && self.call.abandoned == Abandoned::IsCancelled {
            self.call.abandon();
            return;
        }
        let call = Arc::clone(&self.call);
        self.call.runtime.spawn(async move { poll_fn(|cx| call.poll_drain(cx)).await });
        Wakers::wake_one(&self.call.wakers.sender);
    }
}

impl fmt::Debug for SharedReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedReader").field("token", &self.call.token).finish_non_exhaustive()
    }
}

/// A call that is read from two sides.
struct SharedCall {
    token: CallToken,
    counter: Arc<CallCounter>,
    abandoned: Abandoned,
    /// Where the rest is thrown away: a reader may be dropped anywhere.
    runtime: Handle,
    wakers: Arc<Wakers>,
    state: Mutex<ResponseState>,
}

struct ResponseState {
    stage: ResponseStage,
    /// What the sender read while it waited, for the reader.
    backlog: Backlog,
    message_limit: Option<usize>,
    /// Those of the response, until the reader takes them.
    headers: Option<HeaderMap>,
    /// How the call ended, its trailers with it.
    ended: Option<Status>,
    reader_is_gone: bool,
    sender_is_gone: bool,
}

enum ResponseStage {
    Awaited(JoinHandle<Result<PartReader, Status>>),
    Reading(Box<PartReader>),
    Done,
}

impl SharedCall {
    fn state(&self) -> MutexGuard<'_, ResponseState> {
        self.state.lock()
    }

    /// Neither handle is left.
    fn abandon(&self) {
        if self.abandoned == Abandoned::IsCancelled {
            self.token.cancel(Status::new(Code::Cancelled, "the reader and the sender of the call were dropped"));
        }
    }

    /// The next part for the reader.
    fn poll_read(&self, state: &mut ResponseState, cx: &mut Context<'_>) -> Poll<Option<Result<MessagePart, Status>>> {
        if let Some(part) = state.backlog.pop() {
            return Poll::Ready(Some(part));
        }
        Wakers::keep(&self.wakers.reader, cx.waker());
        if let Some(part) = ready!(self.poll_body(state)) {
            return Poll::Ready(Some(Ok(part)));
        }
        match &state.ended {
            Some(status) if !status.is_ok() => Poll::Ready(Some(Err(status.clone()))),
            _ => Poll::Ready(None),
        }
    }

    fn poll_status(&self, cx: &mut Context<'_>) -> Poll<Status> {
        let mut state = self.state();
        Wakers::keep(&self.wakers.sender, cx.waker());
        let mut has_kept = false;
        while state.ended.is_none()
            && (state.reader_is_gone || state.backlog.poll_room(cx).is_ready())
            && let Poll::Ready(part) = self.poll_body(&mut state)
        {
            has_kept |= part.is_some();
            part.filter(|_| !state.reader_is_gone).into_iter().for_each(|part| state.backlog.push(part));
        }
        let ended = state.ended.clone();
        self.release(state);
        if has_kept {
            Wakers::wake_one(&self.wakers.reader);
        }
        ended.map_or(Poll::Pending, Poll::Ready)
    }

    /// Reads and discards to the call's end.
    fn poll_drain(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        Wakers::keep(&self.wakers.reader, cx.waker());
        while matches!(self.poll_body(&mut state), Poll::Ready(Some(_))) {}
        let is_drained = state.ended.is_some();
        self.release(state);
        if is_drained { Poll::Ready(()) } else { Poll::Pending }
    }

    /// The next part of the response; `None` when the call has ended. Whoever polls, both are woken.
    fn poll_body(&self, state: &mut ResponseState) -> Poll<Option<MessagePart>> {
        let waker = Waker::from(Arc::clone(&self.wakers));
        let mut cx = Context::from_waker(&waker);
        loop {
            let ended = match &mut state.stage {
                ResponseStage::Awaited(answer) => match ready!(Pin::new(answer).poll(&mut cx)) {
                    Ok(Ok(parts)) => {
                        state.begin(parts);
                        continue;
                    }
                    Ok(Err(status)) => status,
                    Err(error) => Status::new(Code::Internal, "the task of the call was lost").with_source(error),
                },
                ResponseStage::Reading(parts) => match ready!(parts.poll_part(&mut cx)) {
                    Some(Ok(part)) => return Poll::Ready(Some(part)),
                    Some(Err(status)) => status,
                    None => {
                        let mut status = Status::ok();
                        *status.metadata_mut() = parts.trailers().cloned().unwrap_or_default();
                        status
                    }
                },
                ResponseStage::Done => return Poll::Ready(None),
            };
            state.stage = ResponseStage::Done;
            state.ended = Some(ended);
        }
    }

    /// Lets go of the state, and tells the end of the call if it was found: foreign code runs there.
    fn release(&self, state: MutexGuard<'_, ResponseState>) {
        let ended = state.ended.clone().filter(|_| !self.token.is_ended());
        drop(state);
        let Some(ended) = ended else { return };
        if ended.is_ok() {
            self.token.finish(ended)
        } else {
            self.token.cancel(ended)
        }
        self.wakers.wake_both();
    }
}

impl ResponseState {
    fn begin(&mut self, mut parts: PartReader) {
        if let Some(limit) = self.message_limit {
            parts.set_message_limit(limit);
        }
        self.headers = Some(parts.take_headers());
        self.stage = ResponseStage::Reading(Box::new(parts));
    }
}

impl Drop for SharedCall {
    fn drop(&mut self) {
        // Ends the task that waits for the answer. No effect on a call that has ended.
        self.token.cancel(Status::new(Code::Cancelled, "the call was dropped"));
    }
}
