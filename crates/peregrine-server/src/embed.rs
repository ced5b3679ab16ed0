//! The tower face: a Flight service within the HTTP server of an application that has one already.

use std::convert::Infallible;
use std::error::Error;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use peregrine_transport::{EmbeddedBody, EmbeddedFuture, EmbeddedService};
use tower_service::Service;

/// A Flight service as a tower service, made by [`embed`](crate::FlightServerBuilder::embed): for the router of axum or
/// tonic, or whatever else calls tower services. Clones are the same service.
///
/// It serves requests whose path is that of a Flight method, as [`FlightMethod::path`](peregrine_proto::FlightMethod)
/// tells; so a router takes it at `/arrow.flight.protocol.FlightService/{method}` and must not strip the prefix. In
/// axum, and with tonic's services beside it:
///
/// ```text
/// let flight = FlightServer::builder().embed(Warehouse::new())?;
/// let path = "/arrow.flight.protocol.FlightService/{method}";
///
/// let app = axum::Router::new().route("/", get(index)).route_service(path, flight.clone());
///
/// let routes = tonic::service::Routes::new(health).into_axum_router().route_service(path, flight);
/// tonic::transport::Server::builder().add_routes(routes.into())
/// ```
///
/// Handlers see no difference, but for the [`Peer`](peregrine_proto::Peer): it is the one among the request's
/// extensions, where a layer of the host can put it (in axum from `ConnectInfo`), and else an unknown one. Message
/// limits, deadlines, cancellation and the errors of gRPC are those of the native server.
///
/// It is slower than the [native server](crate::FlightServer), which hands the memory of many arrays to the socket at
/// once and has windows and frames made for bulk data; hosts send piece by piece, and most come with the small
/// windows that HTTP/2 starts with. Connections are the host's: its HTTP/2 settings, how many streams there may be,
/// TLS, and the way to drain. The host speaks HTTP/2, runs within tokio, and has no layer that wraps the body of
/// requests without passing [`is_end_stream`](Body::is_end_stream) on: an upload whose end is not passed on counts as
/// cancelled. Native servers that have other services beside Flight are made with
/// [`mount`](crate::FlightServerBuilder::mount).
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, StatusCode};
/// use peregrine_server::{FlightServer, FlightService};
/// use tower_service::Service;
///
/// struct Nothing;
/// impl FlightService for Nothing {}
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut flight = FlightServer::builder().embed(Nothing)?;
/// let request = Request::post("/arrow.flight.protocol.FlightService/ListActions")
///     .header("content-type", "application/grpc")
///     .body(String::from("\0\0\0\0\0"))?; // one empty message
/// let response = flight.call(request).await?;
/// assert_eq!(response.status(), StatusCode::OK);
/// assert_eq!(response.headers()["grpc-status"], "12"); // UNIMPLEMENTED
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct EmbeddedFlight {
    calls: EmbeddedService,
}

impl EmbeddedFlight {
    pub(crate) fn new(calls: EmbeddedService) -> Self {
        Self { calls }
    }
}

impl<B> Service<Request<B>> for EmbeddedFlight
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<EmbeddedBody>;
    type Error = Infallible;
    type Future = EmbeddedFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<B>>::poll_ready(&mut self.calls, cx)
    }

    fn call(&mut self, request: Request<B>) -> EmbeddedFuture {
        self.calls.call(request)
    }
}
