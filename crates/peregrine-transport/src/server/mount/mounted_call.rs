//! A call of a mounted service: the wait for its answer, and the answer's body.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use hyper::body::Incoming;

use crate::call::held_body::{BoxBody, BoxError, IncomingBody};
use crate::call::token::CallToken;
use crate::cutter::Cutter;
use crate::grpc::status::{Code, Status, into_trailers};
use crate::peer::Peer;
use crate::rope::Rope;
use crate::server::call_service::{BadTimeout, deadline, is_grpc, trailers_only};
use crate::server::mount::{Answering, Mount};

/// A call of a mounted service, on its way to its response.
pub(crate) struct MountedCall {
    answering: Option<Answering>,
    call: Call,
    data_cap: usize,
}

/// What is known of the call from its beginning to its end.
#[derive(Clone)]
struct Call {
    token: CallToken,
    prefix: Arc<str>,
    /// Whether the caller understands a gRPC status.
    grpc: bool,
}

impl MountedCall {
    /// Starts a call. The service sees the request as it came, and the peer among its extensions.
    pub(crate) fn new(
        mount: &Mount,
        request: Request<Incoming>,
        peer: &Peer,
        data_cap: usize,
    ) -> Result<Self, BadTimeout> {
        let grpc = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).is_some_and(is_grpc);
        let token = CallToken::new(if grpc { deadline(request.headers())? } else { None });
        let mut request = request.map(|body| IncomingBody::new(body, token.clone()));
        request.extensions_mut().insert(peer.clone());
        let call = Call { token, prefix: Arc::clone(mount.prefix()), grpc };
        Ok(Self { answering: Some(mount.call(request)), call, data_cap })
    }

    pub(crate) fn token(&self) -> &CallToken {
        &self.call.token
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Response<MountedBody>> {
        let answer = match (self.call.token.cancelled_with(), &mut self.answering) {
            (Some(status), _) => Err(status),
            (None, Some(answering)) => ready!(self.call.guard(|| answering.as_mut().poll(cx))),
            (None, None) => Err(Status::new(Code::Internal, "the call was polled after its end")),
        };
        self.answering = None;
        Poll::Ready(match answer {
            Ok(response) => response.map(|body| MountedBody::new(body, self.call.clone(), self.data_cap)),
            Err(status) => self.call.failure(status),
        })
    }
}

impl Call {
    /// Runs code of the service. What goes wrong there becomes a status; its own words are for the log.
    fn guard<T>(&self, poll: impl FnOnce() -> Poll<Result<T, BoxError>>) -> Poll<Result<T, Status>> {
        let status = |how| Status::new(Code::Internal, format!("the service mounted at {} {how}", self.prefix));
        match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(polled) => polled.map_err(|error| {
                tracing::error!(prefix = &*self.prefix, error, "a mounted service failed");
                status("failed")
            }),
            Err(panic) => {
                tracing::error!(prefix = &*self.prefix, panic = words(&*panic), "a mounted service panicked");
                Poll::Ready(Err(status("panicked")))
            }
        }
    }

    /// The response of a call that has no other.
    fn failure(&self, status: Status) -> Response<MountedBody> {
        self.token.finish();
        if self.grpc {
            return trailers_only(status);
        }
        let mut response = Response::new(MountedBody::default());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let string = || panic.downcast_ref::<String>().map(String::as_str);
    panic.downcast_ref::<&str>().copied().or_else(string).unwrap_or("(not a string)")
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
    call: Call,
}

impl MountedBody {
    fn new(body: BoxBody, call: Call, data_cap: usize) -> Self {
        Self { open: Some(OpenBody { body, cutter: Cutter::new(data_cap), call }) }
    }
}

impl Body for MountedBody {
    type Data = Rope;
    type Error = h2::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Rope>, h2::Error>>> {
        let Some(open) = &mut self.open else { return Poll::Ready(None) };
        let frame = ready!(open.poll_frame(cx));
        if !matches!(&frame, Some(Ok(frame)) if frame.is_data()) {
            open.call.token.finish();
            self.open = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.open.as_ref().is_none_or(|open| open.cutter.is_empty() && open.body.is_end_stream())
    }
}

impl OpenBody {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Rope>, h2::Error>>> {
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
    fn end(&self, status: Status, reset: h2::Reason) -> Result<Frame<Rope>, h2::Error> {
        if self.call.grpc { Ok(Frame::trailers(into_trailers(status))) } else { Err(reset.into()) }
    }
}
