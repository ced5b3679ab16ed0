//! The client: one connection that is made when it is needed, and made anew when it is gone.

use std::borrow::Cow;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, TE, USER_AGENT};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, Method, Request, Uri};
use peregrine_proto::{Code, FlightError, Location};
use tokio::time::sleep_until;

use super::attempts::Attempts;
use super::call_start::{BegunCall, CallStart};
use super::channel_config::ChannelConfig;
use super::connect::Connect;
use super::http_channel::{HttpChannel, layer_failed};
use super::incoming_reply::read_reply;
use super::link::LinkSettings;
use super::open_calls::OpenCalls;
use super::outgoing::Outgoing;
use super::reconnect::Reconnect;
use crate::call::any_body::AnyBody;
use crate::call::message_reader::MessageReader;
use crate::call::parts::PartReader;
use crate::call::token::{CallToken, deadline_exceeded};
use crate::grpc::headers::{ACCEPT_ENCODING, GRPC, IDENTITY, OWN_HEADERS};
use crate::grpc::status::Status;

/// A client of one server. Clones share one connection, which is made by the first call and made anew by the next call
/// after it was lost. Calls that wait for a connection wait for the same one. After one that failed there is a pause,
/// see [`Backoff`](crate::Backoff): a call that begins in it fails at once, with the error of the attempt and the time
/// of the next.
///
/// The connection closes when the last clone is dropped and the last call has ended, or by [`close`](Self::close). See
/// [`serve`](crate::serve) for an example.
#[derive(Clone)]
pub struct Channel {
    shared: Arc<SharedChannel>,
}

struct SharedChannel {
    config: ChannelConfig,
    reconnect: Arc<Reconnect>,
    attempts: Arc<Attempts>,
    /// `None` where there are no layers.
    layered: Option<HttpChannel>,
    open_calls: OpenCalls,
    authority: Authority,
}

impl Channel {
    /// A channel to the server at a location. Connects at the first call.
    ///
    /// # Errors
    /// [`InvalidArgument`](peregrine_proto::FlightErrorKind::InvalidArgument) for a location that `connect` cannot
    /// reach and for settings that HTTP/2 does not allow.
    pub fn new(location: Location, connect: impl Connect, config: ChannelConfig) -> Result<Self, FlightError> {
        config.http2.check()?;
        connect
            .check(&location)
            .map_err(|error| FlightError::invalid_argument(error.to_string()).with_source(error))?;
        let authority = connect.authority(&location);
        let authority = Authority::try_from(authority.as_str()).map_err(|error| {
            let message = format!("{authority:?}, the host of {location}, cannot be named in requests: {error}");
            FlightError::invalid_argument(message).with_source(error)
        })?;
        let link =
            LinkSettings { http2: config.http2.clone(), limit: config.connect_timeout, security: config.security() };
        let reconnect = Arc::new(Reconnect::new(location, Arc::new(connect), link, config.backoff.clone()));
        let attempts = Arc::new(Attempts::new(Arc::clone(&reconnect), config.http2.max_data_frame));
        let layered = config.layers.wrap(&attempts);
        let open_calls = OpenCalls::default();
        let shared = SharedChannel { config, reconnect, attempts, layered, open_calls, authority };
        Ok(Self { shared: Arc::new(shared) })
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
        self.shared.open_calls.close();
        self.shared.reconnect.close();
    }

    /// Whether calls may be made.
    ///
    /// # Errors
    /// That of a call, once the channel is [closed](Self::close).
    pub fn check_open(&self) -> Result<(), Status> {
        self.shared.open_calls.check()
    }

    /// Calls a method. Ready when the response headers have arrived; the request goes on being sent after that.
    ///
    /// Dropping the future, or the reader before the call has ended, resets the call. When the deadline passes
    /// the call ends with [`Code::DeadlineExceeded`] on this side, whatever the server does; the deadline is sent to the
    /// server too.
    ///
    /// A call that its server has not looked at is made again, three times in all: it says so with `REFUSED_STREAM`, or
    /// with a GOAWAY that names an earlier stream as its last; or nothing of its message was sent, as where the call
    /// waited for others to end when the connection was lost. Only [`Outgoing::whole`] requests can be sent again; one
    /// that is a stream is made again only if not even its headers were sent. A call that may have been processed never
    /// is. All attempts are one call to its observer and to layers.
    ///
    /// # Errors
    /// The status of a call that failed without messages; [`Code::Unavailable`] if no connection could be made;
    /// [`Code::InvalidArgument`] if the channel is closed.
    pub async fn call(&self, start: CallStart, request: Outgoing) -> Result<MessageReader, Status> {
        let call = self.begin(start)?;
        let mut unanswered = UnansweredCall { token: &call.token, is_answered: false };
        let parts =
            self.attempts(&call, request, false).await.inspect_err(|status| call.token.cancel(status.clone()))?;
        unanswered.is_answered = true;
        Ok(MessageReader::own(parts))
    }

