//! `AnyBody`: what a body is read from, a connection of this transport or something that wraps one.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::body::Incoming;
use pin_project_lite::pin_project;

use crate::grpc::status::{Status, from_transport, status_within};

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
pub(crate) enum AnyBody {
    Connection(Incoming),
    Boxed(BoxBody),
}

impl Body for AnyBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = match self.get_mut() {
            Self::Connection(body) => ready!(Pin::new(body).poll_frame(cx)).map(|frame| frame.map_err(from_transport)),
            Self::Boxed(body) => ready!(body.as_mut().poll_frame(cx)).map(|frame| frame.map_err(status)),
        };
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Connection(body) => body.is_end_stream(),
            Self::Boxed(body) => body.is_end_stream(),
        }
    }
}

/// What comes out of a body that wraps one of ours is what went in.
fn status(error: BoxError) -> Status {
    status_within(&*error).unwrap_or_else(|| from_transport(error))
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
