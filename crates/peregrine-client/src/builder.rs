//! `FlightClientBuilder`: what may be set before the first call.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use peregrine_proto::{ClientAuthStage, ClientMiddlewareStage, FlightError, Location, MessageLimits};
use peregrine_stream::ReceiveBuffers;
use peregrine_transport::{Backoff, ChannelConfig, Connect, Http2Config, HttpChannel, Outgoing, SocketConnect};
use tower_layer::Layer;
use tower_service::Service;

use crate::client::FlightClient;
use crate::config::{ClientConfig, ClientStages};
use crate::options::FlightCallOptions;

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
    options: FlightCallOptions,
    config: ClientConfig,
}

impl FlightClient {
    /// A client of the service at a location. Connects at the first call.
    ///
    /// # Errors
    /// A location that cannot be parsed, or whose scheme is not one that a client can connect to.
    pub fn connect<L>(location: L) -> Result<Self, FlightError>
    where
        L: TryInto<Location>,
        L::Error: Into<FlightError>,
    {
        Self::builder(location)?.build()
    }

    /// A client with options.
    ///
    /// # Errors
    /// A location that cannot be parsed.
    pub fn builder<L>(location: L) -> Result<FlightClientBuilder, FlightError>
    where
        L: TryInto<Location>,
        L::Error: Into<FlightError>,
    {
        Ok(FlightClientBuilder::new(location.try_into().map_err(Into::into)?))
    }
}

impl FlightClientBuilder {
    fn new(location: Location) -> Self {
        let config = ClientConfig {
            limits: MessageLimits::default(),
            buffers: ReceiveBuffers::default(),
            write_size_limit: None,
            channel: ChannelConfig::default(),
            connect: Arc::new(SocketConnect),
            stages: ClientStages::default(),
        };
        Self { location, options: FlightCallOptions::default(), config }
    }

    /// Sets options of every call. Merges with those that were set before, as [`FlightClient::with`] does.
    #[must_use]
    pub fn call_options(mut self, options: FlightCallOptions) -> Self {
        self.options = self.options.merged(options);
        self
    }

    /// Sets what the server may make the client hold.
    #[must_use]
    pub fn message_limits(mut self, limits: MessageLimits) -> Self {
        self.config.limits = limits;
        self
    }

    /// Sets the most bytes that a message of DoPut or DoExchange may have when it is written: IPC header, body and
    /// metadata together. A larger one is refused with [`WriteSizeExceeded`](peregrine_stream::WriteSizeExceeded)
    /// before anything of it is sent, and the stream goes on. No limit unless set.
    #[must_use]
    pub fn write_size_limit(mut self, bytes: usize) -> Self {
        self.config.write_size_limit = Some(bytes);
        self
    }

    /// Sets windows, frames and keepalive.
    #[must_use]
    pub fn http2(mut self, http2: Http2Config) -> Self {
        self.config.channel.http2 = http2;
        self
    }

    /// Sets how long making a connection may take.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.config.channel.connect_timeout = timeout;
        self
    }

    /// Sets the pauses between attempts to connect, while they fail.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.config.channel.backoff = backoff;
        self
    }

    /// Makes connections in another way than by sockets, as in memory or through a tunnel.
    #[must_use]
    pub fn connector(mut self, connect: impl Connect) -> Self {
        self.config.connect = Arc::new(connect);
        self
    }

    /// Sets what proves to the server who calls. It runs for every call, before its middleware.
    #[must_use]
    pub fn auth_stage(mut self, stage: impl ClientAuthStage) -> Self {
        self.config.stages.auth = Some(Arc::new(stage));
        self
    }

    /// Adds what accompanies every call, behind what was added before.
    #[must_use]
    pub fn middleware_stage(mut self, stage: impl ClientMiddlewareStage) -> Self {
        self.config.stages.middleware.push(Arc::new(stage));
        self
    }

    /// Adds a layer of tower around the HTTP requests of all calls, inside of those that were added before. A call
    /// passes it once, however often it is attempted; its middleware sees the call from outside. See
    /// [`ChannelLayers`](peregrine_transport::ChannelLayers) for what a layer may do.
    #[must_use]
    pub fn layer<L, S, B>(mut self, layer: L) -> Self
    where
        L: Layer<HttpChannel, Service = S> + Send + Sync + 'static,
        S: Service<Request<Outgoing>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        self.config.channel.layers.push(layer);
        self
    }

    /// The client. It connects at its first call.
    ///
    /// # Errors
    /// A scheme that a client cannot connect to, and an [`Http2Config`] that contradicts itself.
    pub fn build(self) -> Result<FlightClient, FlightError> {
        FlightClient::new(self.location, Arc::new(self.config), Arc::new(self.options))
    }
}

impl std::fmt::Debug for FlightClientBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlightClientBuilder").field("location", &self.location).finish_non_exhaustive()
    }
}
