//! Calls of a service within the servers of others: the same stages, and one end too.

use integration_tests::{Host, Hosted};
use peregrine::client::FlightClient;
use peregrine::proto::{Code, FlightDescriptor, FlightMethod, Location};
use peregrine::server::{FlightServer, FlightService};
use peregrine_testkit::waiting::soon;
use peregrine_testkit::{MemoryService, batches};

use crate::support::marked::Marked;
use crate::support::recorder::{Decides, Record, headers};
use crate::support::stuck::{STUCK_METHODS, Stuck, StuckCall};

const HOSTS: [Host; 2] = [Host::Axum, Host::Tonic];

async fn embed(host: Host, auth: Decides, service: impl FlightService) -> (Record, Hosted, FlightClient) {
    let record = Record::default();
    let builder = FlightServer::builder()
        .auth_stage(record.stage("auth", auth))
        .middleware_stage(record.stage("outer", Decides::LetsPass))
        .middleware_stage(record.stage("inner", Decides::LetsPass))
        .observer(record.stage("observer", Decides::LetsPass));
    let flight = builder.embed(service).unwrap();
    let hosted = host.serve(flight, &Location::for_grpc_tcp("127.0.0.1", 0)).await.unwrap();
    let client = FlightClient::builder(hosted.location().clone()).unwrap();
    let client = client.auth_stage(Record::default().stage("auth", Decides::LetsPass)).build().unwrap();
    (record, hosted, client)
}

/// Waits until so many calls have ended.
async fn have_ended(record: &Record, method: FlightMethod) {
    let has_ended = || record.seen().events(method.name()).contains(&"observer sees the end");
    soon(async {
        while !has_ended() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn embedded_calls_pass_the_stages() {
    for host in HOSTS {
        let service = Marked(MemoryService::with("trips", vec![batches::int64(7)]));
        let (record, hosted, client) = embed(host, Decides::LetsPass, service).await;
        client.get_flight_info(FlightDescriptor::for_path(["trips"])).await.unwrap();
        client.get_schema(FlightDescriptor::for_path(["none"])).await.unwrap_err();
        drop(client);
        hosted.stop().await.unwrap();
        let seen = record.seen();
        let good = seen.server_call("GetFlightInfo", true);
        assert_eq!((good.code, good.sent.messages, good.received.messages), (Code::Ok, 1, 1));
        assert_eq!(good.trailers, headers([("x-tenant", "north"), ("x-started-by", "inner")]));
        assert_eq!(seen.server_call("GetSchema", true).code, Code::NotFound);
    }
}

#[tokio::test]
async fn embedded_calls_that_are_dropped_or_refused_end_once() {
    for host in HOSTS {
        for method in STUCK_METHODS {
            let (record, hosted, client) = embed(host, Decides::LetsPass, Stuck::BehindOne).await;
            drop(StuckCall::begin(&client, method).await.unwrap());
            have_ended(&record, method).await;
            drop(client);
            hosted.stop().await.unwrap();
            assert_eq!(record.seen().server_call(method.name(), true).code, Code::Cancelled, "{method}");

            let (record, hosted, client) = embed(host, Decides::Refuses, Stuck::BehindOne).await;
            let Err(error) = StuckCall::begin(&client, method).await else { panic!("{method} went well") };
            assert_eq!(Code::from(error.kind()), Code::Unauthenticated);
            drop(client);
            hosted.stop().await.unwrap();
            let seen = record.seen();
            let outcome = seen.outcome(method.name(), &["auth", "observer sees the end"]);
            assert_eq!(outcome.code, Code::Unauthenticated, "{method}");
        }
    }
}
