//! `FlightClientBuilder`: what may be set before the first call.

use std::time::Duration;

use peregrine_proto::{FlightError, Location, LocationScheme, MessageLimits};
use peregrine_transport::{Backoff, Channel, ChannelConfig, Connector, Http2Config, TcpConnector, UnixConnector};

use crate::call::Caller;
use crate::client::FlightClient;

/// Sets up a [`FlightClient`].
///
/// ```
/// use std::time::Duration;
///
/// use peregrine_client::FlightClient;
/// use peregrine_proto::MessageLimits;
///
/// let client = FlightClient::builder("grpc+tcp://127.0.0.1:8815")?
///     .message_limits(MessageLimits { message: 64 << 20, ..MessageLimits::default() })
///     .connect_timeout(Duration::from_secs(2))
///     .build()?;
/// # Ok::<(), peregrine_proto::FlightError>(())
/// ```
pub struct FlightClientBuilder {
    location: Location,
    limits: MessageLimits,
    channel: ChannelConfig,
    connector: Option<Box<dyn Connector>>,
    write_size_limit: Option<usize>,
}

impl FlightClientBuilder {
    pub(crate) fn new(location: Location) -> Self {
        let (limits, channel) = (MessageLimits::default(), ChannelConfig::default());
        Self { location, limits, channel, connector: None, write_size_limit: None }
    }

    /// Sets what the server may make the client hold.
    #[must_use]
    pub fn message_limits(mut self, limits: MessageLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the most bytes that a message of DoPut or DoExchange may have when it is written: IPC header, body and metadata
    /// together. A larger one is refused with [`WriteSizeExceeded`](peregrine_stream::WriteSizeExceeded) before anything of
    /// it is sent, and the stream goes on. No limit unless set.
    #[must_use]
    pub fn write_size_limit(mut self, bytes: usize) -> Self {
        self.write_size_limit = Some(bytes);
        self
    }

    /// Sets windows, frames and keepalive.
    #[must_use]
    pub fn http2(mut self, http2: Http2Config) -> Self {
        self.channel.http2 = http2;
        self
    }

    /// Sets how long making a connection may take.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.channel.connect_timeout = timeout;
        self
    }

    /// Sets the pauses between attempts to connect, while they fail.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.channel.backoff = backoff;
        self
    }

    /// Makes connections in another way than the location says, as in memory or through a tunnel.
    #[must_use]
    pub fn connector(mut self, connector: impl Connector) -> Self {
        self.connector = Some(Box::new(connector));
        self
    }

    /// The client. It connects at its first call.
    ///
    /// # Errors
    /// A scheme that a client cannot connect to, and an [`Http2Config`] that contradicts itself.
    pub fn build(self) -> Result<FlightClient, FlightError> {
        let channel = ChannelConfig { message_limit: self.limits.effective_call_message(), ..self.channel };
        let channel = match self.connector {
            Some(connector) => Channel::new(connector, channel)?,
            None => connect(&self.location, channel)?,
        };
        Ok(FlightClient::new(Caller::new(channel, self.location, self.limits, self.write_size_limit)))
    }
}

impl std::fmt::Debug for FlightClientBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlightClientBuilder").field("location", &self.location).finish_non_exhaustive()
    }
}

fn connect(location: &Location, config: ChannelConfig) -> Result<Channel, FlightError> {
    match (location.scheme(), location.host(), location.port(), location.socket_path()) {
        (LocationScheme::GrpcTcp, Some(host), Some(port), _) => Channel::new(TcpConnector::new(host, port), config),
        (LocationScheme::GrpcUnix, _, _, Some(path)) => Channel::new(UnixConnector::new(path), config),
        _ => Err(FlightError::invalid_argument(format!(
            "cannot connect to {location}: it takes grpc+tcp://HOST:PORT or grpc+unix:///PATH"
        ))),
    }
}
