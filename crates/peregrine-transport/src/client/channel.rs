//! The client: one connection that is made when it is needed, and made anew when it is gone.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{CONTENT_TYPE, HeaderValue, TE, USER_AGENT};
use http::{HeaderMap, Method, Request, Uri};
use peregrine_proto::{FlightError, MessageLimits};

use crate::call::token::{CallToken, deadline_exceeded};
use crate::client::backoff::Backoff;
use crate::client::connect::Connector;
use crate::client::incoming_reply::IncomingReply;
use crate::client::open_calls::Closing;
use crate::client::outgoing::{Outgoing, RequestBody};
use crate::client::reconnect::Reconnect;
use crate::grpc::status::{Code, Status, from_transport, was_refused};
use crate::grpc::timeout::{TIMEOUT_HEADER, format_timeout};
use crate::http2::Http2Config;
use crate::server::call_service::{ACCEPT_ENCODING, GRPC, IDENTITY};

/// How often a request is sent in all, where the connection that it waited for was gone before it was sent, or where
/// the server says that it has not looked at it.
const LINK_TRIES: usize = 3;

/// How a client connects and calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelConfig {
    /// The settings of HTTP/2.
    pub http2: Http2Config,
    /// The longest message that is read, in bytes. 2 GiB - 1.
    pub message_limit: usize,
    /// How long a connection may take to be made. 20 s.
    pub connect_timeout: Duration,
    /// The pauses after connections that failed.
    pub backoff: Backoff,
}

impl Default for ChannelConfig {
    fn default() -> Self {
        Self {
            http2: Http2Config::client(),
            message_limit: MessageLimits::default().message,
            connect_timeout: Duration::from_secs(20),
            backoff: Backoff::default(),
        }
    }
}

/// A client of one server. Clones share one connection, which is made by the first call and made anew by the next call
/// after it was lost. Calls that wait for a connection wait for the same one. After one that failed there is a pause,
/// see [`Backoff`]: a call that begins in it fails at once, with the error of the attempt and the time of the next.
///
/// The connection closes when the last clone is dropped and the last call has ended, or by [`close`](Self::close). See
/// [`serve`](crate::serve) for an example.
#[derive(Clone)]
pub struct Channel {
    shared: Arc<Shared>,
}

struct Shared {
    connector: Arc<dyn Connector>,
    config: ChannelConfig,
    reconnect: Reconnect,
    closing: Closing,
}

impl Channel {
    /// A channel to the server that the connector reaches. Connects at the first call.
    ///
    /// # Errors
    /// [`InvalidArgument`](peregrine_proto::FlightErrorKind::InvalidArgument) for settings that HTTP/2 does not allow.
    pub fn new(connector: impl Connector, config: ChannelConfig) -> Result<Self, FlightError> {
        config.http2.check()?;
        let connector: Arc<dyn Connector> = Arc::new(connector);
        let reconnect = Reconnect::new(Arc::clone(&connector), &config);
        Ok(Self { shared: Arc::new(Shared { connector, config, reconnect, closing: Closing::default() }) })
    }

    /// How it connects and calls.
    pub fn config(&self) -> &ChannelConfig {
        &self.shared.config
    }

    /// When the channel connects again, during the pause after a connection that failed; `None` at other times.
    pub fn next_attempt(&self) -> Option<Instant> {
        self.shared.reconnect.next_attempt().map(tokio::time::Instant::into_std)
    }

    /// Closes the connection, for all clones. Calls that run are cancelled at both ends: here they end with
    /// [`Code::Cancelled`]. Later ones fail with [`Code::InvalidArgument`]. Does nothing when it was closed before.
    pub fn close(&self) {
        self.shared.reconnect.close();
        self.shared.closing.close();
    }

    /// Whether calls may be made.
    ///
    /// # Errors
    /// That of a call, once the channel is [closed](Self::close).
    pub fn check_open(&self) -> Result<(), Status> {
        self.shared.closing.check()
    }

