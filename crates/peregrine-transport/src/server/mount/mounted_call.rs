//! A call of a mounted service: the wait for its answer, and the answer's body.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use peregrine_proto::{CallInfo, Code};

use super::mounted_body::{Guarded, MountedBody, Refused};
use super::{Answering, Mount, MountGate};
use crate::call::token::CallToken;
use crate::grpc::headers::{has_grpc, strip_reserved};
use crate::grpc::status::Status;
use crate::server::incoming_body::IncomingBody;

/// A call of a mounted service, on its way to its response.
pub(crate) struct MountedCall {
    answering: Option<Answering>,
    call: Guarded,
    data_cap: usize,
}

impl MountedCall {
    /// Starts a call. The service sees the request as it came, and the peer among its extensions.
    pub(crate) fn new(
        mount: &Mount,
        gate: Option<Arc<dyn MountGate>>,
        mut request: Request<IncomingBody>,
        token: CallToken,
        data_cap: usize,
    ) -> Self {
        let call = Guarded { token, prefix: Arc::clone(mount.prefix()), grpc: has_grpc(request.headers()) };
        if let Some(peer) = request.body().peer().cloned() {
            request.extensions_mut().insert(peer.as_ref().clone());
        }
        let answering = match gate {
            None => mount.call(request),
            Some(gate) => gated(gate, mount.clone(), request, call.token.clone()),
        };
        Self { answering: Some(answering), call, data_cap }
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

/// The response behind a gate. The service finds the call that the gate let through among the request's extensions.
fn gated(gate: Arc<dyn MountGate>, mount: Mount, mut request: Request<IncomingBody>, token: CallToken) -> Answering {
    Box::pin(async move {
        let peer =
            request.body().peer().cloned().ok_or_else(|| Refused(Status::new(Code::Internal, "the body was taken")))?;
        let mut headers = request.headers().clone();
        strip_reserved(&mut headers);
        let info = CallInfo::new(request.uri().path(), peer, headers, token.deadline());
        gate.admit(&info).await.map_err(Refused)?;
        request.extensions_mut().insert(Arc::new(info));
        mount.call(request).await
    })
}
