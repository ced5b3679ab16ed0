//! `ResponseBody`: the body of a response, as layers see it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::{Body, Frame};
use peregrine_proto::Code;

use super::mount::mounted_body::MountedBody;
use super::reply::ReplyBody;
use crate::call::any_body::BoxError;
use crate::call::token::CallToken;
use crate::grpc::status::Status;
use crate::panic_text::panic_text;
use crate::rope::Rope;

/// The body of a response. Its data is in ropes, which reach the socket without being copied together.
#[derive(Default)]
pub struct ResponseBody {
    kind: ResponseKind,
    /// The call that a layer's body responds to: it ends with the body, if it has not ended by then.
    call: Option<CallToken>,
}

#[derive(Default)]
enum ResponseKind {
    #[default]
    Empty,
    Reply(ReplyBody),
    Mounted(MountedBody),
    Layered(Pin<Box<LayerBody>>),
}

type LayerBody = dyn Body<Data = Rope, Error = BoxError> + Send;

impl ResponseBody {
    /// What a layer made of a body.
    pub(crate) fn layered<B>(body: B) -> Self
    where
        B: Body<Data = Rope> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self { kind: ResponseKind::Layered(Box::pin(BoxedErrors { body: Box::pin(body) })), call: None }
    }
}

impl ResponseBody {
    /// The body of the response to a call, behind all layers.
    pub(crate) fn of_call(mut self, call: &CallToken) -> Self {
        if self.is_end_stream() {
            end(Some(call.clone()), None);
        } else {
            self.call = Some(call.clone());
        }
        self
    }
}

impl From<ReplyBody> for ResponseBody {
    fn from(body: ReplyBody) -> Self {
        Self { kind: ResponseKind::Reply(body), call: None }
    }
}

impl From<MountedBody> for ResponseBody {
    fn from(body: MountedBody) -> Self {
        Self { kind: ResponseKind::Mounted(body), call: None }
    }
}

impl Body for ResponseBody {
    type Data = Rope;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Rope>, BoxError>>> {
        let this = self.get_mut();
        match &mut this.kind {
            ResponseKind::Empty => Poll::Ready(None),
            ResponseKind::Reply(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            ResponseKind::Mounted(body) => Pin::new(body).poll_frame(cx),
            ResponseKind::Layered(body) => {
                let frame = ready!(poll_guarded(body.as_mut(), cx));
                if !matches!(&frame, Some(Ok(frame)) if frame.is_data()) {
                    end(this.call.take(), frame.as_ref().and_then(|frame| frame.as_ref().err()));
                }
                Poll::Ready(frame)
            }
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

/// Runs code of a layer, whose panic resets the stream.
fn poll_guarded(body: Pin<&mut LayerBody>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Rope>, BoxError>>> {
    catch_unwind(AssertUnwindSafe(|| body.poll_frame(cx))).unwrap_or_else(|panic| {
        tracing::error!(panic = panic_text(&*panic), "the body of a layer panicked");
        Poll::Ready(Some(Err(h2::Error::from(h2::Reason::INTERNAL_ERROR).into())))
    })
}

/// Ends a call that did not end by itself when its response did.
fn end(call: Option<CallToken>, error: Option<&BoxError>) {
    let Some(call) = call else { return };
    call.cancel(match error {
        Some(_) => Status::new(Code::Internal, "the body of a layer failed"),
        None => Status::new(Code::Cancelled, "a layer has responded in place of the call"),
    });
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
