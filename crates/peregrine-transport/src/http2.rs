//! The settings of HTTP/2, one struct for both sides.

use std::time::Duration;

use peregrine_proto::FlightError;

/// The bounds that HTTP/2 itself sets.
const FRAME_SIZES: std::ops::RangeInclusive<u32> = (16 << 10)..=((16 << 20) - 1);
const LARGEST_WINDOW: u32 = i32::MAX as u32;

/// How many stream windows the connection's window has at least. With equal windows one stream that nobody reads
/// takes the credit of all others.
const WINDOW_RATIO: u32 = 4;

/// The settings of HTTP/2. Sizes are in bytes. Start from [`server`](Self::server) or [`client`](Self::client).
///
/// ```
/// use peregrine_transport::Http2Config;
///
/// let http2 = Http2Config { stream_window: 32 << 20, ..Http2Config::server() };
/// assert_eq!(http2.connection_window(), 128 << 20); // at least four stream windows
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http2Config {
    /// How much the peer may send on one stream before this side reads. Server 4 MiB, client 16 MiB.
    pub stream_window: u32,
    /// How much the peer may send on all streams together before this side reads. Server 16 MiB; client 2 GiB - 1,
    /// which leaves each stream its own window: with less, a few streams that are not read take the credit of all
    /// others, and with 64 MiB four of them were enough to stop the fifth. A value under four stream windows counts as
    /// four stream windows.
    pub connection_window: u32,
    /// The largest frame that the peer may send, 16 KiB to 16 MiB - 1. 4 MiB on both sides: HEADERS may be as large
    /// as this and are under no flow control.
    pub max_frame_size: u32,
    /// The largest DATA frame that this side puts together, whatever the peer allows: everything else on the
    /// connection waits behind it. 4 MiB.
    pub max_data_frame: usize,
    /// How much of one stream may wait to be written. A value under [`max_data_frame`](Self::max_data_frame) counts
    /// as that. 4 MiB.
    pub send_buffer: usize,
    /// Server: how many calls one connection may have at a time. 256.
    pub max_concurrent_streams: u32,
    /// The largest list of headers that is accepted, names, values and 32 bytes for each. 64 KiB.
    pub max_header_list_size: u32,
    /// Server: how many calls a peer may have opened and reset before the server got to see them; a peer that has
    /// more is taken for a rapid-reset attack and its connection closed. 100.
    pub max_pending_accept_reset_streams: usize,
    /// How many errors on single streams a connection may see in its life before it is closed; `None` for any number.
    /// Data that comes for a call long reset is such an error. Server 16 Ki, client any number.
    pub max_stream_errors: Option<usize>,
    /// Sends a ping where nothing came for so long. Server 60 s. Client never: servers of other languages close
    /// connections that ping more often than they like.
    pub keepalive_interval: Option<Duration>,
    /// Closes the connection where a ping is not answered for so long, and where pings are on also where the peer's
    /// system takes no byte for as long as a ping and its answer may take. 20 s.
    pub keepalive_timeout: Duration,
    /// Client: also pings while there is no call. A server always does. False.
    pub keepalive_while_idle: bool,
}

impl Http2Config {
    /// What a server uses unless told otherwise.
    pub fn server() -> Self {
        Self {
            stream_window: 4 << 20,
            connection_window: 16 << 20,
            max_frame_size: 4 << 20,
            max_data_frame: 4 << 20,
            send_buffer: 4 << 20,
            max_concurrent_streams: 256,
            max_header_list_size: 64 << 10,
            max_pending_accept_reset_streams: 100,
            max_stream_errors: Some(16 << 10),
            keepalive_interval: Some(Duration::from_secs(60)),
            keepalive_timeout: Duration::from_secs(20),
            keepalive_while_idle: false,
        }
    }

    /// What a client uses unless told otherwise.
    pub fn client() -> Self {
        Self {
            stream_window: 16 << 20,
            connection_window: LARGEST_WINDOW,
            max_stream_errors: None,
            keepalive_interval: None,
            ..Self::server()
        }
    }

    /// The connection's window that is used: [`connection_window`](Self::connection_window), or four stream windows
    /// if that is more.
    pub fn connection_window(&self) -> u32 {
        self.connection_window.max(self.stream_window.saturating_mul(WINDOW_RATIO)).min(LARGEST_WINDOW)
    }

    /// The send buffer that is used: [`send_buffer`](Self::send_buffer), or one whole DATA frame if that is more.
    pub(crate) fn send_buffer(&self) -> usize {
        self.send_buffer.max(self.max_data_frame).min(LARGEST_WINDOW as usize)
    }

    /// How long a write may wait; `None` for ever.
    pub(crate) fn stall_limit(&self) -> Option<Duration> {
        Some(self.keepalive_interval?.saturating_add(self.keepalive_timeout))
    }

    /// Checks what HTTP/2 bounds.
    ///
    /// # Errors
    /// [`InvalidArgument`](peregrine_proto::FlightErrorKind::InvalidArgument), naming the field, its value and the
    /// bounds.
    pub fn check(&self) -> Result<(), FlightError> {
        let largest_stream = LARGEST_WINDOW / WINDOW_RATIO;
        in_bounds("stream_window", self.stream_window, 1..=largest_stream)?;
        in_bounds("connection_window", self.connection_window, 1..=LARGEST_WINDOW)?;
        in_bounds("max_frame_size", self.max_frame_size, FRAME_SIZES)?;
        in_bounds("max_data_frame", self.max_data_frame, 1..=LARGEST_WINDOW as usize)?;
        in_bounds("send_buffer", self.send_buffer, 1..=LARGEST_WINDOW as usize)?;
        in_bounds("max_concurrent_streams", self.max_concurrent_streams, 1..=u32::MAX)?;
        in_bounds("max_header_list_size", self.max_header_list_size, 1..=u32::MAX)
    }
}

fn in_bounds<T>(field: &str, value: T, bounds: std::ops::RangeInclusive<T>) -> Result<(), FlightError>
where
    T: PartialOrd + std::fmt::Display,
{
    if bounds.contains(&value) {
        return Ok(());
    }
    let (least, most) = bounds.into_inner();
    Err(FlightError::invalid_argument(format!("http2.{field} is {value}: it must be from {least} to {most}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_keep_the_ratio() {
        for config in [Http2Config::server(), Http2Config::client()] {
            config.check().unwrap();
            assert_eq!(config.connection_window(), config.connection_window);
            assert!(config.connection_window() >= 4 * config.stream_window);
            assert!(config.send_buffer() >= config.max_data_frame);
        }
    }

    #[test]
    fn equal_windows_are_raised() {
        let config = Http2Config { stream_window: 1 << 20, connection_window: 1 << 20, ..Http2Config::server() };
        config.check().unwrap();
        assert_eq!(config.connection_window(), 4 << 20);
    }

    #[test]
    fn an_impossible_value_is_an_error_that_names_the_field() {
        let config = Http2Config { max_frame_size: 1024, ..Http2Config::server() };
        let message = config.check().unwrap_err().message().to_owned();
        assert!(message.contains("max_frame_size is 1024"), "{message}");
        let config = Http2Config { stream_window: u32::MAX, ..Http2Config::server() };
        assert!(config.check().is_err());
    }
}
