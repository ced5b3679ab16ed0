//! The HTTP level of a server: what layers of tower wrap.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::Body;
use peregrine_proto::Code;
use tower_layer::Layer;
use tower_service::Service;

use super::call_service::{failure, trailers_only};
use super::incoming_body::IncomingBody;
use super::response_body::ResponseBody;
use super::router::{Routed, Router};
use crate::call::any_body::BoxError;
use crate::call::token::CallToken;
use crate::grpc::headers::has_grpc;
use crate::grpc::status::{Status, status_within};
use crate::panic_text::panic_text;
use crate::rope::Rope;
use crate::shared_service::{BoxServiceFuture, SharedService};

/// A server as a service of HTTP requests: calls of its handler, and its mounted services. What [layers](ServeLayers)
/// wrap.
///
/// Where there are layers, the extensions of a request have its [`Peer`](peregrine_proto::Peer) and the
/// [`CallToken`] of its call.
#[derive(Clone)]
pub struct HttpService {
    kind: ServiceKind,
}

#[derive(Clone)]
enum ServiceKind {
    Router(Arc<Router>),
    Layered(SharedService<Request<IncomingBody>, Response<ResponseBody>>),
}

impl HttpService {
    pub(crate) fn new(router: Router) -> Self {
        Self { kind: ServiceKind::Router(Arc::new(router)) }
    }
}

impl Service<Request<IncomingBody>> for HttpService {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = HttpFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<IncomingBody>) -> HttpFuture {
        let step = match &self.kind {
            ServiceKind::Router(router) => router.route(request).map_or(HttpStep::Taken, HttpStep::Routed),
            ServiceKind::Layered(service) => {
                let Some(token) = request.body().token().cloned() else { return HttpFuture { step: HttpStep::Taken } };
                if let Some(peer) = request.body().peer().cloned() {
                    request.extensions_mut().insert(peer.as_ref().clone());
                }
                request.extensions_mut().insert(token.clone());
                let is_grpc = has_grpc(request.headers());
                HttpStep::Layered { response: Some(service.call(request)), token, is_grpc }
            }
        };
        HttpFuture { step }
    }
}

impl fmt::Debug for HttpService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpService").finish_non_exhaustive()
    }
}

/// The way of a request to its response.
pub struct HttpFuture {
    step: HttpStep,
}

enum HttpStep {
    Routed(Routed),
    Layered {
        response: Option<BoxServiceFuture<Response<ResponseBody>>>,
        token: CallToken,
        is_grpc: bool,
    },
    /// A layer has taken the body of the request, which is not its business.
    Taken,
}

impl Future for HttpFuture {
    type Output = Result<Response<ResponseBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(match &mut self.get_mut().step {
            HttpStep::Routed(routed) => ready!(routed.poll(cx)),
            HttpStep::Layered { response, token, is_grpc } => {
                // A layer may keep a call waiting, which its end must reach all the same.
                let result = match (token.cancelled_with(), response.as_mut()) {
                    (None, Some(response)) => ready!(guarded(|| response.as_mut().poll(cx))).map_err(layer_failed),
                    (Some(status), _) => Err(status),
                    (None, None) => Err(Status::new(Code::Internal, "the call was polled after its end")),
                };
                *response = None;
                match result {
                    Ok(response) => response.map(|body| body.of_call(token)),
                    Err(status) => failure(token, status, *is_grpc),
                }
            }
            HttpStep::Taken => trailers_only(Status::new(Code::Internal, "a layer has taken the request's body")),
        }))
    }
}

impl fmt::Debug for HttpFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpFuture").finish_non_exhaustive()
    }
}

/// Runs code of layers, whose panic fails the call.
fn guarded<T>(poll: impl FnOnce() -> Poll<Result<T, BoxError>>) -> Poll<Result<T, BoxError>> {
    catch_unwind(AssertUnwindSafe(poll)).unwrap_or_else(|panic| {
        tracing::error!(panic = panic_text(&*panic), "a layer panicked");
        Poll::Ready(Err(Status::new(Code::Internal, "a layer of the server panicked").into()))
    })
}

/// The status of a call that a layer failed. Errors of Flight and statuses keep their meaning.
fn layer_failed(error: BoxError) -> Status {
    status_within(&*error).unwrap_or_else(|| {
        tracing::error!(error, "a layer failed");
        Status::new(Code::Unavailable, "a layer of the server failed")
    })
}

/// The layers of a server, the outermost first: each request passes them, those of mounted services too.
///
/// They are applied once, and each request runs on a clone. A layer may change the headers of request and response and
/// wrap the response's body, whose frames are [`Rope`]s; it passes the request's body, an [`IncomingBody`], on as it
/// is. Where there is no layer, nothing is boxed.
///
/// An error of a layer ends the call with what it is or wraps, if that is a [`Status`] or an error of Flight, and else
/// with UNAVAILABLE; what it says is for the log. A layer sees a call up to its response headers, unless it wraps the
/// body: a limit on time or on concurrency ends there. The HTTP status 408 of tower-http's timeout is UNKNOWN to
/// clients of gRPC.
#[derive(Clone, Default)]
pub struct ServeLayers {
    layers: Vec<Arc<dyn Fn(HttpService) -> HttpService + Send + Sync>>,
}

impl ServeLayers {
    /// Adds a layer inside of those that were added before.
    pub fn push<L, S, B>(&mut self, layer: L)
    where
        L: Layer<HttpService, Service = S> + Send + Sync + 'static,
        S: Service<Request<IncomingBody>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        S::Future: Send + 'static,
        B: Body<Data = Rope> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        self.layers.push(Arc::new(move |inner| {
            let service =
                SharedService::new(layer.layer(inner), |response: Response<B>| response.map(ResponseBody::layered));
            HttpService { kind: ServiceKind::Layered(service) }
        }));
    }

    /// Whether there is no layer.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    pub(crate) fn wrap(&self, innermost: HttpService) -> HttpService {
        self.layers.iter().rev().fold(innermost, |inner, layer| layer(inner))
    }
}

impl fmt::Debug for ServeLayers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServeLayers").field("count", &self.layers.len()).finish()
    }
}
