//! The HTTP level of a client: what layers of tower wrap.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use hyper::body::Incoming;
use peregrine_proto::Code;
use tower_layer::Layer;
use tower_service::Service;

use super::attempts::Attempts;
use super::outgoing::Outgoing;
use crate::call::any_body::{AnyBody, BoxBody, BoxError, boxed};
use crate::call::token::CallToken;
use crate::grpc::status::{Status, status_within};
use crate::shared_service::{BoxServiceFuture, SharedService};

/// A client as a service of HTTP requests: makes the attempts at a call. What [layers](ChannelLayers) wrap.
///
/// The extensions of a request have the [`CallToken`] of its call.
#[derive(Clone)]
pub struct HttpChannel {
    kind: ChannelKind,
}

#[derive(Clone)]
enum ChannelKind {
    Attempts(Arc<Attempts>),
    Layered(SharedService<Request<Outgoing>, Response<BoxBody>>),
}

impl HttpChannel {
    pub(crate) fn new(attempts: Arc<Attempts>) -> Self {
        Self { kind: ChannelKind::Attempts(attempts) }
    }

    /// Sends a request through the layers.
    pub(crate) async fn send(&self, request: Request<Outgoing>) -> Result<Response<BoxBody>, BoxError> {
        match &self.kind {
            ChannelKind::Attempts(attempts) => Ok(attempt_all(Arc::clone(attempts), request).await?.map(boxed)),
            ChannelKind::Layered(service) => service.call(request).await,
        }
    }
}

impl Service<Request<Outgoing>> for HttpChannel {
    type Response = Response<ReceivedBody>;
    type Error = BoxError;
    type Future = BoxServiceFuture<Response<ReceivedBody>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Outgoing>) -> Self::Future {
        let kind = self.kind.clone();
        Box::pin(async move {
            match kind {
                ChannelKind::Attempts(attempts) => Ok(attempt_all(attempts, request).await?),
                ChannelKind::Layered(service) => Ok(service.call(request).await?.map(ReceivedBody::layered)),
            }
        })
    }
}

impl fmt::Debug for HttpChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpChannel").finish_non_exhaustive()
    }
}

async fn attempt_all(attempts: Arc<Attempts>, request: Request<Outgoing>) -> Result<Response<ReceivedBody>, Status> {
    let Some(token) = request.body().call().cloned() else {
        return Err(Status::new(Code::Internal, "a layer has sent a request of its own"));
    };
    let (response, attempt) = attempts.send(request, &token).await?;
    Ok(response.map(|body| ReceivedBody::received(body, attempt)))
}

/// The body of a response as layers see it. Dropping it before its end ends the attempt that brought it.
pub struct ReceivedBody {
    body: AnyBody,
    attempt: Option<CallToken>,
}

impl ReceivedBody {
    fn received(body: Incoming, attempt: CallToken) -> Self {
        Self { body: AnyBody::Connection(body), attempt: Some(attempt) }
    }

    fn layered(body: BoxBody) -> Self {
        Self { body: AnyBody::Boxed(body), attempt: None }
    }
}

impl Body for ReceivedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        // What ended the attempt on this side says more than the reset that came of it.
        let ended = |status| self.attempt.as_ref().and_then(CallToken::cancelled_with).unwrap_or(status);
        Poll::Ready(frame.map(|frame| frame.map_err(ended)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}

impl Drop for ReceivedBody {
    fn drop(&mut self) {
        if let Some(attempt) = self.attempt.take() {
            // Ends what still sends the request. The call itself ends with whoever reads it.
            attempt.cancel(Status::new(Code::Cancelled, "the body of the response was dropped"));
        }
    }
}

impl fmt::Debug for ReceivedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivedBody").finish_non_exhaustive()
    }
}

/// The layers of a channel, the outermost first: each request of a call passes them once, however often it is attempted.
///
/// An error of a layer ends the call with what it is or wraps, if that is a [`Status`] or an error of Flight, and else
/// with UNKNOWN. A layer may change the request's and the response's headers and wrap the response's body, whose frames
/// are [`Bytes`]; it passes the request's body, an [`Outgoing`], on as it is. Where there is no layer, nothing is
/// boxed. A layer sees a call up to its response headers, unless it wraps the body.
#[derive(Clone, Default)]
pub struct ChannelLayers {
    layers: Vec<Arc<dyn Fn(HttpChannel) -> HttpChannel + Send + Sync>>,
}

impl ChannelLayers {
    /// Adds a layer inside of those that were added before.
    pub fn push<L, S, B>(&mut self, layer: L)
    where
        L: Layer<HttpChannel, Service = S> + Send + Sync + 'static,
        S: Service<Request<Outgoing>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        self.layers.push(Arc::new(move |inner| {
            let service = SharedService::new(layer.layer(inner), |response: Response<B>| response.map(boxed));
            HttpChannel { kind: ChannelKind::Layered(service) }
        }));
    }

    /// Whether there is no layer.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// Wraps a channel; `None` where there is no layer.
    pub(crate) fn wrap(&self, attempts: &Arc<Attempts>) -> Option<HttpChannel> {
        let wrapped = |inner, layer: &Arc<dyn Fn(HttpChannel) -> HttpChannel + Send + Sync>| layer(inner);
        let innermost = || HttpChannel::new(Arc::clone(attempts));
        (!self.is_empty()).then(|| self.layers.iter().rev().fold(innermost(), wrapped))
    }
}

impl fmt::Debug for ChannelLayers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelLayers").field("count", &self.layers.len()).finish()
    }
}

/// The status of a call that a layer failed.
pub(crate) fn layer_failed(error: BoxError) -> Status {
    status_within(&*error).unwrap_or_else(|| {
        Status::new(Code::Unknown, format!("a layer of the client failed: {error}")).with_source(error)
    })
}
