//! Services of tonic's mounted beside Flight: one port, two kinds of clients, and the end of both.

use std::time::Duration;

use http::Request;
use peregrine::client::FlightClient;
use peregrine::proto::{Code, FlightErrorKind, Location, Ticket};
use peregrine::server::{FlightServer, FlightServerBuilder, FlightService, RunningServer};
use peregrine::transport::{Listener, Shutdown};
use peregrine_testkit::waiting::soon;
use peregrine_testkit::{MemoryService, Pair, batches};
use tonic::transport::{Channel, Endpoint};
use tonic::{Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_health::server::{HealthReporter, health_reporter};

use crate::support::bare_http::BareClient;

const PREFIX: &str = "/grpc.health.v1.Health";

/// A service without methods.
pub(crate) struct Nothing;

impl FlightService for Nothing {}

/// tonic's client of the health service.
pub(crate) async fn health(location: &Location) -> HealthClient<Channel> {
    let uri = format!("http://127.0.0.1:{}", location.port().unwrap());
    HealthClient::new(Endpoint::from_shared(uri).unwrap().connect().await.unwrap())
}

/// Asks for the health of the whole server.
pub(crate) async fn check_health(client: &mut HealthClient<Channel>) -> Result<ServingStatus, Status> {
    Ok(client.check(HealthCheckRequest::default()).await?.into_inner().status())
}

fn trips() -> MemoryService {
    MemoryService::with("trips", batches::one_per_type())
}

/// A server on TCP with Flight and health.
async fn with_health() -> (RunningServer, HealthReporter) {
    let (reporter, health) = health_reporter();
    let builder = FlightServer::builder().mount(PREFIX, health);
    (serve(builder).await, reporter)
}

async fn serve(builder: FlightServerBuilder) -> RunningServer {
    builder.bind(Location::for_grpc_tcp("127.0.0.1", 0)).await.unwrap().serve(trips()).unwrap()
}

async fn read_trips(server: &RunningServer) {
    let client = FlightClient::connect(server.location().clone()).unwrap();
    let read = client.do_get(Ticket::new("trips")).await.unwrap().read_all().await.unwrap();
    assert_eq!(read.batches, batches::one_per_type());
}

#[tokio::test]
async fn flight_and_health_answer_at_one_port() {
    let (server, reporter) = with_health().await;
    let mut client = health(server.location()).await;
    assert_eq!(check_health(&mut client).await.unwrap(), ServingStatus::Serving);
    reporter.set_service_status("", tonic_health::ServingStatus::NotServing).await;
    assert_eq!(check_health(&mut client).await.unwrap(), ServingStatus::NotServing);
    read_trips(&server).await;

    let request = HealthCheckRequest { service: "none".to_owned() };
    assert_eq!(client.check(request).await.unwrap_err().code(), tonic::Code::NotFound);
}

#[tokio::test]
async fn a_path_that_nobody_has_is_unimplemented_as_without_mounts() {
    let (_, health) = health_reporter();
    let pair = Pair::with_server(FlightServer::builder().mount(PREFIX, health), Nothing);
    let client = BareClient::connect(&pair).await;
    for path in ["grpc.health.v1.HealthToo/Check", "grpc.health.v1/Check", "grpc.health.v1.Health/None"] {
        let request = Request::post(format!("http://localhost/{path}")).header("content-type", "application/grpc");
        assert_eq!(client.send(request, b"\0\0\0\0\0").await.grpc_status(), Some(Code::Unimplemented), "{path}");
    }
}

/// Panics at every call.
struct Panics;

#[tonic::async_trait]
impl Health for Panics {
    type WatchStream = futures_util::stream::Pending<Result<HealthCheckResponse, Status>>;

    async fn check(&self, _: tonic::Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        panic!("a secret")
    }

    async fn watch(&self, _: tonic::Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        panic!("a secret")
    }
}

#[tokio::test]
async fn a_panic_in_a_mounted_service_fails_its_call_and_nothing_else() {
    let server = serve(FlightServer::builder().mount(PREFIX, HealthServer::new(Panics))).await;
    let mut client = health(server.location()).await;
    for _ in 0..2 {
        let status = check_health(&mut client).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::Internal);
        assert!(!status.message().contains("secret"), "{status}");
    }
    read_trips(&server).await;
}

#[tokio::test]
async fn a_shutdown_waits_for_a_mounted_call() {
    let (server, mut reporter) = with_health().await;
    let mut client = health(server.location()).await;
    let mut watch = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);

    let ending = server.clone();
    let shutdown = tokio::spawn(async move { ending.shutdown(Duration::from_secs(3600)).await });
    soon(server.draining()).await;
    // What a server does that tells its balancer.
    reporter.set_service_status("", tonic_health::ServingStatus::NotServing).await;
    assert_eq!(soon(watch.message()).await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert!(!shutdown.is_finished(), "it waits for the call");
    reporter.clear_service_status("").await;
    assert!(soon(watch.message()).await.unwrap().is_none());
    assert_eq!(soon(shutdown).await.unwrap(), Shutdown::Drained);
}

#[tokio::test]
async fn the_cut_of_a_shutdown_ends_a_mounted_call() {
    let (server, _reporter) = with_health().await;
    let mut client = health(server.location()).await;
    let mut watch = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    watch.message().await.unwrap();
    assert_eq!(server.shutdown(Duration::ZERO).await, Shutdown::Cut);
    assert!(soon(watch.message()).await.is_err());
}

#[tokio::test]
async fn mounts_that_contradict_each_other_are_an_error_when_the_server_starts() {
    let mounted = |prefixes: &[&str]| {
        let (_, health) = health_reporter();
        let builder =
            prefixes.iter().fold(FlightServer::builder(), |builder, prefix| builder.mount(*prefix, health.clone()));
        builder.listener(Listener::in_memory().0).serve(Nothing).map(|_| ())
    };
    mounted(&["/a", "/b"]).unwrap();
    for (prefixes, named) in [
        (&["/a", "/b", "/a"][..], "two services are mounted at /a"),
        (&["/arrow.flight.protocol.FlightService"], "/arrow.flight.protocol.FlightService is served already"),
        (&["/arrow.flight.protocol.FlightService/DoGet"], "/arrow.flight.protocol.FlightService is served already"),
        (&["/"], "it takes a path as /package.Service"),
        (&["grpc.health.v1.Health"], "it takes a path as /package.Service"),
    ] {
        let error = mounted(prefixes).unwrap_err();
        assert_eq!(error.kind(), FlightErrorKind::InvalidArgument);
        assert!(error.message().contains(named), "{error}");
    }
}
