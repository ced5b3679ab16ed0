//! The two ends of a client's life: waiting for its server, and closing.

use std::time::Duration;

use peregrine_proto::{Criteria, FlightError, FlightErrorKind};
use tokio::time::{Instant, sleep_until};

use crate::client::FlightClient;
use crate::options::FlightCallOptions;

/// The least pause between two tries, whatever the backoff.
const LEAST_PAUSE: Duration = Duration::from_millis(25);

impl FlightClient {
    /// Waits until the server answers, for a client that may be there before it. Tries ListFlights, as other clients do,
    /// with the pauses of the client's [`Backoff`](peregrine_transport::Backoff) in between, until the answer is another
    /// than `Unavailable`: flights, or that the service has no ListFlights. Listed flights are not read.
    ///
    /// # Errors
    /// After the timeout `Unavailable` with the last reason, or `TimedOut` where a try was left without an answer. Any
    /// other error that the server answers with, at once: it is there, but does not let this client in, say.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use peregrine_client::FlightClient;
    /// use peregrine_proto::FlightError;
    ///
    /// # async fn example() -> Result<(), FlightError> {
    /// let client = FlightClient::connect("grpc+tcp://127.0.0.1:8815")?;
    /// client.wait_for_available(Duration::from_secs(5)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn wait_for_available(&self, timeout: Duration) -> Result<(), FlightError> {
        // What no clock can reach is no deadline.
        let deadline = Instant::now().checked_add(timeout);
        let mut refusals = 0;
        loop {
            let error = match self.try_listing(deadline).await {
                Err(error) if error.kind() == FlightErrorKind::Unavailable => error,
                Err(error) if error.kind() == FlightErrorKind::Unimplemented => return Ok(()),
                answer => return answer,
            };
            refusals += 1;
            let next = self.next_try(refusals);
            match deadline {
                Some(deadline) if deadline <= next => {
                    sleep_until(deadline).await;
                    return Err(error);
                }
                _ => sleep_until(next).await,
            }
        }
    }

    /// Closes the connection. Running calls are cancelled at both ends: here they end with an error of the kind
    /// `Cancelled`. Later ones fail with `InvalidArgument`. Closing again does nothing.
    ///
    /// All clones of a client share its connection, and so its end. A client that is only dropped closes the connection
    /// once its calls have ended.
    pub fn close(&self) {
        self.caller().channel.close();
    }

    async fn try_listing(&self, deadline: Option<Instant>) -> Result<(), FlightError> {
        let timeout = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let options = FlightCallOptions { timeout, ..FlightCallOptions::default() };
        self.with(options).list_flights(Criteria::default()).await?.read_next().await?;
        Ok(())
    }

    /// When to try again, after so many tries.
    fn next_try(&self, refusals: u32) -> Instant {
        let (channel, now) = (&self.caller().channel, Instant::now());
        let next = match channel.next_attempt() {
            Some(attempt) => Some(Instant::from_std(attempt)),
            // There is a connection, over which the server itself said that it is not available.
            None => now.checked_add(channel.config().backoff.pause(refusals)),
        };
        next.unwrap_or(now).max(now + LEAST_PAUSE)
    }
}
