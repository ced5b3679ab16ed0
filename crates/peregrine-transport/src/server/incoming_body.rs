//! `IncomingBody`: the body of a request, as layers and mounted services see it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use peregrine_proto::{Code, Peer};

use crate::call::any_body::AnyBody;
use crate::call::held_body::{BodyRead, HeldBody};
use crate::call::token::CallToken;
use crate::grpc::status::Status;

/// The body of a request.
///
/// It ends where the peer half-closed: a stream that was reset or lost, and one whose call has ended, is an error.
/// Dropping it discards what still arrives.
pub struct IncomingBody {
    request: Option<HeldRequest>,
    ended: bool,
}

/// A request's body, and what belongs to its call.
pub(crate) struct HeldRequest {
    pub(crate) token: CallToken,
    pub(crate) body: Arc<HeldBody>,
    pub(crate) peer: Arc<Peer>,
}

impl IncomingBody {
    /// The body of the call with a token, which drops it at the call's end.
    pub(crate) fn new(body: AnyBody, token: CallToken, peer: Arc<Peer>) -> Self {
        let body = HeldBody::new(body, &token);
        Self { request: Some(HeldRequest { token, body, peer }), ended: false }
    }

    /// What reads the body from here on. `None` where it was taken before.
    pub(crate) fn take(&mut self) -> Option<HeldRequest> {
        self.request.take()
    }

    pub(crate) fn token(&self) -> Option<&CallToken> {
        self.request.as_ref().map(|request| &request.token)
    }

    pub(crate) fn peer(&self) -> Option<&Arc<Peer>> {
        self.request.as_ref().map(|request| &request.peer)
    }
}

impl Body for IncomingBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(HeldRequest { token, body, .. }) = self.request.as_ref().filter(|_| !self.ended) else {
            return Poll::Ready(None);
        };
        let frame = match ready!(body.poll_read(cx)) {
            BodyRead::Frame(Ok(frame)) => Some(Ok(frame)),
            BodyRead::Frame(Err(status)) => Some(Err(token.cancelled_with().unwrap_or(status))),
            BodyRead::End { end_stream: true } => None,
            BodyRead::End { end_stream: false } => {
                Some(Err(Status::new(Code::Cancelled, "the peer reset the stream before its end")))
            }
            BodyRead::Dropped => {
                let ended = || Status::new(Code::Cancelled, "the call has ended");
                Some(Err(token.cancelled_with().unwrap_or_else(ended)))
            }
        };
        self.ended = !matches!(&frame, Some(Ok(frame)) if frame.is_data());
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.request.as_ref().is_none_or(|request| request.body.has_ended())
    }
}

impl Drop for IncomingBody {
    fn drop(&mut self) {
        if let Some(request) = self.request.take() {
            request.body.discard();
        }
    }
}

impl fmt::Debug for IncomingBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingBody").field("token", &self.token()).finish_non_exhaustive()
    }
}
