//! `ServerCallContext`: what a handler knows of the call that it serves, and what it may add to the response.

use std::sync::{Arc, MutexGuard};
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use peregrine_proto::{CallInfo, CallerIdentity, Extensions, FlightError, FlightMethod, Peer, append_metadata};
use peregrine_transport::{CallTasks, CallToken, IncomingCall, MessageReader, Mutex, Status};

/// The call that a handler serves. Cheap to clone; a clone may go into the stream that the handler returns.
#[derive(Clone)]
pub struct ServerCallContext {
    call: Arc<ServedCall>,
}

struct ServedCall {
    method: FlightMethod,
    identity: Option<CallerIdentity>,
    info: Arc<CallInfo>,
    token: CallToken,
    tasks: CallTasks,
    metadata: Mutex<ResponseMetadata>,
}

/// What the handler adds to its response.
#[derive(Default)]
struct ResponseMetadata {
    headers: HeaderMap,
    headers_sent: bool,
    trailers: HeaderMap,
}

impl ServerCallContext {
    pub(crate) fn new(
        method: FlightMethod,
        identity: Option<CallerIdentity>,
        call: IncomingCall,
    ) -> (Self, MessageReader) {
        let (info, token, tasks) = (call.info, call.token, call.tasks);
        let metadata = Mutex::default();
        (Self { call: Arc::new(ServedCall { method, identity, info, token, tasks, metadata }) }, call.messages)
    }

    /// Which RPC was called.
    pub fn method(&self) -> FlightMethod {
        self.call.method
    }

    /// Who called, as far as the connection tells: address and certificates.
    pub fn peer(&self) -> &Peer {
        self.call.info.peer()
    }

    /// Who calls, as the server's authentication found out; `None` where it has none.
    pub fn peer_identity(&self) -> Option<&CallerIdentity> {
        self.call.identity.as_ref()
    }

    /// What is known of the call from its headers.
    pub fn call_info(&self) -> &CallInfo {
        &self.call.info
    }

    /// Values that authentication and middleware left for the handler.
    pub fn extensions(&self) -> &Extensions {
        self.call.info.extensions()
    }

    /// The headers of the request, names in lower case and values as on the wire: base64 for names in `-bin`.
    /// [`request_header`](Self::request_header) decodes them.
    pub fn request_headers(&self) -> &HeaderMap {
        self.call.info.headers()
    }

    /// All values of a header, those of names in `-bin` decoded.
    ///
    /// # Errors
    /// A value that is not base64 under a name in `-bin`.
    pub fn request_header(&self, name: &str) -> Result<Vec<Bytes>, FlightError> {
        self.call.info.header(name)
    }

    /// When the caller gives up, if it said so.
    pub fn deadline(&self) -> Option<Instant> {
        self.call.info.deadline()
    }

    /// Whether the caller has gone, has cancelled, or its deadline has passed.
    pub fn is_cancelled(&self) -> bool {
        self.call.token.is_cancelled()
    }

    /// Waits until the call is cancelled or has ended in another way; [`is_cancelled`](Self::is_cancelled) tells which.
    /// For tasks that a handler starts: the handler itself and its stream are dropped when the call is cancelled.
    pub async fn cancelled(&self) {
        self.call.token.ended().await;
    }

    /// Adds a header to the response. Names in `-bin` take any bytes, others printable ASCII. A name may be added
    /// several times.
    ///
    /// # Errors
    /// A name or value that gRPC does not allow, and any header once the first message went out.
    pub fn add_header(&self, name: &str, value: impl AsRef<[u8]>) -> Result<(), FlightError> {
        let mut metadata = self.metadata();
        if metadata.headers_sent {
            return Err(FlightError::invalid_argument(format!(
                "header {name} comes too late: the response's headers were sent with its first message"
            )));
        }
        append_metadata(&mut metadata.headers, name, value)
    }

    /// Adds a trailer to the response, sent behind its last message or with its error. Names and values are as in
    /// [`add_header`](Self::add_header).
    ///
    /// # Errors
    /// A name or value that gRPC does not allow.
    pub fn add_trailer(&self, name: &str, value: impl AsRef<[u8]>) -> Result<(), FlightError> {
        append_metadata(&mut self.metadata().trailers, name, value)
    }

    /// Where tasks of the call are started.
    pub(crate) fn tasks(&self) -> &CallTasks {
        &self.call.tasks
    }

    /// The headers to send; from here on none can be added.
    pub(crate) fn take_headers(&self) -> HeaderMap {
        let mut metadata = self.metadata();
        metadata.headers_sent = true;
        std::mem::take(&mut metadata.headers)
    }

    /// A status with the trailers that were added.
    pub(crate) fn ending(&self, mut status: Status) -> Status {
        let trailers = std::mem::take(&mut self.metadata().trailers);
        if !trailers.is_empty() {
            status.metadata_mut().extend(trailers);
        }
        status
    }

    fn metadata(&self) -> MutexGuard<'_, ResponseMetadata> {
        self.call.metadata.lock()
    }
}

impl std::fmt::Debug for ServerCallContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerCallContext")
            .field("method", &self.call.method)
            .field("peer", self.peer())
            .field("deadline", &self.deadline())
            .field("cancelled", &self.is_cancelled())
            .finish_non_exhaustive()
    }
}
