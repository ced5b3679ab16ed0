//! The attempts to make one call: on the connection that there is, and again where the server surely has not seen it.

use std::sync::Arc;
use std::time::Instant;

use http::header::HeaderValue;
use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use peregrine_proto::Code;

use super::outgoing::{Begun, Outgoing, RequestBody};
use super::reconnect::Reconnect;
use crate::call::token::{CallToken, deadline_exceeded};
use crate::grpc::headers::TIMEOUT;
use crate::grpc::status::{Status, from_transport, was_refused};
use crate::grpc::timeout::format_timeout;

/// How often a request is sent in all, where the connection that it waited for was gone before it was sent, or where
/// the server says that it has not looked at it.
const LINK_TRIES: usize = 3;

/// Sends requests on the connection of a channel.
pub(crate) struct Attempts {
    reconnect: Arc<Reconnect>,
    data_cap: usize,
}

/// Why an attempt came to nothing.
enum Failure {
    /// Nothing of it was sent: the connection was gone before its turn came.
    Unsent(Box<Request<Outgoing>>),
    /// The server says that it has not looked at the call.
    Refused(Status),
    /// The call may have been processed, or cannot be.
    Ended(Status),
}

impl Attempts {
    pub(crate) fn new(reconnect: Arc<Reconnect>, data_cap: usize) -> Self {
        Self { reconnect, data_cap }
    }

    /// The response, and the token of the attempt that brought it. The attempt ends with the call, and is cancelled
    /// where it brings none.
    pub(crate) async fn send(
        &self,
        mut request: Request<Outgoing>,
        call: &CallToken,
    ) -> Result<(Response<Incoming>, CallToken), Status> {
        let mut refusal = None;
        for _ in 0..LINK_TRIES {
            let spare = spare(&request);
            let mut attempt = Attempt { token: call.attempt(), is_answered: false };
            request = match self.attempt(request, &attempt.token).await {
                Ok(response) => {
                    attempt.is_answered = true;
                    return Ok((response, attempt.token.clone()));
                }
                Err(Failure::Unsent(unsent)) => *unsent,
                Err(Failure::Refused(status)) => {
                    let Some(spare) = spare else { return Err(status) };
                    refusal = Some(status);
                    spare
                }
                Err(Failure::Ended(status)) => return Err(status),
            };
        }
        let lost = || format!("connections to {} are lost as soon as they are made", self.reconnect.address());
        Err(refusal.unwrap_or_else(|| Status::new(Code::Unavailable, lost())))
    }

    async fn attempt(&self, request: Request<Outgoing>, token: &CallToken) -> Result<Response<Incoming>, Failure> {
        let mut link = self.reconnect.link().await.map_err(Failure::Ended)?;
        let begun = Begun::default();
        let body =
            |outgoing| RequestBody::new(outgoing, self.data_cap, token.clone(), link.next.clone(), begun.clone());
        let mut request = request.map(body);
        if let Some(deadline) = token.deadline() {
            set_timeout(request.headers_mut(), deadline).map_err(Failure::Ended)?;
        }
        link.sender.try_send_request(request).await.map_err(|mut error| match error.take_message() {
            Some(unsent) => Failure::Unsent(Box::new(unsent.map(RequestBody::into_outgoing))),
            None => failure(token, &begun, error.into_error()),
        })
    }
}

/// An attempt on its way to a response: resets its stream when it does not get there.
struct Attempt {
    token: CallToken,
    is_answered: bool,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.is_answered {
            self.token.cancel(Status::new(Code::Cancelled, "the call was given up before its response headers"));
        }
    }
}

fn failure(token: &CallToken, begun: &Begun, error: hyper::Error) -> Failure {
    match token.cancelled_with() {
        Some(status) => Failure::Ended(status),
        None if was_refused(&error) => Failure::Refused(from_transport(error)),
        // It waited for its turn in the connection, which hyper reports to no task.
        None if !begun.has_begun() => {
            let message = "the connection was lost before the call was sent";
            Failure::Refused(Status::new(Code::Unavailable, message).with_source(error))
        }
        None => Failure::Ended(from_transport(error)),
    }
}

/// What is sent again if the server refuses the request: nothing where it is made while it is sent.
fn spare(request: &Request<Outgoing>) -> Option<Request<Outgoing>> {
    let mut spare = Request::new(request.body().repeat()?);
    *spare.method_mut() = request.method().clone();
    *spare.uri_mut() = request.uri().clone();
    *spare.headers_mut() = request.headers().clone();
    Some(spare)
}

/// Tells the server how much time is left.
fn set_timeout(headers: &mut HeaderMap, deadline: Instant) -> Result<(), Status> {
    let left = deadline.saturating_duration_since(tokio::time::Instant::now().into_std());
    if left.is_zero() {
        return Err(deadline_exceeded());
    }
    let value = HeaderValue::try_from(format_timeout(left))
        .map_err(|error| Status::new(Code::Internal, "grpc-timeout cannot be written").with_source(error))?;
    headers.insert(TIMEOUT, value);
    Ok(())
}
