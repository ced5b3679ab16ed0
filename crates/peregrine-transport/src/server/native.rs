//! The requests of one connection: calls of the handler, and those of mounted services.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::{Body, Frame};
use hyper::body::Incoming;
use hyper::service::Service;

use crate::call::drive::{NextCall, Side};
use crate::call::held_body::HeldBody;
use crate::peer::Peer;
use crate::rope::Rope;
use crate::server::call_service::{CallFuture, CallService};
use crate::server::mount::mounted_call::{MountedBody, MountedCall};
use crate::server::reply::ReplyBody;
use crate::server::serve::ServeConfig;

/// Takes the requests of one connection to whoever answers them.
pub(crate) struct NativeService {
    pub(crate) calls: CallService,
    pub(crate) config: Arc<ServeConfig>,
    pub(crate) peer: Arc<Peer>,
    pub(crate) next: NextCall,
}

impl Service<Request<Incoming>> for NativeService {
    type Response = Response<NativeBody>;
    type Error = Infallible;
    type Future = NativeFuture;

    fn call(&self, request: Request<Incoming>) -> NativeFuture {
        let future = match self.config.mounts.find(request.uri().path()) {
            None => NativeFuture::Call(self.calls.call(request.map(HeldBody::from), Arc::clone(&self.peer))),
            Some(mount) => match MountedCall::new(mount, request, &self.peer, self.config.http2.max_data_frame) {
                Ok(call) => NativeFuture::Mounted(call),
                Err(_) => NativeFuture::Call(CallFuture::bad_timeout()),
            },
        };
        let token = match &future {
            NativeFuture::Call(call) => call.token(),
            NativeFuture::Mounted(call) => Some(call.token()),
        };
        if let Some(token) = token {
            self.next.put(token.clone(), Side::Server);
        }
        future
    }
}

/// The way of a request to its response. No code of the handler or of a service runs before the first poll, which is
/// in the call's task.
pub(crate) enum NativeFuture {
    Call(CallFuture),
    Mounted(MountedCall),
}

impl Future for NativeFuture {
    type Output = Result<Response<NativeBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = match self.get_mut() {
            Self::Call(call) => ready!(call.poll(cx)).map(NativeBody::Reply),
            Self::Mounted(call) => ready!(call.poll(cx)).map(NativeBody::Mounted),
        };
        Poll::Ready(Ok(response))
    }
}

/// The body of a response: ropes, or the bytes of a mounted service.
pub(crate) enum NativeBody {
    Reply(ReplyBody),
    Mounted(MountedBody),
}

impl Body for NativeBody {
    type Data = Rope;
    type Error = h2::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Rope>, h2::Error>>> {
        match self.get_mut() {
            Self::Reply(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            Self::Mounted(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Reply(body) => body.is_end_stream(),
            Self::Mounted(body) => body.is_end_stream(),
        }
    }
}
