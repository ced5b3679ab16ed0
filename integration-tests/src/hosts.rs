//! The HTTP servers of others that Flight can be served within.

use std::future::Future;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::map_request;
use axum::routing::get;
use clap::ValueEnum;
use peregrine::proto::{FLIGHT_SERVICE_NAME, Location, Peer, PeerAddress};
use peregrine::server::EmbeddedFlight;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

/// A server of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Host {
    /// A router of axum, with a page beside Flight.
    Axum,
    /// A server of tonic, with its health service beside Flight.
    Tonic,
}

/// A running server of others with Flight in it.
pub struct Hosted {
    location: Location,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<()>>,
}

impl Host {
    /// Serves Flight within this host, at a location on TCP.
    ///
    /// # Errors
    /// If the location cannot be listened on.
    pub async fn serve(self, flight: EmbeddedFlight, location: &Location) -> Result<Hosted> {
        let path = format!("/{FLIGHT_SERVICE_NAME}/{{method}}");
        let (host, port) = location.host().zip(location.port()).context("a host listens on TCP")?;
        let listener = TcpListener::bind((host, port)).await?;
        let location = Location::for_grpc_tcp(host, listener.local_addr()?.port());
        let (stop, stopped) = oneshot::channel();
        let stopped = async {
            // Whoever drops the handle stops the server too.
            let _ = stopped.await;
        };
        let task = match self {
            Self::Axum => {
                let app = Router::new().route("/", get(async || "an application in axum")).route_service(&path, flight);
                tokio::spawn(in_axum(listener, app.layer(map_request(with_peer)), stopped))
            }
            Self::Tonic => {
                let (_, health) = tonic_health::server::health_reporter();
                let routes = Routes::new(health).into_axum_router().route_service(&path, flight);
                tokio::spawn(in_tonic(listener, routes.into(), stopped))
            }
        };
        Ok(Hosted { location, stop, task })
    }
}

async fn in_axum(listener: TcpListener, app: Router, stopped: impl Future<Output = ()> + Send + 'static) -> Result<()> {
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(listener, app).with_graceful_shutdown(stopped).await?)
}

/// Tells Flight what axum knows of the caller.
async fn with_peer(ConnectInfo(address): ConnectInfo<SocketAddr>, mut request: Request) -> Request {
    request.extensions_mut().insert(Peer::new(PeerAddress::Tcp(address)));
    request
}

async fn in_tonic(listener: TcpListener, routes: Routes, stopped: impl Future<Output = ()>) -> Result<()> {
    let incoming = TcpIncoming::from(listener);
    Ok(Server::builder().add_routes(routes).serve_with_incoming_shutdown(incoming, stopped).await?)
}

impl Hosted {
    /// Where it listens.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Stops the server as it does that itself: it waits for the calls that run.
    ///
    /// # Errors
    /// If it ended badly.
    pub async fn stop(self) -> Result<()> {
        // The server may have ended already; that shows next.
        let _ = self.stop.send(());
        self.task.await?
    }
}
