//! `CallStart`: what is known of a call before its messages.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use http::HeaderMap;
use peregrine_proto::CallCounter;

use crate::call::token::{CallObserver, CallToken};

/// What a client knows of a call before its messages: the method's path, and what goes with it.
pub struct CallStart {
    /// The path of the method, as in `/arrow.flight.protocol.FlightService/DoGet`.
    pub path: Cow<'static, str>,
    /// The headers of the application. Those of gRPC are added.
    pub metadata: HeaderMap,
    /// When the call must be done.
    pub deadline: Option<Instant>,
    /// Sees the call's headers and its end.
    pub observer: Option<Arc<dyn CallObserver>>,
    /// Counts what the call sends and receives. The transport counts what it receives.
    pub counter: Arc<CallCounter>,
}

impl CallStart {
    /// A call of a method without headers, deadline and observer.
    pub fn new(path: impl Into<Cow<'static, str>>) -> Self {
        let (metadata, counter) = (HeaderMap::new(), Arc::default());
        Self { path: path.into(), metadata, deadline: None, observer: None, counter }
    }
}

impl fmt::Debug for CallStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallStart").field("path", &self.path).field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// A call that has begun.
pub(crate) struct BegunCall {
    pub(crate) path: Cow<'static, str>,
    pub(crate) metadata: HeaderMap,
    pub(crate) token: CallToken,
    pub(crate) counter: Arc<CallCounter>,
}