    /// Begins a call: from here on it has an end, which its observer sees.
    pub(super) fn begin(&self, start: CallStart) -> Result<BegunCall, Status> {
        let CallStart { path, metadata, deadline, observer, counter } = start;
        let token = self.shared.open_calls.begin(deadline, observer)?;
        if let Some(deadline) = deadline {
            // A task of its own: a call ends at its deadline whether anyone reads it or not.
            tokio::spawn(end_at(deadline, token.clone()));
        }
        Ok(BegunCall { path, metadata, token, counter })
    }

    /// Makes a call that has begun, until its response headers are there. A reader that is `shared` does not report the
    /// end of the call by itself.
    pub(super) async fn attempts(
        &self,
        call: &BegunCall,
        outgoing: Outgoing,
        shared: bool,
    ) -> Result<PartReader, Status> {
        let request = self.request(call, outgoing)?;
        // Pinned where they are made: each move of such a future costs as much as it is large.
        let mut ended = pin!(call.token.cancelled());
        let mut sent = pin!(self.send(request, call));
        let parts = poll_fn(|cx| {
            if let Poll::Ready(status) = ended.as_mut().poll(cx) {
                return Poll::Ready(Err(status));
            }
            sent.as_mut().poll(cx)
        })
        .await?;
        if !shared {
            parts.token().ends(&call.token);
        }
        Ok(parts)
    }

    async fn send(&self, mut request: Request<Outgoing>, call: &BegunCall) -> Result<PartReader, Status> {
        let limit = self.shared.config.message_limit;
        let Some(layered) = &self.shared.layered else {
            let (response, attempt) = self.shared.attempts.send(request, &call.token).await?;
            return read_reply(response.map(AnyBody::Connection), call, attempt.clone(), limit)
                .inspect_err(|status| attempt.cancel(status.clone()));
        };
        request.body_mut().set_call(call.token.clone());
        request.extensions_mut().insert(call.token.clone());
        let response = layered.send(request).await.map_err(layer_failed)?;
        read_reply(response.map(AnyBody::Boxed), call, call.token.attempt(), limit)
    }

    fn request(&self, call: &BegunCall, body: Outgoing) -> Result<Request<Outgoing>, Status> {
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(self.shared.config.security().scheme());
        uri.authority = Some(self.shared.authority.clone());
        uri.path_and_query = Some(path(call.path.clone())?);
        let uri = Uri::from_parts(uri).map_err(|error| uncallable(&call.path, error))?;
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        *headers = HeaderMap::with_capacity(call.metadata.len() + OWN_HEADERS);
        headers.extend(call.metadata.clone());
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONTENT_TYPE, GRPC);
        headers.insert(ACCEPT_ENCODING, IDENTITY);
        let agent = concat!("peregrine/", env!("CARGO_PKG_VERSION"));
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(agent));
        Ok(request)
    }
}

fn path(path: Cow<'static, str>) -> Result<PathAndQuery, Status> {
    let parsed = match &path {
        Cow::Borrowed(path) => PathAndQuery::from_maybe_shared(Bytes::from_static(path.as_bytes())),
        Cow::Owned(path) => PathAndQuery::try_from(path.as_str()),
    };
    parsed.map_err(|error| uncallable(&path, error))
}

fn uncallable(path: &str, error: impl std::error::Error + Send + Sync + 'static) -> Status {
    Status::new(Code::InvalidArgument, format!("{path:?} cannot be called: {error}")).with_source(error)
}

/// Ends a call that has not ended at its deadline.
async fn end_at(deadline: Instant, token: CallToken) {
    tokio::select! {
        biased;
        () = token.ended() => {}
        () = sleep_until(deadline.into()) => token.cancel(deadline_exceeded()),
    }
}

/// A call on its way to a response: ends when it does not get there.
struct UnansweredCall<'a> {
    token: &'a CallToken,
    is_answered: bool,
}

impl Drop for UnansweredCall<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.token.cancel(Status::new(Code::Cancelled, "the call was given up before its response headers"));
        }
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("address", &self.shared.reconnect.address()).finish_non_exhaustive()
    }
}
