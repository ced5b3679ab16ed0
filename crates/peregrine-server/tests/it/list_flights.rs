//! ListFlights: criteria, flights as they come, an error behind some of them.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use peregrine_proto::{Criteria, FlightDescriptor, FlightError, FlightErrorKind, FlightInfo};
use peregrine_stream::{MessageStream, Table};
use peregrine_testkit::one_rpc::ListFlights;
use peregrine_testkit::waiting::{OnDrop, Once, soon};
use peregrine_testkit::{MemoryService, Pair, batches};
use tokio::sync::mpsc;

fn info(name: &str) -> FlightInfo {
    FlightInfo::new(&batches::int64(0).schema()).with_descriptor(FlightDescriptor::for_path([name]))
}

fn names(infos: &[FlightInfo]) -> Vec<&str> {
    infos.iter().map(|info| info.descriptor().unwrap().path()[0].as_str()).collect()
}

#[tokio::test]
async fn criteria_reach_the_service() {
    let service = MemoryService::new();
    for name in ["trips", "taxis", "weather"] {
        service.insert(name, Table::new(batches::int64(0).schema(), vec![]));
    }
    let pair = Pair::new(service);
    for (criteria, expected) in [
        ("", &["taxis", "trips", "weather"][..]),
        ("t", &["taxis", "trips", "weather"]),
        ("tr", &["trips"]),
        ("z", &[]),
    ] {
        let found = pair.client().list_flights(Criteria::new(criteria)).await.unwrap().read_all().await.unwrap();
        assert_eq!(names(&found), expected, "{criteria:?}");
    }
    let binary = Criteria::new(&b"\xff\0"[..]);
    let found = async { pair.client().list_flights(binary).await?.read_all().await };
    assert_eq!(found.await.unwrap_err().kind(), FlightErrorKind::InvalidArgument);
}

#[tokio::test]
async fn criteria_are_bytes_that_arrive_as_they_are() {
    let pair = Pair::new(ListFlights(|_, criteria: Criteria| async move {
        let info = info("echo").with_app_metadata(criteria.expression().clone());
        Ok(MessageStream::from_iter([info]))
    }));
    let found = pair.client().list_flights(Criteria::new(&b"\0\xff"[..])).await.unwrap().read_all().await.unwrap();
    assert_eq!(found[0].app_metadata(), &Bytes::from_static(b"\0\xff"));
}

#[tokio::test(start_paused = true)]
async fn flights_come_as_they_are_found() {
    let (found, finding) = mpsc::unbounded_channel::<FlightInfo>();
    let once = Once::new(finding);
    let pair = Pair::new(ListFlights(move |_, _| {
        let finding = stream::unfold(once.take(), async |mut finding| Some((finding.recv().await?, finding)));
        async { Ok(MessageStream::from_stream(finding.map(Ok::<_, FlightError>))) }
    }));
    found.send(info("first")).unwrap();
    let mut flights = soon(pair.client().list_flights(Criteria::default())).await.unwrap();
    for name in ["first", "second", "third"] {
        // The one before was read, so nothing but this one makes the next read ready.
        if name != "first" {
            found.send(info(name)).unwrap();
        }
        assert_eq!(soon(flights.read_next()).await.unwrap(), Some(info(name)));
    }
    drop(found);
    assert_eq!(soon(flights.read_next()).await.unwrap(), None);
}

#[tokio::test]
async fn an_error_comes_behind_the_flights_before_it() {
    let pair = Pair::new(ListFlights(|_, _| async {
        let broken = FlightError::failed("the catalogue is torn").with_extra_info(&b"page 3"[..]);
        Ok(MessageStream::from_stream(stream::iter([Ok(info("first")), Err(broken), Ok(info("never"))])))
    }));
    let mut flights = pair.client().list_flights(Criteria::default()).await.unwrap();
    assert_eq!(flights.read_next().await.unwrap(), Some(info("first")));
    let error = flights.read_next().await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (FlightErrorKind::Failed, "the catalogue is torn"));
    assert_eq!(error.extra_info(), "page 3");
    assert_eq!(flights.read_next().await.unwrap(), None, "after an error comes nothing");
}

#[tokio::test]
async fn ten_thousand_flights_arrive_in_order() {
    let pair = Pair::new(ListFlights(|_, _| async {
        Ok(MessageStream::from_iter((0..10_000).map(|at| info(&at.to_string()))))
    }));
    let found = pair.client().list_flights(Criteria::default()).await.unwrap().read_all().await.unwrap();
    assert_eq!(found.len(), 10_000);
    assert!(found.iter().enumerate().all(|(at, found)| *found == info(&at.to_string())));
}

#[tokio::test(start_paused = true)]
async fn dropping_a_listing_drops_it_at_the_server() {
    let (guard, dropped) = OnDrop::new();
    let once = Once::new(guard);
    let pair = Pair::new(ListFlights(move |_, _| {
        let guard = once.take();
        async {
            let endless = stream::repeat_with(move || {
                let _held = &guard;
                Ok::<_, FlightError>(info("again"))
            });
            Ok(MessageStream::from_stream(endless))
        }
    }));
    let mut flights = pair.client().list_flights(Criteria::default()).await.unwrap();
    assert_eq!(soon(flights.read_next()).await.unwrap(), Some(info("again")));
    drop(flights);
    dropped.wait().await;
}
