//! From an HTTP request to a call, and from its reply to an HTTP response: the edges of gRPC on a server.

use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use http::header::{ALLOW, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use peregrine_proto::{CallInfo, Code};

use super::incoming_body::HeldRequest;
use super::incoming_call::{CallHandler, CallTasks, IncomingCall, ReplyFuture};
use super::reply::{Reply, ReplyBody, ReplyContent};
use crate::call::message_reader::MessageReader;
use crate::call::parts::PartReader;
use crate::call::token::CallToken;
use crate::grpc::framing::MessageParser;
use crate::grpc::headers::{TIMEOUT, add_response_headers, encoding, has_grpc, strip_reserved};
use crate::grpc::status::{Status, into_trailers};
use crate::grpc::timeout::{deadline_after, parse_timeout};

/// Turns requests into calls.
pub(crate) struct CallService {
    handler: Arc<dyn CallHandler>,
    message_limit: usize,
    data_cap: usize,
    tasks: CallTasks,
}

impl CallService {
    pub(crate) fn new(handler: Arc<dyn CallHandler>, message_limit: usize, data_cap: usize, tasks: CallTasks) -> Self {
        Self { handler, message_limit, data_cap, tasks }
    }

    /// Starts a call. Nothing of the handler runs before the future is polled.
    pub(crate) fn call(&self, head: Parts, request: HeldRequest) -> CallFuture {
        let HeldRequest { token, body, peer } = request;
        if let Some(refusal) = refusal(&head) {
            return CallFuture::refused(refusal, token);
        }
        let mut metadata = head.headers;
        let encoding = encoding(&metadata);
        strip_reserved(&mut metadata);
        let info = Arc::new(CallInfo::new(head.uri.path(), peer, metadata, token.deadline()));
        let parser = MessageParser::new(self.message_limit, encoding);
        let parts = PartReader::of_held(token.clone(), body, Arc::clone(&info), parser, Arc::default());
        let messages = MessageReader::own(parts);
        let call = IncomingCall { info, token: token.clone(), messages, tasks: self.tasks.clone() };
        let stage = CallStage::Waiting(Arc::clone(&self.handler), Box::new(call));
        CallFuture::Running { stage, token, data_cap: self.data_cap }
    }
}

/// The way of a call to its response.
pub(crate) enum CallFuture {
    Refused { response: Option<Box<Response<ReplyBody>>>, token: CallToken },
    Running { stage: CallStage, token: CallToken, data_cap: usize },
}

pub(crate) enum CallStage {
    Waiting(Arc<dyn CallHandler>, Box<IncomingCall>),
    Handling(ReplyFuture),
    Done,
}

impl CallFuture {
    fn refused(response: Response<ReplyBody>, token: CallToken) -> Self {
        Self::Refused { response: Some(Box::new(response)), token }
    }

    /// Ready with the response.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Response<ReplyBody>> {
        match self {
            Self::Refused { response, token } => {
                token.finish(Status::new(Code::Unknown, "the request is no gRPC call"));
                Poll::Ready(response.take().map_or_else(Response::default, |response| *response))
            }
            Self::Running { stage, token, data_cap } => {
                let reply = match token.cancelled_with() {
                    Some(status) => Reply::end(HeaderMap::new(), status),
                    None => ready!(stage.poll(cx)),
                };
                *stage = CallStage::Done;
                Poll::Ready(respond(reply, token, *data_cap))
            }
        }
    }
}

impl CallStage {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Reply> {
        loop {
            match std::mem::replace(self, Self::Done) {
                Self::Waiting(handler, call) => *self = Self::Handling(handler.handle(*call)),
                Self::Handling(mut future) => {
                    let polled = future.as_mut().poll(cx);
                    *self = Self::Handling(future);
                    return polled;
                }
                Self::Done => {
                    let status = Status::new(Code::Internal, "the call was polled after its end");
                    return Poll::Ready(Reply::end(HeaderMap::new(), status));
                }
            }
        }
    }
}

/// What is no gRPC call gets an HTTP answer, as gRPC asks.
fn refusal(request: &Parts) -> Option<Response<ReplyBody>> {
    let mut response = Response::new(ReplyBody::default());
    if request.method != Method::POST {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return Some(response);
    }
    if !has_grpc(&request.headers) {
        *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Some(response);
    }
    None
}

/// When the caller of a gRPC request gives up, by its headers. What is no gRPC request has no deadline.
///
/// # Errors
/// The response to a request whose deadline cannot be read.
pub(crate) fn deadline<B: Default, T>(request: &Request<T>) -> Result<Option<Instant>, Box<Response<B>>> {
    let headers = request.headers();
    let is_call = request.method() == Method::POST && has_grpc(headers);
    let Some(value) = headers.get(TIMEOUT).filter(|_| is_call) else { return Ok(None) };
    let timeout = parse_timeout(value.as_bytes()).ok_or_else(|| {
        let message = "the header grpc-timeout is not one to eight digits and a unit";
        Box::new(trailers_only(Status::new(Code::Internal, message)))
    })?;
    Ok(deadline_after(timeout))
}

/// A status alone, in the headers.
pub(crate) fn trailers_only<B: Default>(status: Status) -> Response<B> {
    let mut response = Response::new(B::default());
    *response.headers_mut() = into_trailers(status);
    add_response_headers(response.headers_mut());
    response
}

/// The response of a request that has no other, which ends with a status. What is no gRPC call gets an HTTP status.
pub(crate) fn failure<B: Default>(token: &CallToken, status: Status, is_grpc: bool) -> Response<B> {
    let status = status.fitted();
    token.finish(status.clone());
    if is_grpc {
        return trailers_only(status);
    }
    let mut response = Response::new(B::default());
    *response.status_mut() = match status.code() {
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    response
}

fn respond(reply: Reply, token: &CallToken, data_cap: usize) -> Response<ReplyBody> {
    match reply.content {
        ReplyContent::Complete(rope, status) if rope.is_empty() && reply.metadata.is_empty() => {
            let status = status.fitted();
            token.finish(status.clone());
            trailers_only(status)
        }
        content => {
            let mut response = Response::new(ReplyBody::new(content, data_cap, token.clone()));
            *response.headers_mut() = reply.metadata;
            add_response_headers(response.headers_mut());
            response
        }
    }
}
