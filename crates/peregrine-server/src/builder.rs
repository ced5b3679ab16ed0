//! `FlightServer`: what may be set before the first call, and where to listen.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use peregrine_proto::{
    FLIGHT_SERVICE_NAME, FlightError, Location, LocationScheme, MessageLimits, ServerAuthStage, ServerCallObserver,
    ServerMiddlewareStage,
};
use peregrine_transport::{EmbeddedService, Http2Config, HttpService, IncomingBody, Listener, Rope, serve};
use tower_layer::Layer;
use tower_service::Service;

use crate::dispatch::Dispatch;
use crate::embed::EmbeddedFlight;
use crate::running::RunningServer;
use crate::service::FlightService;
use crate::settings::Settings;

/// Where a server starts: [`FlightServer::builder`].
///
/// ```
/// use std::time::Duration;
///
/// use peregrine_proto::Location;
/// use peregrine_server::{FlightServer, FlightService};
///
/// struct Nothing;
/// impl FlightService for Nothing {}
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), peregrine_proto::FlightError> {
/// let server = FlightServer::builder().bind(Location::for_grpc_tcp("127.0.0.1", 0)).await?.serve(Nothing)?;
/// println!("Server listening on {}", server.location()); // the real port
/// server.shutdown(Duration::from_secs(30)).await; // drain, then cut
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct FlightServer;

impl FlightServer {
    /// A server with safe defaults.
    pub fn builder() -> FlightServerBuilder {
        FlightServerBuilder::default()
    }
}

/// Sets up a server.
#[derive(Debug, Clone, Default)]
pub struct FlightServerBuilder {
    settings: Settings,
}

impl FlightServerBuilder {
    /// Sets windows, frames, keepalive, and how many calls a connection may have.
    #[must_use]
    pub fn http2(mut self, http2: Http2Config) -> Self {
        self.settings.serve.http2 = http2;
        self
    }

    /// Sets what a client may make the server hold.
    #[must_use]
    pub fn message_limits(mut self, limits: MessageLimits) -> Self {
        self.settings.set_limits(limits);
        self
    }

    /// Sets how many connections there may be at a time; more wait in the system's queue. 10 000 unless set.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.settings.serve.max_connections = connections;
        self
    }

    /// Sets how long a new connection may take until it is secured and speaks HTTP/2. 10 s unless set.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.settings.serve.handshake_timeout = timeout;
        self
    }

    /// Serves another gRPC service beside Flight, over the same connections: health checks, reflection, or any that tonic
    /// generates. `prefix` is its path, `/grpc.health.v1.Health`; it takes the calls below it, in whole segments of
    /// the path, and of several prefixes the longest counts.
    ///
    /// Each call runs on a clone of the service, in a task of its own. A panic fails that call and nothing else. The
    /// server's windows and its limits on streams hold for these calls too, their deadlines are kept, a shutdown waits
    /// for them, and what is cut or reset is dropped. The calls pass [layers](Self::layer) and authentication, but no
    /// middleware. The service finds the caller as a [`Peer`](peregrine_proto::Peer) among the request's extensions.
    /// Limits on messages are the service's own.
    ///
    /// ```
    /// use std::convert::Infallible;
    /// use std::future::{Ready, ready};
    /// use std::task::{Context, Poll};
    ///
    /// use http::{Request, Response};
    /// use peregrine_server::{FlightServer, FlightService};
    /// use peregrine_transport::{IncomingBody, Listener};
    /// use tower_service::Service;
    ///
    /// # struct Nothing;
    /// # impl FlightService for Nothing {}
    /// /// Stands for what tonic generates.
    /// #[derive(Clone)]
    /// struct Health;
    ///
    /// impl Service<Request<IncomingBody>> for Health {
    ///     type Response = Response<String>;
    ///     type Error = Infallible;
    ///     type Future = Ready<Result<Self::Response, Infallible>>;
    ///
    ///     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
    ///         Poll::Ready(Ok(()))
    ///     }
    ///
    ///     fn call(&mut self, _: Request<IncomingBody>) -> Self::Future {
    ///         ready(Ok(Response::new("well".to_owned())))
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), peregrine_proto::FlightError> {
    /// let builder = FlightServer::builder().mount("/grpc.health.v1.Health", Health);
    /// # let (listener, _connector) = Listener::in_memory();
    /// let server = builder.listener(listener).serve(Nothing)?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn mount<S, B>(mut self, prefix: impl Into<String>, service: S) -> Self
    where
        S: Service<Request<IncomingBody>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        self.settings.serve.mounts.add(prefix, service);
        self
    }

    /// Serves another gRPC service as [`mount`](Self::mount) does, but without authentication: health checks must work
    /// for those who know no password.
    #[must_use]
    pub fn mount_open<S, B>(mut self, prefix: impl Into<String>, service: S) -> Self
    where
        S: Service<Request<IncomingBody>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        self.settings.serve.mounts.add_open(prefix, service);
        self
    }

    /// Adds a layer of tower around all HTTP requests, those of mounted services included, inside of the layers that
    /// were added before. For what belongs to HTTP; what belongs to calls of Flight is middleware.
    ///
    /// Layers are applied once, at [`serve`](BoundServer::serve), and each request runs on a clone. A layer may change
    /// headers and wrap the response's body, whose data is in [`Rope`]s; it passes the request's body on as it is. The
    /// call's [`CallToken`](peregrine_transport::CallToken) is among the request's extensions, so that a layer may end
    /// the call.
    ///
    /// A limit on time or on concurrency sees a call up to its response headers and not the stream behind them. The
    /// timeout of tower-http responds with HTTP 408, which clients of gRPC read as UNKNOWN.
    /// A response without messages goes out as trailers alone where the handler adds no header: what a layer adds to it
    /// arrives among the trailers.
    ///
    /// ```
    /// use peregrine_server::{FlightServer, FlightService};
    /// use peregrine_transport::{HttpService, Listener};
    /// use tower_layer::layer_fn;
    ///
    /// # struct Nothing;
    /// # impl FlightService for Nothing {}
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), peregrine_proto::FlightError> {
    /// let builder = FlightServer::builder().layer(layer_fn(|inner: HttpService| inner)); // or one of tower-http
    /// # let (listener, _connector) = Listener::in_memory();
    /// let server = builder.listener(listener).serve(Nothing)?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn layer<L, S, B>(mut self, layer: L) -> Self
    where
        L: Layer<HttpService, Service = S> + Send + Sync + 'static,
        S: Service<Request<IncomingBody>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        S::Future: Send + 'static,
        B: Body<Data = Rope> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        self.settings.serve.layers.push(layer);
        self
    }

    /// Sets who decides which calls are served and who calls. Every call passes it first, methods that do not exist and
    /// mounted services included; [`mount_open`](Self::mount_open) leaves it out.
    #[must_use]
    pub fn auth_stage(mut self, stage: impl ServerAuthStage) -> Self {
        self.settings.stages.auth = Some(Arc::new(stage));
        self
    }

    /// Adds what accompanies every call of Flight that authentication lets through, behind what was added before. Mounted
    /// services do not pass it.
    #[must_use]
    pub fn middleware_stage(mut self, stage: impl ServerMiddlewareStage) -> Self {
        self.settings.stages.middleware.push(Arc::new(stage));
        self
    }

    /// Adds what sees the outcome of every call of Flight, those that authentication refuses included.
    #[must_use]
    pub fn observer(mut self, observer: impl ServerCallObserver) -> Self {
        self.settings.stages.observers.push(Arc::new(observer));
        self
    }

    /// Makes a tower service for the HTTP server of an application that has one already. Of the settings it takes the
    /// message limits and the stages; connections are the host's.
    ///
    /// # Errors
    /// Services are mounted or layers added: the host's router is the place for them.
    pub fn embed<S: FlightService>(self, service: S) -> Result<EmbeddedFlight, FlightError> {
        let Settings { serve, .. } = &self.settings;
        if !serve.mounts.is_empty() || !serve.layers.is_empty() {
            let message = "an embedded Flight service has no mounts and no layers: give those to the host's router";
            return Err(FlightError::invalid_argument(message));
        }
        Ok(EmbeddedFlight::new(EmbeddedService::new(Dispatch::new(service, &self.settings), serve)))
    }

    /// Listens at a location: `grpc`, `grpc+tcp` (port 0 takes a free one) or `grpc+unix`. Nothing is accepted
    /// before [`serve`](BoundServer::serve), but connections already queue.
    ///
    /// # Errors
    /// A location that cannot be parsed or listened on, naming it.
    pub async fn bind<L>(self, location: L) -> Result<BoundServer, FlightError>
    where
        L: TryInto<Location>,
        L::Error: Into<FlightError>,
    {
        let location = location.try_into().map_err(Into::into)?;
        let listener = listen(&location).await?.map_err(|error| {
            FlightError::unavailable(format!("cannot listen on {location}: {error}")).with_source(error)
        })?;
        Ok(self.listener(listener))
    }

    /// Takes connections from a listener: in memory, or the application's own.
    pub fn listener(self, listener: Listener) -> BoundServer {
        BoundServer { settings: self.settings, listener }
    }
}

