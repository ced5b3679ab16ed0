//! What a client sends in a call, and the body that hyper makes of it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use http_body::{Body, Frame};

use crate::call::any_body::BoxError;
use crate::call::drive::NextCall;
use crate::call::side::Side;
use crate::call::token::CallToken;
use crate::cutter::Cutter;
use crate::grpc::status::Status;
use crate::rope::Rope;

/// What a client sends in a call: framed messages, as [`frame_message`](crate::frame_message) makes them.
///
/// A rope of the stream may hold any number of messages or a part of one; each goes out in DATA frames of its own. An
/// `Err` resets the call with `CANCEL`; so does dropping the call. The end of the stream is the half-close.
pub struct Outgoing {
    kind: OutgoingKind,
    /// The call that sends it, once there is one.
    call: Option<CallToken>,
}

enum OutgoingKind {
    Whole(Option<Rope>),
    Stream(Pin<Box<dyn Stream<Item = Result<Rope, Status>> + Send>>),
}

impl Outgoing {
    /// A request that is complete: one DATA frame (if it fits) with the half-close in it.
    pub fn whole(frames: Rope) -> Self {
        Self { kind: OutgoingKind::Whole(Some(frames)), call: None }
    }

    /// A request that is made while it is sent. The stream is polled in a task of its own.
    pub fn stream(frames: impl Stream<Item = Result<Rope, Status>> + Send + 'static) -> Self {
        Self { kind: OutgoingKind::Stream(Box::pin(frames)), call: None }
    }

    /// The same once more, if it is complete. Shares its memory.
    pub(crate) fn repeat(&self) -> Option<Self> {
        match &self.kind {
            OutgoingKind::Whole(rope) => {
                Some(Self { kind: OutgoingKind::Whole(rope.clone()), call: self.call.clone() })
            }
            OutgoingKind::Stream(_) => None,
        }
    }

    /// The call that sends it: a layer may lose everything else of the request.
    pub(crate) fn call(&self) -> Option<&CallToken> {
        self.call.as_ref()
    }

    pub(crate) fn set_call(&mut self, call: CallToken) {
        self.call = Some(call);
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Rope, Status>>> {
        match &mut self.kind {
            OutgoingKind::Whole(rope) => Poll::Ready(rope.take().map(Ok)),
            OutgoingKind::Stream(stream) => stream.as_mut().poll_next(cx),
        }
    }
}

/// For layers of tower, which ask that a body is one. The transport reads it by itself, with frames of the sizes that
/// it wants.
impl Body for Outgoing {
    type Data = Rope;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Rope>, Status>>> {
        self.get_mut().poll_next(cx).map(|rope| rope.map(|rope| rope.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.kind, OutgoingKind::Whole(None))
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").finish_non_exhaustive()
    }
}

/// Whether the connection has asked for the messages of a request: from then on the server may have seen some of it.
#[derive(Clone, Default)]
pub(crate) struct Begun(Arc<AtomicBool>);

impl Begun {
    pub(crate) fn has_begun(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The body of a request.
pub(crate) struct RequestBody {
    outgoing: Outgoing,
    cutter: Cutter,
    token: CallToken,
    /// Until the first poll: where the future that will drive this body finds its call.
    next: Option<NextCall>,
    begun: Begun,
}

impl RequestBody {
    pub(crate) fn new(outgoing: Outgoing, cap: usize, token: CallToken, next: NextCall, begun: Begun) -> Self {
        Self { outgoing, cutter: Cutter::new(cap), token, next: Some(next), begun }
    }

    /// What it was made of, where it was never polled.
    pub(crate) fn into_outgoing(self) -> Outgoing {
        self.outgoing
    }
}

impl Body for RequestBody {
    type Data = Rope;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Rope>, BoxError>>> {
        let this = self.get_mut();
        if let Some(next) = this.next.take() {
            // hyper polls a body first from the task of the connection, then spawns what is not done. What makes a
            // stream may work hard, so it is left alone until it runs in its own task.
            this.begun.0.store(true, Ordering::Release);
            next.put(this.token.clone(), Side::Client);
            if matches!(this.outgoing.kind, OutgoingKind::Stream(_)) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        loop {
            if let Some(data) = this.cutter.next() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            match ready!(this.outgoing.poll_next(cx)) {
                Some(Ok(rope)) => this.cutter.refill(rope),
                Some(Err(status)) => {
                    this.token.cancel(status);
                    return Poll::Ready(Some(Err(h2::Error::from(h2::Reason::CANCEL).into())));
                }
                None => return Poll::Ready(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.cutter.is_empty() && matches!(self.outgoing.kind, OutgoingKind::Whole(None))
    }
}
