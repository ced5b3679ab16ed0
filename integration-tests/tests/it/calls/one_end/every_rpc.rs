//! Each of the ten RPCs, gone well.

use arrow_array::RecordBatch;
use futures_util::stream;
use peregrine::client::FlightClient;
use peregrine::proto::{Action, Code, Criteria, FlightDescriptor, FlightMethod, HandshakeRequest, Outcome, Ticket};
use peregrine_testkit::{MemoryService, batches};

use crate::support::marked::Marked;
use crate::support::recorded::{Ends, Recorded};
use crate::support::recorder::headers;

const ROWS: u64 = 107;

fn table() -> Vec<RecordBatch> {
    vec![batches::int64(100), batches::int64(7)]
}

/// Makes one call and reads it to its end.
async fn make(client: &FlightClient, method: FlightMethod) {
    let trips = || FlightDescriptor::for_path(["trips"]);
    match method {
        FlightMethod::Handshake => {
            let requests = stream::iter(["a", "bc"].map(HandshakeRequest::new));
            assert_eq!(client.handshake(requests).await.unwrap().read_all().await.unwrap().len(), 2);
        }
        FlightMethod::ListFlights => {
            client.list_flights(Criteria::default()).await.unwrap().read_all().await.unwrap();
        }
        FlightMethod::GetFlightInfo => drop(client.get_flight_info(trips()).await.unwrap()),
        FlightMethod::PollFlightInfo => drop(client.poll_flight_info(trips()).await.unwrap()),
        FlightMethod::GetSchema => drop(client.get_schema(trips()).await.unwrap()),
        FlightMethod::DoGet => {
            client.do_get(Ticket::new("trips")).await.unwrap().read_all().await.unwrap();
        }
        FlightMethod::DoPut => {
            let table = table();
            let new = FlightDescriptor::for_path(["new"]);
            let (mut writer, mut reader) = client.do_put(new, table[0].schema()).await.unwrap();
            for batch in &table {
                writer.write_with_metadata(batch, "counted").await.unwrap();
                assert_eq!(reader.read().await.unwrap().unwrap(), "counted");
            }
            writer.close().await.unwrap();
            assert_eq!(reader.read().await.unwrap(), None);
        }
        FlightMethod::DoExchange => {
            let table = table();
            let (mut writer, mut reader) = client.do_exchange(trips()).await.unwrap();
            writer.begin(table[0].schema()).await.unwrap();
            for batch in &table {
                writer.write_batch(batch).await.unwrap();
            }
            writer.done_writing().await.unwrap();
            assert_eq!(reader.read_all().await.unwrap().batches, table);
        }
        FlightMethod::DoAction => {
            client.do_action(Action::new("echo", "abc")).await.unwrap().read_all().await.unwrap();
        }
        FlightMethod::ListActions => {
            client.list_actions().await.unwrap().read_all().await.unwrap();
        }
    }
}

/// How many messages and rows the client sends, and how many it receives.
fn traffic(method: FlightMethod) -> [(u64, u64); 2] {
    match method {
        FlightMethod::Handshake => [(2, 0), (2, 0)],
        FlightMethod::ListActions => [(1, 0), (3, 0)],
        // The schema, and two batches.
        FlightMethod::DoGet => [(1, 0), (3, ROWS)],
        FlightMethod::DoPut => [(3, ROWS), (2, 0)],
        // The descriptor is a message of its own.
        FlightMethod::DoExchange => [(4, ROWS), (3, ROWS)],
        _ => [(1, 0), (1, 0)],
    }
}

#[track_caller]
fn assert_went_well(method: FlightMethod, ends: &Ends) {
    let (client, server) = ends.answered(method.name());
    for outcome in [client, server] {
        assert_eq!(outcome.code, Code::Ok, "{method}");
        assert!(outcome.error.is_none(), "{method}");
        let all = [("x-caller", "secret"), ("x-outer", "was here"), ("x-inner", "was here")];
        assert_eq!(outcome.headers, headers(all), "{method}");
        assert_eq!(outcome.trailers, headers([("x-tenant", "north"), ("x-started-by", "inner")]), "{method}");
    }
    let counts = |outcome: &Outcome| {
        [(outcome.sent.messages, outcome.sent.rows), (outcome.received.messages, outcome.received.rows)]
    };
    assert_eq!(counts(client), traffic(method), "{method}");
    assert_eq!((client.sent, client.received), (server.received, server.sent), "{method}");
}

#[tokio::test(start_paused = true)]
async fn a_call_of_any_rpc_that_goes_well_begins_and_ends_once_at_both_ends() {
    for method in FlightMethod::ALL {
        let calls = Recorded::new(Marked(MemoryService::with("trips", table())));
        make(&calls.client, method).await;
        assert_went_well(method, &calls.finish().await);
    }
}
