//! What a server responds to a call, and the body that hyper makes of it.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use http::HeaderMap;
use http_body::{Body, Frame};
use peregrine_proto::Code;

use crate::call::token::CallToken;
use crate::cutter::Cutter;
use crate::grpc::status::{Status, into_trailers};
use crate::rope::Rope;

/// A piece of a reply.
#[derive(Debug)]
pub enum ReplyFrame {
    /// Framed messages, as [`frame_message`](crate::frame_message) makes them.
    Data(Rope),
    /// The end of the call, good or bad, with its trailers.
    End(Status),
}

/// What a server responds to a call: metadata, then framed messages, then a status.
///
/// The headers go out when the handler's future is ready with the reply, so a handler makes its first message before
/// it responds, or fails without having sent anything.
pub struct Reply {
    pub(crate) metadata: HeaderMap,
    pub(crate) content: ReplyContent,
}

pub(crate) enum ReplyContent {
    Complete(Rope, Status),
    Stream(Pin<Box<dyn Stream<Item = ReplyFrame> + Send>>),
}

impl Reply {
    /// A reply that is made while it is sent. It ends with [`ReplyFrame::End`]; a stream that ends without is an
    /// `INTERNAL` error. It is dropped when the peer resets the call or the deadline passes.
    pub fn stream(metadata: HeaderMap, frames: impl Stream<Item = ReplyFrame> + Send + 'static) -> Self {
        Self { metadata, content: ReplyContent::Stream(Box::pin(frames)) }
    }

    /// A reply that is complete.
    pub fn complete(metadata: HeaderMap, frames: Rope, status: Status) -> Self {
        Self { metadata, content: ReplyContent::Complete(frames, status) }
    }

    /// A status alone. Without metadata it goes out in one HEADERS frame.
    pub fn end(metadata: HeaderMap, status: Status) -> Self {
        Self::complete(metadata, Rope::new(), status)
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("metadata", &self.metadata).finish_non_exhaustive()
    }
}

/// The body of a reply.
#[derive(Default)]
pub(crate) struct ReplyBody {
    /// `None` when the trailers are out, or when there is no body at all.
    open: Option<OpenReply>,
}

struct OpenReply {
    content: Option<ReplyContent>,
    cutter: Cutter,
    token: CallToken,
}

impl ReplyBody {
    pub(crate) fn new(content: ReplyContent, cap: usize, token: CallToken) -> Self {
        Self { open: Some(OpenReply { content: Some(content), cutter: Cutter::new(cap), token }) }
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
                let status = status.fitted();
                open.token.finish(status.clone());
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
            if let Some(data) = self.cutter.next() {
                return Poll::Ready(ReplyFrame::Data(data));
            }
            match self.content.take() {
                Some(ReplyContent::Complete(rope, status)) if rope.is_empty() => {
                    return Poll::Ready(ReplyFrame::End(status));
                }
                Some(ReplyContent::Complete(rope, status)) => {
                    self.cutter.refill(rope);
                    self.content = Some(ReplyContent::Complete(Rope::new(), status));
                }
                Some(ReplyContent::Stream(mut stream)) => {
                    let next = stream.as_mut().poll_next(cx);
                    self.content = Some(ReplyContent::Stream(stream));
                    match ready!(next) {
                        Some(ReplyFrame::Data(rope)) => self.cutter.refill(rope),
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