/// A server that listens and does not serve yet.
#[derive(Debug)]
pub struct BoundServer {
    settings: Settings,
    listener: Listener,
}

impl BoundServer {
    /// Where it listens, with the real port.
    pub fn location(&self) -> Location {
        self.settings.serve.location(&self.listener.local_addr())
    }

    /// Starts to serve and returns at once. Must be called within a tokio runtime, which the server then runs on.
    ///
    /// # Errors
    /// Settings that contradict themselves, naming them: among them two mounts of one path, and one of Flight's own.
    pub fn serve<S: FlightService>(self, service: S) -> Result<RunningServer, FlightError> {
        let serve_config = self.settings.gated();
        serve_config.mounts.check_beside(&format!("/{FLIGHT_SERVICE_NAME}"))?;
        let handle = serve(self.listener, Dispatch::new(service, &self.settings), serve_config)?;
        Ok(RunningServer::new(handle))
    }
}

async fn listen(location: &Location) -> Result<io::Result<Listener>, FlightError> {
    match (location.scheme(), location.host(), location.port(), location.socket_path()) {
        (LocationScheme::GrpcTcp, Some(host), Some(port), _) => Ok(Listener::tcp((host, port)).await),
        (LocationScheme::GrpcUnix, _, _, Some(path)) => Ok(Listener::unix(path)),
        _ => Err(FlightError::invalid_argument(format!(
            "cannot listen on {location}: it takes grpc+tcp://HOST:PORT or grpc+unix:///PATH"
        ))),
    }
}
