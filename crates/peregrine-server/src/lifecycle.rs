//! `RunningServer`: the handle of a server, and how it ends.

use std::time::Duration;

use peregrine_proto::Location;
use peregrine_transport::{ServeHandle, Shutdown};

/// A server that runs. Clones are the same server.
///
/// When the last clone is dropped the server takes no more calls, and those that run have ten seconds.
#[derive(Debug, Clone)]
pub struct RunningServer {
    location: Location,
    handle: ServeHandle,
}

impl RunningServer {
    pub(crate) fn new(location: Location, handle: ServeHandle) -> Self {
        Self { location, handle }
    }

    /// Where the server listens, with the real port. A server without an address of its own, as in memory, is known
    /// as [`Location::reuse_connection`].
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Takes no more connections and calls, lets the calls that run come to their end, and cuts what is left after
    /// `limit`.
    pub async fn shutdown(&self, limit: Duration) -> Shutdown {
        self.handle.shutdown(limit).await
    }

    /// Waits until the server has ended, which a shutdown brings about.
    pub async fn wait(&self) {
        self.handle.wait().await;
    }
}
