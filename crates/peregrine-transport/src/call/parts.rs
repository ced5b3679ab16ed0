//! The parts of the messages of a call as they come out of its body, on both sides.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use peregrine_proto::{CallCounter, CallInfo, Code};
use tokio::task::coop::poll_proceed;

use super::any_body::AnyBody;
use super::held_body::{BodyRead, HeldBody};
use super::side::Side;
use super::token::CallToken;
use crate::grpc::framing::{MessageParser, MessagePart};
use crate::grpc::status::{Status, from_reset, from_trailers};

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
    /// `None` where the call ended with its headers.
    body: Option<Arc<HeldBody>>,
    side: Side,
    headers: PeerHeaders,
    counter: Arc<CallCounter>,
    parser: MessageParser,
    data: Bytes,
    /// What was read since the budget was last charged.
    work: usize,
    state: ReadState,
    trailers: Option<HeaderMap>,
}

/// What the peer sent before its messages.
pub(crate) enum PeerHeaders {
    /// A server's response has its own.
    Response(HeaderMap),
    /// Those of a request belong to all of its call.
    Request(Arc<CallInfo>),
}

/// What a reader is made of.
pub(crate) struct PartSource {
    pub(crate) token: CallToken,
    pub(crate) body: AnyBody,
    pub(crate) headers: PeerHeaders,
    pub(crate) parser: MessageParser,
    pub(crate) counter: Arc<CallCounter>,
}

enum ReadState {
    Open,
    /// The end of a call, still to be given out.
    Ending(Status),
    Done,
}

impl PartReader {
    /// Reads a body, which the call's end drops.
    pub(crate) fn new(source: PartSource) -> Self {
        let PartSource { token, body, headers, parser, counter } = source;
        let body = Some(HeldBody::new(body, &token));
        Self::open(token, body, headers, parser, counter)
    }

    /// Reads the body of a request that is held already.
    pub(crate) fn of_held(
        token: CallToken,
        body: Arc<HeldBody>,
        call: Arc<CallInfo>,
        parser: MessageParser,
        counter: Arc<CallCounter>,
    ) -> Self {
        Self::open(token, Some(body), PeerHeaders::Request(call), parser, counter)
    }

    /// The response to a call that ended with its headers.
    pub(crate) fn ended(token: CallToken, status: Status, counter: Arc<CallCounter>) -> Self {
        let headers = PeerHeaders::Response(HeaderMap::new());
        let mut reader = Self::open(token, None, headers, MessageParser::new(0, None), counter);
        reader.state = ReadState::Ending(status);
        reader
    }

    fn open(
        token: CallToken,
        body: Option<Arc<HeldBody>>,
        headers: PeerHeaders,
        parser: MessageParser,
        counter: Arc<CallCounter>,
    ) -> Self {
        let side = match &headers {
            PeerHeaders::Response(_) => Side::Client,
            PeerHeaders::Request(_) => Side::Server,
        };
        let (data, state) = (Bytes::new(), ReadState::Open);
        Self { token, body, side, headers, counter, parser, data, work: 0, state, trailers: None }
    }

    /// What the peer sent before its messages.
    pub(crate) fn headers(&self) -> &HeaderMap {
        match &self.headers {
            PeerHeaders::Response(headers) => headers,
            PeerHeaders::Request(call) => call.headers(),
        }
    }

    /// Takes the headers of a response out.
    pub(crate) fn take_headers(&mut self) -> HeaderMap {
        match &mut self.headers {
            PeerHeaders::Response(headers) => std::mem::take(headers),
            PeerHeaders::Request(call) => call.headers().clone(),
        }
    }

    /// What the call has sent and received.
    pub(crate) fn counter(&self) -> &Arc<CallCounter> {
        &self.counter
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
        // What is at hand comes without any wait, and hyper's body knows no budget: a flood of tiny messages would hold
        // the worker.
        if self.work >= WORK_UNIT {
            ready!(poll_proceed(cx)).made_progress();
            self.work = 0;
        }
        let part = ready!(self.poll_part_freely(cx));
        self.work += match &part {
            Some(Ok(MessagePart::Chunk(chunk))) => 1 + chunk.len() / 512,
            Some(Ok(MessagePart::Start { length })) => {
                self.counter.count_received(1, *length as u64);
                1
            }
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
        let Some(body) = &self.body else { return Poll::Ready(Err(self.ended_elsewhere())) };
        match ready!(body.poll_read(cx)) {
            BodyRead::Frame(Ok(frame)) => match frame.into_data() {
                Ok(data) => Poll::Ready(Ok(data)),
                Err(frame) => Poll::Ready(Err(self.ended_with_trailers(frame))),
            },
            BodyRead::Frame(Err(status)) => Poll::Ready(Err(self.lost(status))),
            // Only END_STREAM makes it an end.
            BodyRead::End { end_stream } => Poll::Ready(Err(self.ended_without_trailers(end_stream))),
            BodyRead::Dropped => Poll::Ready(Err(self.ended_elsewhere())),
        }
    }

    fn ended_elsewhere(&self) -> Status {
        let reason = self.token.cancelled_with();
        reason.unwrap_or_else(|| Status::new(Code::Cancelled, "the call has ended, or its messages were discarded"))
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
            Side::Server => self.discard(),
            Side::Client => {
                self.trailers = Some(status.metadata().clone());
                self.token.finish(status);
            }
        }
        None
    }

    fn fail(&mut self, status: Status) -> Status {
        self.state = ReadState::Done;
        self.data = Bytes::new();
        match self.side {
            // The handler still answers, in general with this status.
            Side::Server => self.discard(),
            Side::Client => self.token.cancel(status.clone()),
        }
        status
    }

    fn discard(&self) {
        self.body.iter().for_each(|body| body.discard());
    }
}

impl Drop for PartReader {
    fn drop(&mut self) {
        match self.side {
            Side::Server => self.body.take().into_iter().for_each(HeldBody::drain),
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
