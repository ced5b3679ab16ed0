//! A call whose request is written while its answer is read: two handles, which may be in two tasks.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use http::HeaderMap;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::call::backlog::Parked;
use crate::call::message_reader::MessageReader;
use crate::call::parts::PartReader;
use crate::call::token::CallToken;
use crate::call::wakers::Wakers;
use crate::client::channel::Channel;
use crate::client::incoming_reply::IncomingReply;
use crate::client::outgoing::Outgoing;
use crate::grpc::framing::MessagePart;
use crate::grpc::status::{Code, Status};

/// What becomes of a call when both its sender and its reader were dropped, and the request is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abandoned {
    /// It goes on to its end, and its answers are thrown away.
    RunsOn,
    /// It is cancelled: its answers are what it is for.
    IsCancelled,
}

impl Channel {
    /// Starts a call and returns before it is sent, for requests that are written while the answer is read. Must be called
    /// within a tokio runtime.
    ///
    /// The reader may be dropped before the call's end: what still comes is thrown away, in the background. Once
    /// the sender is gone too, `abandoned` says what becomes of the call.
    pub fn start(
        &self,
        path: &str,
        metadata: HeaderMap,
        deadline: Option<Instant>,
        request: Outgoing,
        abandoned: Abandoned,
    ) -> (MessageReader, CallSender) {
        let token = CallToken::new(deadline);
        let (channel, path, call) = (self.clone(), path.to_owned(), token.clone());
        let answer = tokio::spawn(async move {
            tokio::select! {
                biased;
                status = call.cancelled() => Err(status),
                reply = channel.call(&path, metadata, deadline, request) => {
                    match &reply {
                        Ok(reply) => call.link(reply.messages.token()),
                        // Whoever waits for room to write hears of it at once.
                        Err(status) => call.cancel(status.clone()),
                    }
                    reply
                }
            }
        });
        let state = State {
            stage: Stage::Awaited(answer),
            parked: Parked::default(),
            message_limit: None,
            headers: None,
            ended: None,
            reader_is_gone: false,
            sender_is_gone: false,
        };
        let call = Arc::new(Call {
            token,
            abandoned,
            runtime: Handle::current(),
            wakers: Arc::default(),
            state: Mutex::new(state),
        });
        let reader = SharedReader { call: Arc::clone(&call), headers: None, trailers: None, ended: false };
        (MessageReader::shared(reader), CallSender { call })
    }
}

/// The sender's handle of a call that was [started](Channel::start): it learns how the call ended, though another reads it.
pub struct CallSender {
    call: Arc<Call>,
}

impl CallSender {
    /// The token of the call.
    pub fn token(&self) -> &CallToken {
        &self.call.token
    }

    /// Waits for the end of the call. What comes of the answer meanwhile is kept for its reader, up to 64 MiB; then the
    /// reader is waited for. One that reads nothing for ten seconds is not: what comes from there on is thrown away, and
    /// the reader gets [`Code::ResourceExhausted`] behind what was kept.
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

/// The reader's handle of a call that was started.
pub(crate) struct SharedReader {
    call: Arc<Call>,
    headers: Option<HeaderMap>,
    trailers: Option<HeaderMap>,
    ended: bool,
}

impl SharedReader {
    pub(crate) fn set_message_limit(&self, limit: usize) {
        let mut state = self.call.state();
        match &mut state.stage {
            Stage::Reading(parts) => parts.set_message_limit(limit),
            Stage::Awaited(_) | Stage::Done => state.message_limit = Some(limit),
        }
    }

