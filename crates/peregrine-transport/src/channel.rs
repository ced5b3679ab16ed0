//! The client: one connection that is made when it is needed, and made anew when it is gone.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::header::{CONTENT_TYPE, HeaderValue, TE, USER_AGENT};
use http::{HeaderMap, Method, Request, Uri};
use peregrine_proto::{FlightError, MessageLimits};

use crate::answer::IncomingReply;
use crate::connect::Connector;
use crate::deadline::{TIMEOUT_HEADER, format_timeout};
use crate::http2::Http2Config;
use crate::link::{Link, Linking};
use crate::outgoing::{Outgoing, RequestBody};
use crate::service::{ACCEPT_ENCODING, GRPC, IDENTITY};
use crate::status::{Code, Status, from_transport};
use crate::token::{CallToken, deadline_exceeded};

/// How often a request goes to another connection because the one that it waited for was gone before it was sent.
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
}

impl Default for ChannelConfig {
    fn default() -> Self {
        Self {
            http2: Http2Config::client(),
            message_limit: MessageLimits::default().message,
            connect_timeout: Duration::from_secs(20),
        }
    }
}

/// A client of one server. Clones share one connection, which is made by the first call and made anew by the next call
/// after it was lost. Calls that wait for a connection wait for the same one.
///
/// The connection closes when the last clone is dropped and the last call has ended. See [`serve`](crate::serve) for
/// an example.
#[derive(Clone)]
pub struct Channel {
    shared: Arc<Shared>,
}

struct Shared {
    connector: Arc<dyn Connector>,
    config: ChannelConfig,
    state: Mutex<LinkState>,
}

enum LinkState {
    None,
    Linking(Linking),
    Linked(Link),
}

impl Channel {
    /// A channel to the server that the connector reaches. Connects at the first call.
    ///
    /// # Errors
    /// [`InvalidArgument`](peregrine_proto::FlightErrorKind::InvalidArgument) for settings that HTTP/2 does not allow.
    pub fn new(connector: impl Connector, config: ChannelConfig) -> Result<Self, FlightError> {
        config.http2.check()?;
        let shared = Shared { connector: Arc::new(connector), config, state: Mutex::new(LinkState::None) };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Calls a method. Ready when the response headers have come; the request goes on being sent after that.
    ///
    /// Dropping the future, or the reply's reader before the call has ended, resets the call. When the deadline passes
    /// the call ends with [`Code::DeadlineExceeded`] on this side, whatever the server does; the server is told of the
    /// deadline too.
    ///
    /// # Errors
    /// The status of a call that failed without messages; [`Code::Unavailable`] if no connection could be made.
    pub async fn call(
        &self,
        path: &str,
        metadata: HeaderMap,
        deadline: Option<Instant>,
        request: Outgoing,
    ) -> Result<IncomingReply, Status> {
        let mut call = OpenCall { token: CallToken::new(deadline), is_answered: false };
        let exchange = self.exchange(path, metadata, request, &call.token);
        let reply = match deadline {
            None => exchange.await,
            Some(deadline) => match tokio::time::timeout_at(deadline.into(), exchange).await {
                Ok(reply) => reply,
                Err(_) => Err(deadline_exceeded()),
            },
        };
        call.is_answered = reply.is_ok();
        reply
    }

    async fn exchange(
        &self,
        path: &str,
        metadata: HeaderMap,
        outgoing: Outgoing,
        token: &CallToken,
    ) -> Result<IncomingReply, Status> {
        let body = RequestBody::new(outgoing, self.shared.config.http2.max_data_frame, token.clone());
        let mut request = self.request(path, metadata, body)?;
        for _ in 0..LINK_TRIES {
            let mut link = self.link().await?;
            if let Some(deadline) = token.deadline() {
                set_timeout(request.headers_mut(), deadline)?;
            }
            request.body_mut().attach(link.next.clone());
            match link.sender.try_send_request(request).await {
                Ok(response) => return IncomingReply::read(response, token, self.shared.config.message_limit),
                Err(mut error) => match error.take_message() {
                    // Nothing of it was sent: the connection was gone before its turn came.
                    Some(unsent) => request = unsent,
                    None => return Err(token.cancelled_with().unwrap_or_else(|| from_transport(error.into_error()))),
                },
            }
        }
        let address = self.shared.connector.address();
        Err(Status::new(Code::Unavailable, format!("connections to {address} are lost as soon as they are made")))
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

    /// The connection, made if there is none.
    async fn link(&self) -> Result<Link, Status> {
        let linking = {
            let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
            match &*state {
                LinkState::Linked(link) if !link.sender.is_closed() => return Ok(link.clone()),
                LinkState::Linking(linking) if !linking.has_failed() => linking.clone(),
                LinkState::None | LinkState::Linking(_) | LinkState::Linked(_) => {
                    let linking = Linking::start(Arc::clone(&self.shared.connector), &self.shared.config);
                    *state = LinkState::Linking(linking.clone());
                    linking
                }
            }
        };
        let result = linking.wait().await;
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(&*state, LinkState::Linking(current) if current.is_same(&linking)) {
            *state = match &result {
                Ok(link) => LinkState::Linked(link.clone()),
                Err(_) => LinkState::None,
            };
        }
        result
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("address", &self.shared.connector.address()).finish_non_exhaustive()
    }
}

/// A call on its way to a reply: resets the call when it does not get there.
struct OpenCall {
    token: CallToken,
    is_answered: bool,
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        if !self.is_answered {
            self.token.cancel(Status::new(Code::Cancelled, "the call was given up before it was answered"));
        }
    }
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
