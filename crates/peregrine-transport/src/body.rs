//! The bodies that hyper sends: ropes, in frames under our cap. A reply ends with trailers, a request without.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use http::HeaderMap;
use http_body::{Body, Frame};

use crate::drive::{NextCall, Side};
use crate::rope::Rope;
use crate::status::{Code, Status, into_trailers};
use crate::token::CallToken;

/// What a client sends in a call: framed messages, as [`frame_message`](crate::frame_message) makes them.
///
/// A rope of the stream may hold any number of messages or a part of one; each goes out in DATA frames of its own. An
/// `Err` resets the call with `CANCEL`; so does dropping the whole call. The end of the stream is the half-close.
pub struct Outgoing {
    kind: OutgoingKind,
}

enum OutgoingKind {
    Whole(Option<Rope>),
    Stream(Pin<Box<dyn Stream<Item = Result<Rope, Status>> + Send>>),
}

impl Outgoing {
    /// A request that is complete: one DATA frame (if it fits) with the half-close in it.
    pub fn whole(frames: Rope) -> Self {
        Self { kind: OutgoingKind::Whole(Some(frames)) }
    }

    /// A request that is made while it is sent. The stream is polled in a task of its own.
    pub fn stream(frames: impl Stream<Item = Result<Rope, Status>> + Send + 'static) -> Self {
        Self { kind: OutgoingKind::Stream(Box::pin(frames)) }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Rope, Status>>> {
        match &mut self.kind {
            OutgoingKind::Whole(rope) => Poll::Ready(rope.take().map(Ok)),
            OutgoingKind::Stream(stream) => stream.as_mut().poll_next(cx),
        }
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").finish_non_exhaustive()
    }
}

/// Ropes on their way into DATA frames of at most `cap` bytes, none of them empty.
struct Cutter {
    cap: usize,
    rest: Rope,
}

impl Cutter {
    fn new(cap: usize) -> Self {
        Self { cap, rest: Rope::new() }
    }

    fn next(&mut self) -> Option<Frame<Rope>> {
        match self.rest.len() {
            0 => None,
            length if length <= self.cap => Some(Frame::data(std::mem::take(&mut self.rest))),
            _ => Some(Frame::data(self.rest.split_to(self.cap))),
        }
    }
}

/// The body of a request.
pub(crate) struct RequestBody {
    outgoing: Outgoing,
    cutter: Cutter,
    token: CallToken,
    /// Until the first poll: where the future that will drive this body finds its call.
    next: Option<NextCall>,
}

impl RequestBody {
    pub(crate) fn new(outgoing: Outgoing, cap: usize, token: CallToken) -> Self {
        Self { outgoing, cutter: Cutter::new(cap), token, next: None }
    }

