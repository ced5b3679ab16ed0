//! The requests of one connection, each with the token of its call.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service;
use peregrine_proto::Peer;
use tower_service::Service as _;

use super::call_service::deadline;
use super::http_service::{HttpFuture, HttpService};
use super::incoming_body::IncomingBody;
use super::response_body::ResponseBody;
use crate::call::any_body::AnyBody;
use crate::call::drive::NextCall;
use crate::call::side::Side;
use crate::call::token::CallToken;

/// Takes the requests of one connection to the server's service.
pub(crate) struct ConnectionService {
    service: HttpService,
    peer: Arc<Peer>,
    next: NextCall,
}

impl ConnectionService {
    pub(crate) fn new(service: HttpService, peer: Arc<Peer>, next: NextCall) -> Self {
        Self { service, peer, next }
    }
}

impl Service<Request<Incoming>> for ConnectionService {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = ConnectionFuture;

    fn call(&self, request: Request<Incoming>) -> ConnectionFuture {
        let token = match deadline(&request) {
            Ok(deadline) => CallToken::new(deadline, None),
            Err(response) => return ConnectionFuture::Refused(Some(response)),
        };
        self.next.put(token.clone(), Side::Server);
        let request = request.map(|body| IncomingBody::new(AnyBody::Connection(body), token, Arc::clone(&self.peer)));
        ConnectionFuture::Running(self.service.clone().call(request))
    }
}

/// The way of a request to its response.
pub(crate) enum ConnectionFuture {
    Refused(Option<Box<Response<ResponseBody>>>),
    Running(HttpFuture),
}

impl Future for ConnectionFuture {
    type Output = Result<Response<ResponseBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Refused(response) => {
                Poll::Ready(Ok(response.take().map_or_else(Response::default, |response| *response)))
            }
            Self::Running(future) => Pin::new(future).poll(cx),
        }
    }
}
