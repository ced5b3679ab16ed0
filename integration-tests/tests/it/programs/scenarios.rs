//! The official integration scenarios: each one's client holds each one's service to what it has to do.

use peregrine::client::FlightClient;
use peregrine::proto::Location;
use peregrine::server::{FlightServer, RunningServer};
use peregrine::transport::Listener;
use peregrine_testkit::scenario::{Scenario, ScenarioError};
use peregrine_testkit::waiting::soon;

/// Serves a scenario in memory.
fn in_memory(scenario: Scenario) -> (RunningServer, FlightClient) {
    let (listener, connector) = Listener::in_memory();
    let server = scenario.serve(FlightServer::builder().listener(listener)).unwrap();
    let client = FlightClient::builder(Location::reuse_connection()).unwrap().connector(connector).build().unwrap();
    (server, client)
}

/// Those of one group have one service.
fn group(scenario: Scenario) -> &'static str {
    scenario.name().split(':').next().unwrap()
}

#[tokio::test]
async fn every_client_passes_with_its_own_service_and_fails_with_every_other_in_memory() {
    for served in Scenario::ALL {
        for asked in Scenario::ALL {
            let (_server, client) = in_memory(*served);
            let outcome: Result<(), ScenarioError> = soon(asked.run(&client)).await;
            let expected = group(*served) == group(*asked);
            assert_eq!(outcome.is_ok(), expected, "{asked} against {served}: {outcome:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_passes_with_its_own_service_over_tcp() {
    for scenario in Scenario::ALL {
        let bound = FlightServer::builder().bind(Location::for_grpc_tcp("127.0.0.1", 0)).await.unwrap();
        let server = scenario.serve(bound).unwrap();
        let client = FlightClient::connect(server.location().clone()).unwrap();
        soon(scenario.run(&client)).await.unwrap_or_else(|error| panic!("{scenario}: {error}"));
    }
}