    pub(crate) fn attach(&mut self, next: NextCall) {
        self.next = Some(next);
    }
}

impl Body for RequestBody {
    type Data = Rope;
    type Error = h2::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Rope>, h2::Error>>> {
        let this = self.get_mut();
        if let Some(next) = this.next.take() {
            // hyper polls a body first from the task of the connection, then spawns what is not done. What makes a
            // stream may work hard, so it is left alone until it runs in its own task.
            next.put(this.token.clone(), Side::Client);
            if matches!(this.outgoing.kind, OutgoingKind::Stream(_)) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        loop {
            if let Some(frame) = this.cutter.next() {
                return Poll::Ready(Some(Ok(frame)));
            }
            match ready!(this.outgoing.poll_next(cx)) {
                Some(Ok(rope)) => this.cutter.rest = rope,
                Some(Err(status)) => {
                    this.token.cancel(status);
                    return Poll::Ready(Some(Err(h2::Reason::CANCEL.into())));
                }
                None => return Poll::Ready(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.cutter.rest.is_empty() && matches!(self.outgoing.kind, OutgoingKind::Whole(None))
    }
}

/// A piece of a reply.
#[derive(Debug)]
pub enum ReplyFrame {
    /// Framed messages, as [`frame_message`](crate::frame_message) makes them.
    Data(Rope),
    /// The end of the call, good or bad, with its trailers.
    End(Status),
}

/// What a server answers to a call: metadata, then framed messages, then a status.
///
/// The headers go out when the handler's future is ready with the reply, so a handler makes its first message before
/// it answers, or fails without having sent anything.
pub struct Reply {
    pub(crate) metadata: HeaderMap,
    pub(crate) content: Content,
}

pub(crate) enum Content {
    Whole(Rope, Status),
    Stream(Pin<Box<dyn Stream<Item = ReplyFrame> + Send>>),
}

impl Reply {
    /// A reply that is made while it is sent. It ends with [`ReplyFrame::End`]; a stream that ends without is an
    /// `INTERNAL` error. It is dropped when the peer resets the call or the deadline passes.
    pub fn stream(metadata: HeaderMap, frames: impl Stream<Item = ReplyFrame> + Send + 'static) -> Self {
        Self { metadata, content: Content::Stream(Box::pin(frames)) }
    }

    /// A reply that is complete.
    pub fn whole(metadata: HeaderMap, frames: Rope, status: Status) -> Self {
        Self { metadata, content: Content::Whole(frames, status) }
    }

    /// A status alone. Without metadata it goes out in one HEADERS frame.
    pub fn end(metadata: HeaderMap, status: Status) -> Self {
        Self::whole(metadata, Rope::new(), status)
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("metadata", &self.metadata).finish_non_exhaustive()
    }
}

/// The body of a reply.
pub(crate) struct ReplyBody {
    /// `None` when the trailers are out, or when there is no body at all.
    open: Option<OpenReply>,
}

struct OpenReply {
    content: Option<Content>,
    cutter: Cutter,
    token: CallToken,
}

impl ReplyBody {
    pub(crate) fn new(content: Content, cap: usize, token: CallToken) -> Self {
        Self { open: Some(OpenReply { content: Some(content), cutter: Cutter::new(cap), token }) }
    }

    pub(crate) fn empty() -> Self {
        Self { open: None }
    }
}

impl Body for ReplyBody {
    type Data = Rope;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Rope>, Infallible>>> {
        let this = self.get_mut();
        let Some(open) = &mut this.open else { return Poll::Ready(None) };
        let frame = match open.token.cancelled_with() {
            Some(status) => ReplyFrame::End(status),
            None => ready!(open.poll_next(cx)),
        };
        Poll::Ready(Some(Ok(match frame {
            ReplyFrame::Data(rope) => Frame::data(rope),
            ReplyFrame::End(status) => {
                open.token.finish();
                this.open = None;
                Frame::trailers(into_trailers(status))
            }
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.open.is_none()
    }
}

impl OpenReply {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<ReplyFrame> {
        loop {
            if let Some(frame) = self.cutter.next().and_then(|frame| frame.into_data().ok()) {
                return Poll::Ready(ReplyFrame::Data(frame));
            }
            match self.content.take() {
                Some(Content::Whole(rope, status)) if rope.is_empty() => return Poll::Ready(ReplyFrame::End(status)),
                Some(Content::Whole(rope, status)) => {
                    self.cutter.rest = rope;
                    self.content = Some(Content::Whole(Rope::new(), status));
                }
                Some(Content::Stream(mut stream)) => {
                    let next = stream.as_mut().poll_next(cx);
                    self.content = Some(Content::Stream(stream));
                    match ready!(next) {
                        Some(ReplyFrame::Data(rope)) => self.cutter.rest = rope,
                        Some(end @ ReplyFrame::End(_)) => return Poll::Ready(end),
                        None => return Poll::Ready(ReplyFrame::End(no_status())),
                    }
                }
                None => return Poll::Ready(ReplyFrame::End(no_status())),
            }
        }
    }
}

fn no_status() -> Status {
    Status::new(Code::Internal, "the reply ended without a status")
}
