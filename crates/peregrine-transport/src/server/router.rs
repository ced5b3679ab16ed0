//! Which requests go to the handler, and which to mounted services.

use std::task::{Context, Poll, ready};

use http::{Request, Response};

use super::call_service::{CallFuture, CallService};
use super::incoming_body::IncomingBody;
use super::mount::Mounts;
use super::mount::mounted_call::MountedCall;
use super::response_body::ResponseBody;

/// Takes the requests of all connections to what answers them.
pub(crate) struct Router {
    calls: CallService,
    mounts: Mounts,
    data_cap: usize,
}

impl Router {
    pub(crate) fn new(calls: CallService, mounts: Mounts, data_cap: usize) -> Self {
        Self { calls, mounts, data_cap }
    }

    /// Starts a request. No code of the handler or of a service runs before the future is polled. `None` where the
    /// request's body was taken by a layer.
    pub(crate) fn route(&self, request: Request<IncomingBody>) -> Option<Routed> {
        let mount = self.mounts.find(request.uri().path());
        if let Some(mount) = mount {
            let token = request.body().token()?.clone();
            let gate = self.mounts.gate_of(mount);
            return Some(Routed::Mounted(MountedCall::new(mount, gate, request, token, self.data_cap)));
        }
        let (head, mut body) = request.into_parts();
        Some(Routed::Call(self.calls.call(head, body.take()?)))
    }
}

/// The way of a request to its response.
pub(crate) enum Routed {
    Call(CallFuture),
    Mounted(MountedCall),
}

impl Routed {
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Response<ResponseBody>> {
        Poll::Ready(match self {
            Self::Call(call) => ready!(call.poll(cx)).map(ResponseBody::from),
            Self::Mounted(call) => ready!(call.poll(cx)).map(ResponseBody::from),
        })
    }
}
