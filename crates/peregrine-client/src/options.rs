//! `FlightCallOptions`: what a caller may set for calls.

use std::time::Duration;

use http::HeaderMap;
use peregrine_ipc::{IpcReadOptions, IpcWriteOptions};
use peregrine_proto::{FlightError, append_metadata};

/// Options of calls: headers, a timeout, and how data is read and written. A client carries them:
/// [`FlightClient::with`](crate::FlightClient::with).
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
    /// counts from the call's start to the end of its stream, and the server gets the deadline too. `None` unless set.
    pub timeout: Option<Duration>,
    /// How data is decoded; the default unless set.
    pub read_options: Option<IpcReadOptions>,
    /// How the data of DoPut and DoExchange is encoded; the default unless set. Batches are not cut unless these say so.
    pub write_options: Option<IpcWriteOptions>,
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
        self.read_options = Some(options);
        self
    }

    /// Sets how the data of DoPut and DoExchange is encoded.
    #[must_use]
    pub fn with_write_options(mut self, options: IpcWriteOptions) -> Self {
        self.write_options = Some(options);
        self
    }

    /// These options and others on top: headers add up, those of a name that both have are the later ones; of everything
    /// else the later value counts, if there is one.
    #[must_use]
    pub fn merged(&self, later: Self) -> Self {
        let mut headers = self.headers.clone();
        // The first value of a name takes the place of all earlier ones.
        headers.extend(later.headers);
        Self {
            headers,
            timeout: later.timeout.or(self.timeout),
            read_options: later.read_options.or_else(|| self.read_options.clone()),
            write_options: later.write_options.or_else(|| self.write_options.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_options_add_headers_and_replace_what_both_have() {
        let earlier = FlightCallOptions::new().with_timeout(Duration::from_secs(1));
        let earlier = earlier.with_header("a", "1").unwrap().with_header("a", "2").unwrap();
        let earlier = earlier.with_header("b", "3").unwrap();
        let later = FlightCallOptions::new().with_header("a", "4").unwrap().with_header("a", "5").unwrap();
        let merged = earlier.merged(later.with_header("c", "6").unwrap());
        let values = |name: &str| merged.headers.get_all(name).iter().cloned().collect::<Vec<_>>();
        assert_eq!(
            (values("a"), values("b"), values("c")),
            (vec!["4".parse().unwrap(), "5".parse().unwrap()], vec!["3".parse().unwrap()], vec!["6".parse().unwrap()])
        );
        assert_eq!(merged.timeout, Some(Duration::from_secs(1)));
        let longer = merged.merged(FlightCallOptions::new().with_timeout(Duration::from_secs(2)));
        assert_eq!(longer.timeout, Some(Duration::from_secs(2)));
    }
}
