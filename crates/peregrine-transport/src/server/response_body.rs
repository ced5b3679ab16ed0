//! `ResponseBody`: the body of a response, as layers see it.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame};

use super::mount::mounted_body::MountedBody;
use super::reply::ReplyBody;
use crate::call::any_body::BoxError;
use crate::rope::Rope;

/// The body of a response. Its data is in ropes, which reach the socket without being copied together.
#[derive(Default)]
pub struct ResponseBody {
    kind: ResponseKind,
}

#[derive(Default)]
enum ResponseKind {
    #[default]
    Empty,
    Reply(ReplyBody),
    Mounted(MountedBody),
    Layered(Pin<Box<dyn Body<Data = Rope, Error = BoxError> + Send>>),
}

impl ResponseBody {
    /// What a layer made of a body.
    pub(crate) fn layered<B>(body: B) -> Self
    where
        B: Body<Data = Rope> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self { kind: ResponseKind::Layered(Box::pin(BoxedErrors { body: Box::pin(body) })) }
    }
}

impl From<ReplyBody> for ResponseBody {
    fn from(body: ReplyBody) -> Self {
        Self { kind: ResponseKind::Reply(body) }
    }
}

impl From<MountedBody> for ResponseBody {
    fn from(body: MountedBody) -> Self {
        Self { kind: ResponseKind::Mounted(body) }
    }
}

impl Body for ResponseBody {
    type Data = Rope;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Rope>, BoxError>>> {
        match &mut self.get_mut().kind {
            ResponseKind::Empty => Poll::Ready(None),
            ResponseKind::Reply(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            ResponseKind::Mounted(body) => Pin::new(body).poll_frame(cx),
            ResponseKind::Layered(body) => body.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            ResponseKind::Empty => true,
            ResponseKind::Reply(body) => body.is_end_stream(),
            ResponseKind::Mounted(body) => body.is_end_stream(),
            ResponseKind::Layered(body) => body.is_end_stream(),
        }
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").field("is_end_stream", &self.is_end_stream()).finish_non_exhaustive()
    }
}

/// A body whose errors are of one type.
struct BoxedErrors<B> {
    body: Pin<Box<B>>,
}

impl<B> Body for BoxedErrors<B>
where
    B: Body<Data = Rope>,
    B::Error: Into<BoxError>,
{
    type Data = Rope;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Rope>, BoxError>>> {
        self.body.as_mut().poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}
