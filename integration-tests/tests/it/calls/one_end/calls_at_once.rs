//! Many calls at once on several threads, which end in all ways that race with each other.

use peregrine::client::FlightClient;
use peregrine::proto::{FlightDescriptor, FlightMethod, Ticket};
use peregrine::server::FlightServer;
use peregrine_testkit::waiting::soon;
use peregrine_testkit::{MemoryService, Pair, batches};

use crate::support::recorded::{Decisions, recording_client};
use crate::support::recorder::{Decides, Record};

/// Makes a call that may end in the middle of anything. Errors are as good as data.
async fn make(client: FlightClient, number: usize) {
    let trips = FlightDescriptor::for_path(["trips"]);
    match number % 6 {
        0 => drop(client.get_flight_info(trips).await),
        1 => drop(client.do_get(Ticket::new("trips")).await.unwrap().read_all().await),
        2 => drop(client.do_get(Ticket::new("trips")).await.unwrap().read_next().await),
        3 => {
            let (mut writer, reader) = client.do_put(trips, batches::int64(0).schema()).await.unwrap();
            writer.write_batch(&batches::int64(100)).await.unwrap();
            if number % 4 == 3 {
                writer.done_writing().await.unwrap();
            }
            drop(reader);
        }
        4 => {
            let (mut writer, mut reader) = client.do_exchange(trips).await.unwrap();
            writer.begin(batches::int64(0).schema()).await.unwrap();
            writer.write_batch(&batches::int64(100)).await.unwrap();
            drop(writer);
            drop(reader.read_next().await);
        }
        _ => {
            let call = tokio::spawn(async move { client.do_get(Ticket::new("trips")).await.map(drop) });
            for _ in 0..number % 10 {
                tokio::task::yield_now().await;
            }
            call.abort();
        }
    }
}

/// How often something was seen, of all methods together.
fn count(record: &Record, what: &str) -> usize {
    let seen = record.seen();
    FlightMethod::ALL
        .iter()
        .map(|method| seen.events(method.name()).iter().filter(|event| **event == what).count())
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn as_many_ends_as_beginnings() {
    let (at_client, at_server) = (Record::default(), Record::default());
    let builder = FlightServer::builder()
        .auth_stage(at_server.stage("auth", Decides::LetsPass))
        .middleware_stage(at_server.stage("outer", Decides::LetsPass))
        .observer(at_server.stage("observer", Decides::LetsPass));
    let pair = Pair::with_server(builder, MemoryService::with("trips", vec![batches::int64(10_000); 3]));
    let client = pair.client_with(|client| recording_client(client, &at_client, Decisions::default()));
    let calls: Vec<_> = (0..300).map(|number| tokio::spawn(make(client.clone(), number))).collect();
    for call in calls {
        soon(call).await.unwrap();
    }
    drop(client);
    // Uploads that were written completely run on; then all is over.
    let are_even = || {
        count(&at_client, "outer starts") == count(&at_client, "outer ends")
            && count(&at_server, "auth") == count(&at_server, "observer sees the end")
    };
    soon(async {
        while !are_even() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    pair.server().shutdown(std::time::Duration::from_secs(60)).await;
    assert!(are_even(), "and none ends again");
    assert_eq!(count(&at_server, "outer starts"), count(&at_server, "outer ends"));
    assert_eq!(count(&at_client, "inner ends"), count(&at_client, "outer ends"));
    assert!(count(&at_client, "outer ends") >= 250, "all but those that were given up at once");
    assert!(count(&at_server, "outer ends") >= 150, "all that were read at least in part");
}
