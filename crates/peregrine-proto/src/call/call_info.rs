//! `CallInfo`: a call as a server knows it from its headers.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;

use super::extensions::Extensions;
use super::metadata::metadata_values;
use super::peer::Peer;
use crate::{FlightError, FlightMethod};

/// What a server knows of a call before it reads its messages: method, caller, headers, deadline. Authentication,
/// middleware and the handler of one call share one.
///
/// ```
/// use std::sync::Arc;
///
/// use http::HeaderMap;
/// use peregrine_proto::{CallInfo, FlightMethod, Peer, PeerAddress};
///
/// let peer = Arc::new(Peer::new(PeerAddress::InMemory));
/// let call = CallInfo::new("/arrow.flight.protocol.FlightService/DoGet", peer, HeaderMap::new(), None);
/// assert_eq!(call.method(), Some(FlightMethod::DoGet));
/// ```
#[derive(Debug)]
pub struct CallInfo {
    path: Cow<'static, str>,
    method: Option<FlightMethod>,
    peer: Arc<Peer>,
    headers: HeaderMap,
    deadline: Option<Instant>,
    extensions: Extensions,
}

impl CallInfo {
    /// A call of the method at a path. `headers` are those of the application, without those of gRPC and HTTP/2.
    pub fn new(path: &str, peer: Arc<Peer>, headers: HeaderMap, deadline: Option<Instant>) -> Self {
        let method = FlightMethod::from_path(path);
        let path = method.map_or_else(|| Cow::Owned(path.to_owned()), |method| Cow::Borrowed(method.path()));
        Self { path, method, peer, headers, deadline, extensions: Extensions::default() }
    }

    /// The method that is called; `None` if it is none of Flight's, see [`path`](Self::path).
    pub fn method(&self) -> Option<FlightMethod> {
        self.method
    }

    /// The path of the request, as in `/arrow.flight.protocol.FlightService/DoGet`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Who calls, as far as the connection tells: address and certificates.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// The request's headers, names in lower case and values as on the wire: base64 for names in `-bin`.
    /// [`header`](Self::header) decodes them.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// All values of a header, those of names in `-bin` decoded.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::FlightErrorKind::InvalidArgument) for a value that is not base64 under a name in
    /// `-bin`.
    pub fn header(&self, name: &str) -> Result<Vec<Bytes>, FlightError> {
        metadata_values(&self.headers, name)
    }

    /// When the caller gives up, if the request has a deadline.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Values that travel with the call.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }
}