    pub(crate) fn token(&self) -> &CallToken {
        &self.call.token
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
        let sender_waits = polled.is_ready() && state.parked.was_waited_for();
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
        state.parked = Parked::default();
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
struct Call {
    token: CallToken,
    abandoned: Abandoned,
    /// Where the rest is thrown away: a reader may be dropped anywhere.
    runtime: Handle,
    wakers: Arc<Wakers>,
    state: Mutex<State>,
}

struct State {
    stage: Stage,
    /// What the sender read while it waited, for the reader.
    parked: Parked,
    message_limit: Option<usize>,
    /// Those of the answer, until the reader takes them.
    headers: Option<HeaderMap>,
    /// How the call ended, its trailers with it.
    ended: Option<Status>,
    reader_is_gone: bool,
    sender_is_gone: bool,
}

enum Stage {
    Awaited(JoinHandle<Result<IncomingReply, Status>>),
    Reading(Box<PartReader>),
    Done,
}

impl Call {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody is left who could read the answers.
    fn abandon(&self) {
        if self.abandoned == Abandoned::IsCancelled {
            self.token.cancel(Status::new(Code::Cancelled, "the reader and the sender of the call were dropped"));
        }
    }

    /// The next part for the reader.
    fn poll_read(&self, state: &mut State, cx: &mut Context<'_>) -> Poll<Option<Result<MessagePart, Status>>> {
        if let Some(part) = state.parked.pop() {
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
        let mut has_parked = false;
        while state.ended.is_none()
            && (state.reader_is_gone || state.parked.poll_room(cx).is_ready())
            && let Poll::Ready(part) = self.poll_body(&mut state)
        {
            has_parked |= part.is_some();
            part.filter(|_| !state.reader_is_gone).into_iter().for_each(|part| state.parked.push(part));
        }
        let ended = state.ended.clone();
        self.release(state);
        if has_parked {
            Wakers::wake_one(&self.wakers.reader);
        }
        ended.map_or(Poll::Pending, Poll::Ready)
    }

    /// Reads what nobody wants, to the call's end.
    fn poll_drain(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        Wakers::keep(&self.wakers.reader, cx.waker());
        while matches!(self.poll_body(&mut state), Poll::Ready(Some(_))) {}
        let is_drained = state.ended.is_some();
        self.release(state);
        if is_drained { Poll::Ready(()) } else { Poll::Pending }
    }

    /// The next part of the answer; `None` when the call has ended. Whoever polls, both are woken.
    fn poll_body(&self, state: &mut State) -> Poll<Option<MessagePart>> {
        let waker = Waker::from(Arc::clone(&self.wakers));
        let mut cx = Context::from_waker(&waker);
        loop {
            let ended = match &mut state.stage {
                Stage::Awaited(answer) => match ready!(Pin::new(answer).poll(&mut cx)) {
                    Ok(Ok(reply)) => match state.begin(reply) {
                        Ok(()) => continue,
                        Err(status) => status,
                    },
                    Ok(Err(status)) => status,
                    Err(error) => Status::new(Code::Internal, "the task of the call was lost").with_source(error),
                },
                Stage::Reading(parts) => match ready!(parts.poll_part(&mut cx)) {
                    Some(Ok(part)) => return Poll::Ready(Some(part)),
                    Some(Err(status)) => status,
                    None => {
                        let mut status = Status::ok();
                        *status.metadata_mut() = parts.trailers().cloned().unwrap_or_default();
                        status
                    }
                },
                Stage::Done => return Poll::Ready(None),
            };
            state.stage = Stage::Done;
            state.ended = Some(ended);
        }
    }

    /// Lets go of the state, and tells the end of the call if it was found: foreign code runs there.
    fn release(&self, state: MutexGuard<'_, State>) {
        let ended = state.ended.clone().filter(|_| !self.token.is_ended());
        drop(state);
        let Some(ended) = ended else { return };
        if ended.is_ok() {
            self.token.finish()
        } else {
            self.token.cancel(ended)
        }
        self.wakers.wake_both();
    }
}

impl State {
    fn begin(&mut self, reply: IncomingReply) -> Result<(), Status> {
        let IncomingReply { metadata, messages } = reply;
        let parts = messages.into_parts();
        let mut parts = parts.ok_or_else(|| Status::new(Code::Internal, "the answer of the call is read elsewhere"))?;
        if let Some(limit) = self.message_limit {
            parts.set_message_limit(limit);
        }
        self.headers = Some(metadata);
        self.stage = Stage::Reading(Box::new(parts));
        Ok(())
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // Ends the task that waits for the answer. No effect on a call that has ended.
        self.token.cancel(Status::new(Code::Cancelled, "the call was dropped"));
    }
}
