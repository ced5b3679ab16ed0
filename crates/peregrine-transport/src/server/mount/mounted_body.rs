//! The body of a mounted service's response.

use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::Response;
use http_body::{Body, Frame};
use peregrine_proto::Code;

use crate::call::any_body::{BoxBody, BoxError};
use crate::call::token::CallToken;
use crate::cutter::Cutter;
use crate::grpc::status::{Status, into_trailers};
use crate::panic_text::panic_text;
use crate::rope::Rope;
use crate::server::call_service::failure;

/// The status of a call that did not reach its service.
#[derive(Debug)]
pub(super) struct Refused(pub(super) Status);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Refused {}

/// A call of a mounted service: its code runs guarded.
#[derive(Clone)]
pub(crate) struct Guarded {
    pub(crate) token: CallToken,
    pub(crate) prefix: Arc<str>,
    /// Whether the caller understands a gRPC status.
    pub(crate) grpc: bool,
}

impl Guarded {
    /// Runs code of the service. What goes wrong there becomes a status; its own words are for the log.
    pub(crate) fn guard<T>(&self, poll: impl FnOnce() -> Poll<Result<T, BoxError>>) -> Poll<Result<T, Status>> {
        let status = |how| Status::new(Code::Internal, format!("the service mounted at {} {how}", self.prefix));
        match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(polled) => polled.map_err(|error| match error.downcast::<Refused>() {
                Ok(refused) => refused.0,
                Err(error) => {
                    tracing::error!(prefix = &*self.prefix, error, "a mounted service failed");
                    status("failed")
                }
            }),
            Err(panic) => {
                tracing::error!(prefix = &*self.prefix, panic = panic_text(&*panic), "a mounted service panicked");
                Poll::Ready(Err(status("panicked")))
            }
        }
    }

    /// The response of a call that has no other.
    pub(crate) fn failure(&self, status: Status) -> Response<MountedBody> {
        failure(&self.token, status, self.grpc)
    }

    /// The service has responded to the end.
    fn finish(&self) {
        self.token.finish(Status::ok());
    }
}

/// The body of an answer of a mounted service.
#[derive(Default)]
pub(crate) struct MountedBody {
    /// `None` at the end.
    open: Option<OpenBody>,
}

struct OpenBody {
    body: BoxBody,
    cutter: Cutter,
    call: Guarded,
}

impl MountedBody {
    pub(super) fn new(body: BoxBody, call: Guarded, data_cap: usize) -> Self {
        Self { open: Some(OpenBody { body, cutter: Cutter::new(data_cap), call }) }
    }
}

impl Body for MountedBody {
    type Data = Rope;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Rope>, BoxError>>> {
        let Some(open) = &mut self.open else { return Poll::Ready(None) };
        let frame = ready!(open.poll_frame(cx));
        if !matches!(&frame, Some(Ok(frame)) if frame.is_data()) {
            open.call.finish();
            self.open = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.open.as_ref().is_none_or(|open| open.cutter.is_empty() && open.body.is_end_stream())
    }
}

impl OpenBody {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Rope>, BoxError>>> {
        loop {
            if let Some(status) = self.call.token.cancelled_with() {
                return Poll::Ready(Some(self.end(status, h2::Reason::CANCEL)));
            }
            if let Some(data) = self.cutter.next() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            let body = self.body.as_mut();
            let polled = self.call.guard(|| body.poll_frame(cx).map(Option::transpose));
            match ready!(polled) {
                Ok(Some(frame)) => match frame.into_data() {
                    Ok(data) => self.cutter.refill(data.into()),
                    Err(frame) => {
                        return Poll::Ready(frame.into_trailers().ok().map(|trailers| Ok(Frame::trailers(trailers))));
                    }
                },
                Ok(None) => return Poll::Ready(None),
                Err(status) => return Poll::Ready(Some(self.end(status, h2::Reason::INTERNAL_ERROR))),
            }
        }
    }

    /// The end of a body that has none of its own.
    fn end(&self, status: Status, reset: h2::Reason) -> Result<Frame<Rope>, BoxError> {
        if self.call.grpc { Ok(Frame::trailers(into_trailers(status))) } else { Err(h2::Error::from(reset).into()) }
    }
}
