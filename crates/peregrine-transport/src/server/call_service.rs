//! From an HTTP request to a call, and from its reply to an HTTP response: the edges of gRPC on a server.

use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode};

use crate::call::drive::Side;
use crate::call::held_body::HeldBody;
use crate::call::message_reader::MessageReader;
use crate::call::parts::PartReader;
use crate::call::token::CallToken;
use crate::grpc::framing::MessageParser;
use crate::grpc::status::{Code, Status, into_trailers};
use crate::grpc::timeout::{TIMEOUT_HEADER, deadline_after, parse_timeout};
use crate::metadata::strip_reserved;
use crate::peer::Peer;
use crate::server::incoming_call::{CallHandler, CallTasks, IncomingCall, ReplyFuture};
use crate::server::reply::{Content, Reply, ReplyBody};
use crate::server::serve::ServeConfig;

pub(crate) const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
pub(crate) const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
pub(crate) const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
pub(crate) const IDENTITY: HeaderValue = HeaderValue::from_static("identity");

/// Turns requests into calls.
pub(crate) struct CallService {
    handler: Arc<dyn CallHandler>,
    message_limit: usize,
    data_cap: usize,
    tasks: CallTasks,
}

impl CallService {
    pub(crate) fn new(handler: Arc<dyn CallHandler>, config: &ServeConfig, tasks: CallTasks) -> Self {
        Self { handler, message_limit: config.message_limit, data_cap: config.http2.max_data_frame, tasks }
    }

    /// Starts a call. Nothing of the handler runs before the future is polled.
    pub(crate) fn call(&self, request: Request<HeldBody>, peer: Arc<Peer>) -> CallFuture {
        if let Some(refusal) = refusal(&request) {
            return CallFuture::refused(refusal);
        }
        let (head, body) = request.into_parts();
        let mut metadata = head.headers;
        let Ok(deadline) = deadline(&metadata) else { return CallFuture::bad_timeout() };
        let encoding = encoding(&metadata);
        strip_reserved(&mut metadata);

        let token = CallToken::new(deadline);
        token.hold_body(body);
        let parser = MessageParser::new(self.message_limit, encoding);
        let call = IncomingCall {
            path: head.uri.path().to_owned(),
            metadata,
            peer,
            deadline: token.deadline(),
            token: token.clone(),
            messages: MessageReader::own(PartReader::new(token.clone(), Side::Server, parser)),
            tasks: self.tasks.clone(),
        };
        let stage = Stage::Waiting(Arc::clone(&self.handler), Box::new(call));
        CallFuture::Running { stage, token, data_cap: self.data_cap }
    }
}

/// The way of a call to its response.
pub(crate) enum CallFuture {
    Refused(Option<Box<Response<ReplyBody>>>),
    Running { stage: Stage, token: CallToken, data_cap: usize },
}

pub(crate) enum Stage {
    Waiting(Arc<dyn CallHandler>, Box<IncomingCall>),
    Handling(ReplyFuture),
    Done,
}

impl CallFuture {
    /// The answer to a call whose deadline cannot be read.
    pub(crate) fn bad_timeout() -> Self {
        let status = Status::new(Code::Internal, "the header grpc-timeout is not one to eight digits and a unit");
        Self::refused(trailers_only(status))
    }

    /// Ready with the response.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Response<ReplyBody>> {
        match self {
            Self::Refused(response) => {
                Poll::Ready(response.take().map_or_else(Response::default, |response| *response))
            }
            Self::Running { stage, token, data_cap } => {
                let reply = match token.cancelled_with() {
                    Some(status) => Reply::end(HeaderMap::new(), status),
                    None => ready!(stage.poll(cx)),
                };
                *stage = Stage::Done;
                Poll::Ready(respond(reply, token, *data_cap))
            }
        }
    }

    fn refused(response: Response<ReplyBody>) -> Self {
        Self::Refused(Some(Box::new(response)))
    }

    /// The token of the call; `None` for a request that is none.
    pub(crate) fn token(&self) -> Option<&CallToken> {
        match self {
            Self::Refused(_) => None,
            Self::Running { token, .. } => Some(token),
        }
    }
}

impl Stage {
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
fn refusal<B>(request: &Request<B>) -> Option<Response<ReplyBody>> {
    let mut response = Response::new(ReplyBody::default());
    if request.method() != Method::POST {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return Some(response);
    }
    let content_type = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    if !content_type.is_some_and(is_grpc) {
        *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Some(response);
    }
    None
}

/// `application/grpc`, alone or with a suffix or parameters, whatever the suffix: Flight bytes are the same in all.
pub(crate) fn is_grpc(content_type: &[u8]) -> bool {
    let prefix = GRPC;
    match content_type.split_at_checked(prefix.len()) {
        Some((start, rest)) => {
            start.eq_ignore_ascii_case(prefix.as_bytes()) && matches!(rest.first(), None | Some(b'+' | b';' | b' '))
        }
        None => false,
    }
}

/// The name in `grpc-encoding`.
pub(crate) fn encoding(headers: &HeaderMap) -> Option<String> {
    headers.get(ENCODING).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// When the caller gives up, by its headers.
pub(crate) fn deadline(headers: &HeaderMap) -> Result<Option<Instant>, BadTimeout> {
    let Some(value) = headers.get(TIMEOUT_HEADER) else { return Ok(None) };
    let timeout = parse_timeout(value.as_bytes()).ok_or(BadTimeout)?;
    Ok(deadline_after(timeout))
}

/// The header is there and cannot be read.
pub(crate) struct BadTimeout;

/// A status alone, in the headers.
pub(crate) fn trailers_only<B: Default>(status: Status) -> Response<B> {
    let mut response = Response::new(B::default());
    *response.headers_mut() = into_trailers(status);
    add_headers(response.headers_mut());
    response
}

fn respond(reply: Reply, token: &CallToken, data_cap: usize) -> Response<ReplyBody> {
    match reply.content {
        Content::Whole(rope, status) if rope.is_empty() && reply.metadata.is_empty() => {
            token.finish();
            trailers_only(status)
        }
        content => {
            let mut response = Response::new(ReplyBody::new(content, data_cap, token.clone()));
            *response.headers_mut() = reply.metadata;
            add_headers(response.headers_mut());
            response
        }
    }
}

fn add_headers(headers: &mut HeaderMap) {
    headers.insert(CONTENT_TYPE, GRPC);
    headers.insert(ACCEPT_ENCODING, IDENTITY);
}
