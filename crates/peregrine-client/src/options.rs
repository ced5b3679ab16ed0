//! What a caller may set for a single call.

use std::time::Duration;

use http::HeaderMap;
use peregrine_ipc::{IpcReadOptions, IpcWriteOptions};
use peregrine_proto::FlightError;
use peregrine_transport::append_metadata;

/// Options of one call: headers, a timeout, and how data is read and written.
///
/// ```
/// use std::time::Duration;
///
/// use peregrine_client::FlightCallOptions;
///
/// let options = FlightCallOptions::new()
///     .with_timeout(Duration::from_secs(5))
///     .with_header("x-tenant", "north")?
///     .with_header("trace-bin", [0u8, 1, 2])?;
/// assert_eq!(options.timeout, Some(Duration::from_secs(5)));
/// # Ok::<(), peregrine_proto::FlightError>(())
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct FlightCallOptions {
    /// Headers to send. [`with_header`](Self::with_header) checks them and encodes binary values.
    pub headers: HeaderMap,
    /// After this the call fails with [`TimedOut`](peregrine_proto::FlightErrorKind::TimedOut), wherever it is. It
    /// counts from the call's start to the end of its stream, and the server is told of it.
    pub timeout: Option<Duration>,
    /// How data is decoded.
    pub read_options: IpcReadOptions,
    /// How the data of DoPut and DoExchange is encoded. Batches are not cut unless these say so.
    pub write_options: IpcWriteOptions,
}

impl FlightCallOptions {
    /// No headers, no timeout.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the timeout.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Adds a header. Names in `-bin` take any bytes, others printable ASCII; a name may be added several times.
    ///
    /// # Errors
    /// A name or value that gRPC does not allow.
    pub fn with_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, FlightError> {
        append_metadata(&mut self.headers, name, value.as_ref())?;
        Ok(self)
    }

    /// Sets how data is decoded.
    #[must_use]
    pub fn with_read_options(mut self, options: IpcReadOptions) -> Self {
        self.read_options = options;
        self
    }

    /// Sets how the data of DoPut and DoExchange is encoded.
    #[must_use]
    pub fn with_write_options(mut self, options: IpcWriteOptions) -> Self {
        self.write_options = options;
        self
    }
}
