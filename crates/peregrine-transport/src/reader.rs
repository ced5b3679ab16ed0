//! The messages of a call as they come in, on both sides.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame};
use tokio::task::coop::poll_proceed;
use tokio::time::{Sleep, sleep_until};

use crate::drive::Side;
use crate::framing::{MessageParser, MessagePart};
use crate::status::{Code, Status, from_reset, from_trailers, from_transport};
use crate::token::{CallToken, deadline_exceeded};

/// A stated length is believed for this much memory before any byte of it has come.
const FIRST_RESERVE: usize = 1 << 20;
/// This many parts, or pieces of 512 bytes, cost one unit of tokio's budget, of which a task has 128 a turn.
const WORK_UNIT: usize = 32;
/// The parts of one message in one DATA frame. They are free where the frame is tiny: it takes h2 longer to put it in
/// than the reader to take it out, and h2 closes the connection where some ten thousand wait, which they soon would
/// if the reader paused and h2 did not.
const FREE_PARTS: usize = 3;
/// What h2 calls a tiny DATA frame.
const TINY_FRAME: usize = 256;

/// Reads the messages of a call in pieces, as they come in.
///
/// Credit goes back to the peer for what was read, so an unread call stops its sender at the stream's window.
///
/// On a client the reader is the call: `None` means that it ended with `OK`, an error is the call's status, and
/// dropping the reader before resets the stream. On a server `None` means that the peer half-closed; a stream that was
/// reset or lost is an error and never an end. Dropping it there throws away what still comes and leaves the reply
/// alone.
pub struct MessageReader {
    token: CallToken,
    side: Side,
    parser: MessageParser,
    data: Bytes,
    /// What was read since the budget was last charged.
    work: usize,
    deadline: Option<Pin<Box<Sleep>>>,
    state: ReadState,
    trailers: Option<HeaderMap>,
}

enum ReadState {
    Open,
    /// The end of a call, still to be given out.
    Ending(Status),
    Done,
}

impl MessageReader {
    /// Reads the body that the token holds.
    pub(crate) fn new(token: CallToken, side: Side, parser: MessageParser) -> Self {
        let timer = |deadline: Instant| Box::pin(sleep_until(deadline.into()));
        // On a server the deadline reaches the reader through the token.
        let deadline = token.deadline().filter(|_| side == Side::Client).map(timer);
        Self { token, side, parser, data: Bytes::new(), work: 0, deadline, state: ReadState::Open, trailers: None }
    }

    /// A call that ended with its headers.
    pub(crate) fn ended(token: CallToken, status: Status) -> Self {
        let mut reader = Self::new(token, Side::Client, MessageParser::new(0, None));
        reader.state = ReadState::Ending(status);
        reader
    }

    /// Changes the limit of a message's length, from the next message on. A longer one is `RESOURCE_EXHAUSTED`.
    pub fn set_message_limit(&mut self, limit: usize) {
        self.parser.set_limit(limit);
    }

    /// The token of the call, to end it from elsewhere.
    pub fn token(&self) -> &CallToken {
        &self.token
    }

    /// The trailers of a call that ended with `OK`, once [`next_part`](Self::next_part) gave `None`. Those of a call
    /// that failed are in the error. Always `None` on a server.
    pub fn trailers(&self) -> Option<&HeaderMap> {
        self.trailers.as_ref()
    }

    /// The next part of a message. After an error or the end it is `None`. Takes part in tokio's cooperative budget.
    ///
    /// # Errors
    /// The status of the call; on a server [`Code::Cancelled`] if the stream was reset. Messages over the limit,
    /// compressed ones and such that the body's end cuts are errors too, and end the call.
    pub fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<MessagePart, Status>>> {
        if self.deadline.as_mut().is_some_and(|deadline| deadline.as_mut().poll(cx).is_ready()) {
            self.deadline = None;
            self.token.cancel(deadline_exceeded());
        }
        // What is at hand comes without any wait, and hyper's body knows no budget: a flood of tiny messages would hold
        // the worker.
        if self.work >= WORK_UNIT {
            ready!(poll_proceed(cx)).made_progress();
            self.work = 0;
        }
        let part = ready!(self.poll_part_freely(cx));
        self.work += match &part {
            Some(Ok(MessagePart::Chunk(chunk))) => 1 + chunk.len() / 512,
            _ => 1,
        };
        Poll::Ready(part)
    }

    /// The next part of a message; see [`poll_part`](Self::poll_part). Dropping the future loses nothing.
    ///
    /// # Errors
    /// As [`poll_part`](Self::poll_part).
    pub async fn next_part(&mut self) -> Option<Result<MessagePart, Status>> {
        poll_fn(|cx| self.poll_part(cx)).await
    }

    /// The next whole message, for small ones; to be called between messages. Dropping the future loses what it
    /// read of the message.
    ///
    /// # Errors
    /// As [`poll_part`](Self::poll_part).
    pub async fn next_message(&mut self) -> Option<Result<Bytes, Status>> {
        let (mut first, mut whole, mut expected) = (Bytes::new(), BytesMut::new(), 0);
        loop {
            match self.next_part().await? {
                Ok(MessagePart::Start { length }) => expected = length,
                Ok(MessagePart::Chunk(chunk)) if chunk.len() == expected => first = chunk,
                Ok(MessagePart::Chunk(chunk)) => {
                    if whole.is_empty() {
                        whole.reserve(expected.min(FIRST_RESERVE.max(chunk.len())));
                    }
                    whole.extend_from_slice(&chunk);
                }
                Ok(MessagePart::End) if whole.is_empty() => return Some(Ok(first)),
                Ok(MessagePart::End) => return Some(Ok(whole.freeze())),
                Err(status) => return Some(Err(status)),
            }
        }
    }

