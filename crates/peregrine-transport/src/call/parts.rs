//! The parts of the messages of a call as they come out of its body, on both sides.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};
use tokio::task::coop::poll_proceed;
use tokio::time::{Sleep, sleep_until};

use crate::call::drive::Side;
use crate::call::token::{CallToken, deadline_exceeded};
use crate::grpc::framing::{MessageParser, MessagePart};
use crate::grpc::status::{Code, Status, from_reset, from_trailers};

/// This many parts, or pieces of 512 bytes, cost one unit of tokio's budget, of which a task has 128 a turn.
const WORK_UNIT: usize = 32;
/// The parts of one message in one DATA frame. They are free where the frame is tiny: it takes h2 longer to put it in
/// than the reader to take it out, and h2 closes the connection where some ten thousand wait, which they soon would
/// if the reader paused and h2 did not.
const FREE_PARTS: usize = 3;
/// What h2 calls a tiny DATA frame.
const TINY_FRAME: usize = 256;

/// Reads the body of a call, which ends as [`MessageReader`](crate::MessageReader) says.
pub(crate) struct PartReader {
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

impl PartReader {
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

    /// Changes the limit of a message's length, from the next message on.
    pub(crate) fn set_message_limit(&mut self, limit: usize) {
        self.parser.set_limit(limit);
    }

    pub(crate) fn is_client(&self) -> bool {
        self.side == Side::Client
    }

    /// The token of the call.
    pub(crate) fn token(&self) -> &CallToken {
        &self.token
    }

    /// The trailers of a call that ended with `OK`, once there is no part any more.
    pub(crate) fn trailers(&self) -> Option<&HeaderMap> {
        self.trailers.as_ref()
    }

    /// The next part of a message. After an error or the end it is `None`. Takes part in tokio's cooperative budget.
    pub(crate) fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<MessagePart, Status>>> {
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
            if self.parser.is_between_messages()
                && !self.data.is_empty()
                && let Some(status) = self.token.cancelled_with()
            {
                // What has come already is not given out either.
                self.state = ReadState::Ending(status);
                continue;
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
            Ok(Err(status)) => Poll::Ready(Err(self.lost(status))),
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

    fn lost(&self, status: Status) -> Status {
        // What ended the call on this side says more than the reset that came of it.
        if let Some(status) = self.token.cancelled_with() {
            return status;
        }
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

impl Drop for PartReader {
    fn drop(&mut self) {
        match self.side {
            Side::Server => self.token.drain_body(),
            Side::Client => self.token.cancel(Status::new(Code::Cancelled, "the reader of the call was dropped")),
        }
    }
}

impl fmt::Debug for PartReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartReader").field("token", &self.token).finish_non_exhaustive()
    }
}

fn missing_status() -> Status {
    Status::new(Code::Unknown, "the stream ended without grpc-status")
}
