//! Calls within an HTTP server of someone else's: the same edges and rules, as a tower service.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use peregrine_proto::{Peer, PeerAddress};
use tokio::time::sleep_until;
use tower_service::Service;

use super::call_service::{CallFuture, CallService, deadline};
use super::incoming_body::HeldRequest;
use super::incoming_call::{CallHandler, CallTasks};
use super::reply::ReplyBody;
use super::serve_config::ServeConfig;
use crate::call::any_body::{AnyBody, boxed};
use crate::call::drive::DrivenCall;
use crate::call::held_body::HeldBody;
use crate::call::side::Side;
use crate::call::token::{CallToken, deadline_exceeded};
use crate::grpc::status::into_trailers;
use crate::mutex::Mutex;
use crate::rope::Rope;

/// A handler of calls as a tower service, for the router of another HTTP server. Cheap to clone.
///
/// The host owns the connections: HTTP/2 and its windows, limits and keepalive, TLS and the way to drain are its own.
/// It must run within tokio. Who calls is taken from a [`Peer`] among the request's extensions, where the host puts
/// one, and is [`Unknown`](PeerAddress::Unknown) otherwise.
///
/// A call is cancelled when its response or the future of that is dropped, when its deadline passes, and when the
/// request's body ends without having been ended by the peer: a layer that wraps that body must pass
/// [`is_end_stream`](Body::is_end_stream) on.
#[derive(Clone)]
pub struct EmbeddedService {
    calls: Arc<CallService>,
}

impl EmbeddedService {
    /// A service of a handler. Of the settings it takes
    /// [`message_limit`](ServeConfig::message_limit) and the cap of
    /// [DATA frames](crate::Http2Config::max_data_frame); the others are the host's.
    pub fn new(handler: impl CallHandler, config: &ServeConfig) -> Self {
        let (limit, data_cap) = (config.message_limit, config.http2.max_data_frame);
        Self { calls: Arc::new(CallService::new(Arc::new(handler), limit, data_cap, CallTasks::default())) }
    }
}

impl<B> Service<Request<B>> for EmbeddedService
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<EmbeddedBody>;
    type Error = Infallible;
    type Future = EmbeddedFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> EmbeddedFuture {
        let peer = request.extensions_mut().remove().unwrap_or_else(|| Peer::new(PeerAddress::Unknown));
        let token = match deadline(&request) {
            Ok(deadline) => CallToken::new(deadline, None),
            Err(response) => return EmbeddedFuture { step: EmbeddedStep::Refused(Some(response)), running: None },
        };
        let (head, body) = request.into_parts();
        let body = HeldBody::new(AnyBody::Boxed(boxed(body)), &token);
        let call = self.calls.call(head, HeldRequest { token: token.clone(), body, peer: Arc::new(peer) });
        EmbeddedFuture { step: EmbeddedStep::Running(call), running: Some(RunningCall::new(token)) }
    }
}

impl fmt::Debug for EmbeddedService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedService").finish_non_exhaustive()
    }
}

/// The way of an embedded call to its response. Dropping it cancels the call.
pub struct EmbeddedFuture {
    step: EmbeddedStep,
    /// `None` for what is no call, and once the response is there.
    running: Option<RunningCall>,
}

enum EmbeddedStep {
    Refused(Option<Box<Response<ReplyBody>>>),
    Running(CallFuture),
}

impl Future for EmbeddedFuture {
    type Output = Result<Response<EmbeddedBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(running) = &mut this.running {
            running.watch(cx);
        }
        let response = match &mut this.step {
            EmbeddedStep::Refused(response) => response.take().map_or_else(Response::default, |response| *response),
            EmbeddedStep::Running(call) => ready!(call.poll(cx)),
        };
        let running = this.running.take().filter(|_| !response.body().is_end_stream());
        Poll::Ready(Ok(response.map(|reply| EmbeddedBody::new(reply, running))))
    }
}

impl fmt::Debug for EmbeddedFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedFuture").finish_non_exhaustive()
    }
}

/// The body of an embedded call's response. Dropping it before its end cancels the call.
#[derive(Default)]
pub struct EmbeddedBody {
    /// `None` at the end.
    running: Option<RunningCall>,
    /// What is left of the last frame.
    parts: Rope,
}

impl EmbeddedBody {
    fn new(reply: ReplyBody, running: Option<RunningCall>) -> Self {
        if let Some(running) = &running {
            running.reply.put(reply, &running.call.token);
        }
        Self { running, parts: Rope::new() }
    }
}

impl Body for EmbeddedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        let Some(running) = &mut this.running else { return Poll::Ready(None) };
        running.watch(cx);
        loop {
            if let Some(part) = this.parts.pop_part() {
                return Poll::Ready(Some(Ok(Frame::data(part))));
            }
            let frame = ready!(running.poll_reply(cx)).map(Frame::into_data);
            if let Some(Ok(data)) = frame {
                this.parts = data;
                continue;
            }
            this.running = None;
            let trailers = frame.and_then(Result::err).and_then(|frame| frame.into_trailers().ok());
            return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.running.is_none()
    }
}

impl fmt::Debug for EmbeddedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedBody").field("is_end_stream", &self.is_end_stream()).finish_non_exhaustive()
    }
}

/// A call that runs: dropping it cancels the call.
struct RunningCall {
    call: DrivenCall,
    reply: Arc<HeldReply>,
    /// Until the first poll, which is sure to run within the host's runtime.
    deadline: Option<Instant>,
}

impl RunningCall {
    fn new(token: CallToken) -> Self {
        let deadline = token.deadline();
        Self { call: DrivenCall { token, side: Side::Server }, reply: Arc::default(), deadline }
    }

    /// Has the task woken when the call ends, and the deadline watched.
    fn watch(&mut self, cx: &Context<'_>) {
        self.call.token.watch_end(cx.waker());
        if let Some(deadline) = self.deadline.take() {
            tokio::spawn(watch_deadline(deadline, self.call.token.clone(), Arc::clone(&self.reply)));
        }
    }

    /// The next frame; none follows trailers.
    fn poll_reply(&self, cx: &mut Context<'_>) -> Poll<Option<Frame<Rope>>> {
        let Some(mut reply) = self.reply.take() else {
            let status = self.call.token.cancelled_with().unwrap_or_else(deadline_exceeded);
            return Poll::Ready(Some(Frame::trailers(into_trailers(status))));
        };
        let polled = Pin::new(&mut reply).poll_frame(cx);
        self.reply.put(reply, &self.call.token);
        polled.map(|frame| frame.map(|Ok(frame)| frame))
    }
}

/// The reply of a call, where its deadline finds it: a host that waits for the peer's window polls no body, and would
/// keep alive what makes the reply.
#[derive(Default)]
struct HeldReply {
    reply: Mutex<Option<ReplyBody>>,
}

impl HeldReply {
    fn take(&self) -> Option<ReplyBody> {
        self.reply.lock().take()
    }

    /// Keeps a reply, unless the call was cancelled while it was away.
    fn put(&self, reply: ReplyBody, token: &CallToken) {
        *self.reply.lock() = Some(reply);
        if token.is_cancelled() {
            // What makes the reply is foreign code: it is dropped when the lock is free again.
            drop(self.take());
        }
    }
}

/// Cancels a call whose deadline passes, and drops its reply.
async fn watch_deadline(deadline: Instant, token: CallToken, reply: Arc<HeldReply>) {
    tokio::select! {
        () = token.ended() => return,
        () = sleep_until(deadline.into()) => token.cancel(deadline_exceeded()),
    }
    drop(reply.take());
}