    fn poll_part_freely(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<MessagePart, Status>>> {
        loop {
            match std::mem::replace(&mut self.state, ReadState::Open) {
                ReadState::Open => {}
                ReadState::Ending(status) => return Poll::Ready(self.end(status)),
                ReadState::Done => {
                    self.state = ReadState::Done;
                    return Poll::Ready(None);
                }
            }
            match self.parser.next(&mut self.data) {
                Ok(Some(part)) => return Poll::Ready(Some(Ok(part))),
                Ok(None) => {}
                Err(status) => return Poll::Ready(Some(Err(self.fail(status)))),
            }
            match ready!(self.poll_body(cx)) {
                Ok(data) => {
                    if data.len() < TINY_FRAME {
                        self.work = self.work.saturating_sub(FREE_PARTS);
                    }
                    self.data = data;
                }
                Err(status) => self.state = ReadState::Ending(status),
            }
        }
    }

    /// The next bytes of the body, or the status that its end means.
    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Status>> {
        let polled = self.token.with_body(cx.waker(), |body| match Pin::new(&mut *body).poll_frame(cx) {
            Poll::Pending => Poll::Pending,
            // hyper calls it an end when the peer resets with NO_ERROR: only END_STREAM makes it one.
            Poll::Ready(None) => Poll::Ready(Err(body.is_end_stream())),
            Poll::Ready(Some(frame)) => Poll::Ready(Ok(frame)),
        });
        let Some(polled) = polled else {
            return Poll::Ready(Err(self.ended_elsewhere()));
        };
        match ready!(polled) {
            Ok(Ok(frame)) => match frame.into_data() {
                Ok(data) => Poll::Ready(Ok(data)),
                Err(frame) => Poll::Ready(Err(self.ended_with_trailers(frame))),
            },
            Ok(Err(error)) => Poll::Ready(Err(self.lost(error))),
            Err(end_stream) => Poll::Ready(Err(self.ended_without_trailers(end_stream))),
        }
    }

    fn ended_elsewhere(&self) -> Status {
        let reason = self.token.cancelled_with();
        reason.unwrap_or_else(|| Status::new(Code::Cancelled, "the call has ended, or its messages were given up"))
    }

    fn ended_with_trailers(&self, frame: Frame<Bytes>) -> Status {
        let trailers = match (frame.into_trailers(), self.side) {
            (Ok(trailers), Side::Client) => trailers,
            // Trailers of a request mean nothing, but END_STREAM came with them.
            _ => return self.checked_end(Status::ok()),
        };
        self.checked_end(from_trailers(trailers).unwrap_or_else(missing_status))
    }

    fn ended_without_trailers(&self, end_stream: bool) -> Status {
        match (self.side, end_stream) {
            (Side::Server, true) => self.checked_end(Status::ok()),
            (Side::Server, false) => Status::new(Code::Cancelled, "the peer reset the stream before its end"),
            (Side::Client, true) => missing_status(),
            (Side::Client, false) => from_reset(h2::Reason::NO_ERROR),
        }
    }

    fn lost(&self, error: hyper::Error) -> Status {
        // What ended the call on this side says more than the reset that came of it.
        if let Some(status) = self.token.cancelled_with() {
            return status;
        }
        let status = from_transport(error);
        match self.side {
            Side::Client => status,
            Side::Server => Status::new(Code::Cancelled, status.message()).with_source(status),
        }
    }

    /// A good end in the middle of a message is none.
    fn checked_end(&self, status: Status) -> Status {
        if status.is_ok() && !self.parser.is_between_messages() {
            return Status::new(Code::Internal, "the stream ended inside a message");
        }
        status
    }

    fn end(&mut self, status: Status) -> Option<Result<MessagePart, Status>> {
        if !status.is_ok() {
            return Some(Err(self.fail(status)));
        }
        self.state = ReadState::Done;
        match self.side {
            Side::Server => self.token.drop_body(),
            Side::Client => {
                self.trailers = Some(status.metadata().clone());
                self.token.finish();
            }
        }
        None
    }

    fn fail(&mut self, status: Status) -> Status {
        self.state = ReadState::Done;
        self.data = Bytes::new();
        match self.side {
            // The handler still answers, in general with this status.
            Side::Server => self.token.drop_body(),
            Side::Client => self.token.cancel(status.clone()),
        }
        status
    }
}

impl Drop for MessageReader {
    fn drop(&mut self) {
        match self.side {
            Side::Server => self.token.drop_body(),
            Side::Client => self.token.cancel(Status::new(Code::Cancelled, "the reader of the call was dropped")),
        }
    }
}

impl fmt::Debug for MessageReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageReader").field("token", &self.token).finish_non_exhaustive()
    }
}

fn missing_status() -> Status {
    Status::new(Code::Unknown, "the stream ended without grpc-status")
}
