//! `RunningServer`: the handle of a server, and how it ends.

use std::future::Future;
use std::time::Duration;

use peregrine_proto::{FlightError, Location};
use peregrine_transport::{ServeHandle, Shutdown};

use crate::signals::Signals;

/// A server that runs. Clones are the same server.
///
/// When the last clone is dropped the server takes no more calls, and those that run have ten seconds.
#[derive(Debug, Clone)]
pub struct RunningServer {
    handle: ServeHandle,
}

impl RunningServer {
    pub(crate) fn new(handle: ServeHandle) -> Self {
        Self { handle }
    }

    /// Where the server listens, with the real port. A server without an address of its own, as in memory, is known
    /// as [`Location::reuse_connection`].
    pub fn location(&self) -> &Location {
        self.handle.location()
    }

    /// Takes no more connections and calls, lets the calls that run come to their end, and cuts what is left after
    /// `limit`.
    pub async fn shutdown(&self, limit: Duration) -> Shutdown {
        self.handle.shutdown(limit).await
    }

    /// Takes over the signals that end a program, [`Signals`], and returns a future that waits for one and then shuts
    /// the server down with `limit`. The next signal cuts what still runs at once. A server that was shut down
    /// elsewhere ends the wait and counts as drained. Must be called within a tokio runtime that has its I/O driver.
    ///
    /// # Errors
    /// If the system does not hand the signals over.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// # async fn example(server: peregrine_server::RunningServer) -> Result<(), peregrine_proto::FlightError> {
    /// let shutdown = server.shutdown_on_signal(Duration::from_secs(30))?;
    /// println!("Server listening on {}", server.location()); // others may end it from now on
    /// shutdown.await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn shutdown_on_signal(
        &self,
        limit: Duration,
    ) -> Result<impl Future<Output = Shutdown> + Send + use<>, FlightError> {
        let mut signals = Signals::listen().map_err(|error| {
            FlightError::internal(format!("cannot take over the signals of the process: {error}")).with_source(error)
        })?;
        let handle = self.handle.clone();
        Ok(async move {
            tokio::select! {
                () = signals.next() => {}
                () = handle.wait() => return Shutdown::Drained,
            }
            tokio::select! {
                ended = handle.shutdown(limit) => ended,
                () = signals.next() => handle.shutdown(Duration::ZERO).await,
            }
        })
    }

    /// Waits until the server takes no more calls, which is how a shutdown begins. The calls that run still do.
    pub async fn draining(&self) {
        self.handle.draining().await;
    }

    /// Waits until the server has ended, which a shutdown brings about.
    pub async fn wait(&self) {
        self.handle.wait().await;
    }
}
