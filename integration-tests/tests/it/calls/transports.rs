//! The same calls over TCP, IPv6, unix sockets and memory.

use std::time::Duration;

use peregrine::client::FlightClient;
use peregrine::proto::{Action, ActionResult, FlightErrorKind, Location, Ticket};
use peregrine::server::{FlightServer, FlightService, RunningServer, ServerCallContext};
use peregrine::stream::MessageStream;
use peregrine_testkit::one_rpc::DoAction;
use peregrine_testkit::waiting::soon;
use peregrine_testkit::{MemoryService, Pair, batches};
use tokio::time::Instant;

async fn serve(location: Location, service: impl FlightService) -> RunningServer {
    FlightServer::builder().bind(location).await.unwrap().serve(service).unwrap()
}

fn trips() -> MemoryService {
    MemoryService::with("trips", batches::one_per_type())
}

async fn assert_reads(client: &FlightClient) {
    let read = async { client.do_get(Ticket::new("trips")).await?.read_all().await };
    assert_eq!(soon(read).await.unwrap().batches, batches::one_per_type());
}

/// Gives back the address of whoever calls.
fn peers() -> impl FlightService {
    DoAction(|context: ServerCallContext, _| async move {
        Ok(MessageStream::from_iter([ActionResult::new(context.peer().address.to_string())]))
    })
}

async fn own_address(client: &FlightClient) -> String {
    let mut answer = client.do_action(Action::new("x", "")).await.unwrap();
    String::from_utf8(answer.read_next().await.unwrap().unwrap().body().to_vec()).unwrap()
}

#[tokio::test]
async fn over_tcp() {
    let server = serve(Location::for_grpc_tcp("127.0.0.1", 0), trips()).await;
    assert_ne!(server.location().port(), Some(0), "the real port");
    for location in [server.location().to_string(), server.location().to_string().replace("+tcp", "")] {
        assert_reads(&FlightClient::connect(location.as_str()).unwrap()).await;
    }
    let server = serve(Location::for_grpc_tcp("127.0.0.1", 0), peers()).await;
    let address = own_address(&FlightClient::connect(server.location().clone()).unwrap()).await;
    assert!(address.starts_with("ipv4:127.0.0.1:"), "{address}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tcp_on_the_runtime_that_users_have() {
    let batch = batches::int64(100_000);
    let server =
        serve(Location::for_grpc_tcp("localhost", 0), MemoryService::with("numbers", vec![batch.clone(); 20])).await;
    let client = FlightClient::connect(server.location().clone()).unwrap();
    let reads = (0..4).map(|_| {
        let (client, batch) = (client.clone(), batch.clone());
        tokio::spawn(async move {
            let table = client.do_get(Ticket::new("numbers")).await?.read_all().await?;
            assert!(table.batches == vec![batch; 20]);
            Ok::<_, peregrine::proto::FlightError>(())
        })
    });
    for read in reads.collect::<Vec<_>>() {
        soon(read).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn over_ipv6() {
    let Ok(bound) = FlightServer::builder().bind(Location::for_grpc_tcp("::1", 0)).await else {
        println!("skipped: this machine has no IPv6 loopback");
        return;
    };
    let server = bound.serve(trips()).unwrap();
    assert!(server.location().to_string().starts_with("grpc+tcp://[::1]:"), "{}", server.location());
    assert_reads(&FlightClient::connect(server.location().to_string()).unwrap()).await;
}

#[tokio::test]
async fn over_a_unix_socket_and_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flight.sock");
    let server = serve(Location::for_grpc_unix(&path), trips()).await;
    let client = FlightClient::connect(server.location().clone()).unwrap();
    assert_reads(&client).await;
    server.shutdown(Duration::from_secs(10)).await;
    assert!(!path.exists(), "the socket goes with its server");
    let error = soon(client.do_get(Ticket::new("trips"))).await.unwrap_err();
    assert_eq!(error.kind(), FlightErrorKind::Unavailable);
    assert!(error.message().contains("flight.sock"), "{error}");

    let _server = serve(Location::for_grpc_unix(&path), peers()).await;
    client.wait_for_available(Duration::from_secs(60)).await.unwrap();
    assert_eq!(soon(own_address(&client)).await, "unix:");
}

/// test_client_wait_for_available: the client is there before its server.
#[tokio::test(start_paused = true)]
async fn a_server_that_comes_later_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::for_grpc_unix(folder.path().join("flight.sock"));
    let client = FlightClient::connect(location.clone()).unwrap();
    let started = Instant::now();
    let later = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        FlightServer::builder().bind(location).await.unwrap().serve(MemoryService::new()).unwrap()
    };
    let (waited, _server) = tokio::join!(client.wait_for_available(Duration::from_secs(5)), later);
    waited.unwrap();
    // The next pause is of 492 ms at most.
    assert!((500..=1000).contains(&started.elapsed().as_millis()), "it took {:?}", started.elapsed());
}

#[tokio::test]
async fn in_memory() {
    let pair = Pair::new(peers());
    assert_eq!(own_address(pair.client()).await, "in-memory:");
    assert_reads(Pair::new(trips()).client()).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_and_named() {
    let server = serve(Location::for_grpc_tcp("127.0.0.1", 0), trips()).await;
    let client = FlightClient::connect(server.location().clone()).unwrap();
    server.shutdown(Duration::ZERO).await;
    let error = soon(client.do_get(Ticket::new("trips"))).await.unwrap_err();
    assert_eq!(error.kind(), FlightErrorKind::Unavailable);
    assert!(error.message().contains(&server.location().port().unwrap().to_string()), "{error}");
}

#[tokio::test]
async fn a_location_that_leads_nowhere_is_an_invalid_argument() {
    for location in
        ["", "127.0.0.1:8815", "grpc+tcp://", "http://127.0.0.1:1", "grpc+tls://127.0.0.1:1", "grpc+unix://"]
    {
        let error = FlightClient::connect(location).unwrap_err();
        assert_eq!(error.kind(), FlightErrorKind::InvalidArgument, "{location}");
        let error = FlightServer::builder().bind(location).await.unwrap_err();
        assert_eq!(error.kind(), FlightErrorKind::InvalidArgument, "{location}");
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error_that_names_it() {
    let server = serve(Location::for_grpc_tcp("127.0.0.1", 0), trips()).await;
    let error = FlightServer::builder().bind(server.location().clone()).await.unwrap_err();
    assert!(error.message().contains(&server.location().to_string()), "{error}");
}
