//! `ServerCallContext`: what a handler knows of the call that it serves, and what it may add to the answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use peregrine_proto::{FlightError, FlightMethod};
use peregrine_transport::{CallTasks, CallToken, IncomingCall, Peer, append_metadata, metadata_values};

/// The call that a handler serves. Cheap to clone; a clone may go into the stream that the handler returns.
#[derive(Clone)]
pub struct ServerCallContext {
    call: Arc<Call>,
}

struct Call {
    method: FlightMethod,
    peer: Arc<Peer>,
    request_headers: HeaderMap,
    deadline: Option<Instant>,
    token: CallToken,
    tasks: CallTasks,
    answer: Mutex<Answer>,
}

/// What the handler adds to its answer.
#[derive(Default)]
struct Answer {
    headers: HeaderMap,
    headers_sent: bool,
    trailers: HeaderMap,
}

impl ServerCallContext {
    pub(crate) fn new(method: FlightMethod, call: &mut IncomingCall) -> Self {
        Self {
            call: Arc::new(Call {
                method,
                peer: Arc::clone(&call.peer),
                request_headers: std::mem::take(&mut call.metadata),
                deadline: call.deadline,
                token: call.token.clone(),
                tasks: call.tasks.clone(),
                answer: Mutex::default(),
            }),
        }
    }

    /// Which RPC was called.
    pub fn method(&self) -> FlightMethod {
        self.call.method
    }

    /// Who called, as far as the connection tells: address and certificates.
    pub fn peer(&self) -> &Peer {
        &self.call.peer
    }

    /// The headers that came with the call, names in lower case and values as on the wire: base64 for names in `-bin`.
    /// [`request_header`](Self::request_header) decodes them.
    pub fn request_headers(&self) -> &HeaderMap {
        &self.call.request_headers
    }

    /// All values that came under a name, those of names in `-bin` decoded.
    ///
    /// # Errors
    /// A value that is not base64 under a name in `-bin`.
    pub fn request_header(&self, name: &str) -> Result<Vec<Bytes>, FlightError> {
        metadata_values(&self.call.request_headers, name)
    }

    /// When the caller gives up, if it said so.
    pub fn deadline(&self) -> Option<Instant> {
        self.call.deadline
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

    /// Adds a header to the answer. Names in `-bin` take any bytes, others printable ASCII. A name may be added
    /// several times.
    ///
    /// # Errors
    /// A name or value that gRPC does not allow, and any header once the first message went out.
    pub fn add_header(&self, name: &str, value: impl AsRef<[u8]>) -> Result<(), FlightError> {
        let mut answer = self.answer();
        if answer.headers_sent {
            return Err(FlightError::invalid_argument(format!(
                "header {name} comes too late: the answer's headers were sent with its first message"
            )));
        }
        append_metadata(&mut answer.headers, name, value)
    }

    /// Adds a trailer to the answer, sent behind its last message or with its error. Names and values are as in
    /// [`add_header`](Self::add_header).
    ///
    /// # Errors
    /// A name or value that gRPC does not allow.
    pub fn add_trailer(&self, name: &str, value: impl AsRef<[u8]>) -> Result<(), FlightError> {
        append_metadata(&mut self.answer().trailers, name, value)
    }

    /// Where tasks of the call are started.
    pub(crate) fn tasks(&self) -> &CallTasks {
        &self.call.tasks
    }

    /// The headers to send; from here on none can be added.
    pub(crate) fn take_headers(&self) -> HeaderMap {
        let mut answer = self.answer();
        answer.headers_sent = true;
        std::mem::take(&mut answer.headers)
    }

    pub(crate) fn take_trailers(&self) -> HeaderMap {
        std::mem::take(&mut self.answer().trailers)
    }

    fn answer(&self) -> MutexGuard<'_, Answer> {
        self.call.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for ServerCallContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerCallContext")
            .field("method", &self.call.method)
            .field("peer", &self.call.peer)
            .field("deadline", &self.call.deadline)
            .field("cancelled", &self.is_cancelled())
            .finish_non_exhaustive()
    }
}
