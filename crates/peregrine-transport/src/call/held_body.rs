//! Bodies of requests and answers as they come in: this transport's own, or those of a host that it is embedded in.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::body::Incoming;
use pin_project_lite::pin_project;

use crate::call::token::CallToken;
use crate::grpc::status::{Code, Status, from_transport};

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// A body of any type.
pub(crate) type BoxBody = Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>;

/// Boxes a body.
pub(crate) fn boxed<B>(body: B) -> BoxBody
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    Box::pin(Opaque { body })
}

/// A body that a call reads.
pub(crate) enum HeldBody {
    Own(Incoming),
    Host(BoxBody),
}

impl From<Incoming> for HeldBody {
    fn from(body: Incoming) -> Self {
        Self::Own(body)
    }
}

impl From<BoxBody> for HeldBody {
    fn from(body: BoxBody) -> Self {
        Self::Host(body)
    }
}

impl Body for HeldBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = match self.get_mut() {
            Self::Own(body) => ready!(Pin::new(body).poll_frame(cx)).map(|frame| frame.map_err(from_transport)),
            Self::Host(body) => ready!(body.as_mut().poll_frame(cx)).map(|frame| frame.map_err(from_transport)),
        };
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(body) => body.is_end_stream(),
            Self::Host(body) => body.is_end_stream(),
        }
    }
}

/// The body of a request to a mounted service.
///
/// It ends where the peer half-closed: a stream that was reset or lost, and one whose call has ended, is an error.
/// Dropping it throws away what still comes.
pub struct IncomingBody {
    token: CallToken,
    ended: bool,
}

impl IncomingBody {
    /// Reads the body that the token is to hold.
    pub(crate) fn new(body: Incoming, token: CallToken) -> Self {
        token.hold_body(body);
        Self { token, ended: false }
    }
}

impl Body for IncomingBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let polled = self.token.with_body(cx.waker(), |body| {
            // hyper calls it an end when the peer resets with NO_ERROR: only END_STREAM makes it one.
            Pin::new(&mut *body).poll_frame(cx).map(|frame| frame.ok_or_else(|| body.is_end_stream()))
        });
        let frame = match polled {
            Some(polled) => ready!(polled),
            None => Ok(Err(Status::new(Code::Cancelled, "the call has ended"))),
        };
        let frame = match frame {
            Ok(Ok(frame)) => Some(Ok(frame)),
            Ok(Err(status)) => Some(Err(self.token.cancelled_with().unwrap_or(status))),
            Err(true) => None,
            Err(false) => Some(Err(Status::new(Code::Cancelled, "the peer reset the stream before its end"))),
        };
        self.ended = !matches!(&frame, Some(Ok(frame)) if frame.is_data());
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.token.body_has_ended()
    }
}

impl Drop for IncomingBody {
    fn drop(&mut self) {
        self.token.drop_body();
    }
}

impl fmt::Debug for IncomingBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingBody").field("token", &self.token).finish_non_exhaustive()
    }
}

pin_project! {
    /// A body whose errors are of one type.
    struct Opaque<B> {
        #[pin]
        body: B,
    }
}

impl<B> Body for Opaque<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.project().body.poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}