    /// Calls a method. Ready when the response headers have come; the request goes on being sent after that.
    ///
    /// Dropping the future, or the reply's reader before the call has ended, resets the call. When the deadline passes
    /// the call ends with [`Code::DeadlineExceeded`] on this side, whatever the server does; the server is told of the
    /// deadline too.
    ///
    /// A call that its server has not looked at is made again, three times in all: it says so with `REFUSED_STREAM`, or
    /// with a GOAWAY that names an earlier stream as its last; or nothing of its message was sent, as where the call
    /// waited for others to end when the connection was lost. Only [`Outgoing::whole`] requests can be sent again; one
    /// that is a stream is made again only if not even its headers were sent. A call that may have been processed never
    /// is.
    ///
    /// # Errors
    /// The status of a call that failed without messages; [`Code::Unavailable`] if no connection could be made;
    /// [`Code::InvalidArgument`] if the channel is closed.
    pub async fn call(
        &self,
        path: &str,
        metadata: HeaderMap,
        deadline: Option<Instant>,
        request: Outgoing,
    ) -> Result<IncomingReply, Status> {
        self.check_open()?;
        let attempts = self.shared.closing.run(self.attempts(path, metadata, deadline, request));
        match deadline {
            None => attempts.await,
            Some(deadline) => match tokio::time::timeout_at(deadline.into(), attempts).await {
                Ok(reply) => reply,
                Err(_) => Err(deadline_exceeded()),
            },
        }
    }

    async fn attempts(
        &self,
        path: &str,
        metadata: HeaderMap,
        deadline: Option<Instant>,
        outgoing: Outgoing,
    ) -> Result<IncomingReply, Status> {
        let mut request = self.request(path, metadata, outgoing)?;
        let mut refusal = None;
        for _ in 0..LINK_TRIES {
            let spare = spare(&request);
            request = match self.attempt(request, deadline).await {
                Ok(reply) => return Ok(reply),
                Err(Failure::Unsent(unsent)) => *unsent,
                Err(Failure::Refused(status)) => {
                    let Some(spare) = spare else { return Err(status) };
                    refusal = Some(status);
                    spare
                }
                Err(Failure::Ended(status)) => return Err(status),
            };
        }
        let address = self.shared.connector.address();
        let lost = || format!("connections to {address} are lost as soon as they are made");
        Err(refusal.unwrap_or_else(|| Status::new(Code::Unavailable, lost())))
    }

    /// Sends a request once. Each attempt has a token of its own, as what drives a failed one may still be there.
    async fn attempt(&self, request: Request<Outgoing>, deadline: Option<Instant>) -> Result<IncomingReply, Failure> {
        let mut call = UnansweredCall { token: self.shared.closing.begin(deadline), is_answered: false };
        let mut link = self.shared.reconnect.link().await.map_err(Failure::Ended)?;
        let cap = self.shared.config.http2.max_data_frame;
        let mut request =
            request.map(|outgoing| RequestBody::new(outgoing, cap, call.token.clone(), link.next.clone()));
        if let Some(deadline) = deadline {
            set_timeout(request.headers_mut(), deadline).map_err(Failure::Ended)?;
        }
        let response = link.sender.try_send_request(request).await.map_err(|mut error| match error.take_message() {
            Some(unsent) => Failure::Unsent(Box::new(unsent.map(RequestBody::into_outgoing))),
            None => failure(&call.token, error.into_error()),
        })?;
        let limit = self.shared.config.message_limit;
        let reply = IncomingReply::read(response, &call.token, limit).map_err(Failure::Ended)?;
        call.is_answered = true;
        Ok(reply)
    }

    fn request<B>(&self, path: &str, metadata: HeaderMap, body: B) -> Result<Request<B>, Status> {
        let uri = Uri::builder().scheme("http").authority(self.shared.connector.authority()).path_and_query(path);
        let uri = uri.build().map_err(|error| {
            Status::new(Code::InvalidArgument, format!("{path:?} cannot be called: {error}")).with_source(error)
        })?;
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        *headers = metadata;
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONTENT_TYPE, GRPC);
        headers.insert(ACCEPT_ENCODING, IDENTITY);
        let agent = concat!("peregrine/", env!("CARGO_PKG_VERSION"));
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(agent));
        Ok(request)
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("address", &self.shared.connector.address()).finish_non_exhaustive()
    }
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

/// A call on its way to a reply: resets the call when it does not get there.
struct UnansweredCall {
    token: CallToken,
    is_answered: bool,
}

impl Drop for UnansweredCall {
    fn drop(&mut self) {
        if !self.is_answered {
            self.token.cancel(Status::new(Code::Cancelled, "the call was given up before it was answered"));
        }
    }
}

fn failure(token: &CallToken, error: hyper::Error) -> Failure {
    match token.cancelled_with() {
        Some(status) => Failure::Ended(status),
        None if was_refused(&error) => Failure::Refused(from_transport(error)),
        // It waited for its turn in the connection, which hyper tells nobody of.
        None if !token.request_has_begun() => {
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
    headers.insert(TIMEOUT_HEADER, value);
    Ok(())
}
