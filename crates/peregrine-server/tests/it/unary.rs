//! The RPCs of one answer: GetFlightInfo, PollFlightInfo, GetSchema.

use std::time::{Duration, SystemTime};

use peregrine_proto::{
    FlightDescriptor, FlightEndpoint, FlightError, FlightErrorKind, FlightInfo, Location, PollInfo, Ticket, Timestamp,
};
use peregrine_testkit::one_rpc::{GetFlightInfo, PollFlightInfo};
use peregrine_testkit::{MemoryService, Pair, batches};

/// An info with every field set.
fn full_info(descriptor: FlightDescriptor) -> FlightInfo {
    let expires = SystemTime::UNIX_EPOCH + Duration::new(1_800_000_000, 123_456_789);
    let endpoint = FlightEndpoint::new(Ticket::new(&b"\0\xff ticket"[..]))
        .with_location(Location::for_grpc_tcp("::1", 8815))
        .with_location(Location::reuse_connection())
        .with_expiration_time(expires)
        .with_app_metadata(&b"of the endpoint"[..]);
    FlightInfo::new(&batches::one_per_type()[0].schema())
        .with_descriptor(descriptor)
        .with_endpoints([endpoint, FlightEndpoint::new(Ticket::new("second"))])
        .with_total_records(i64::MAX)
        .with_total_bytes(-1)
        .with_ordered(true)
        .with_app_metadata(&b"of the info"[..])
}

#[tokio::test]
async fn every_field_of_a_flight_info_arrives_in_both_directions() {
    let pair = Pair::new(GetFlightInfo(|_, descriptor| async { Ok(full_info(descriptor)) }));
    let descriptors = [
        FlightDescriptor::for_path(["deep", "ér", ""]),
        FlightDescriptor::for_path([""; 0]),
        FlightDescriptor::for_command(&b"\0select\xff"[..]),
        FlightDescriptor::for_command(Vec::new()),
    ];
    for descriptor in descriptors {
        let info = pair.client().get_flight_info(descriptor.clone()).await.unwrap();
        assert_eq!(info, full_info(descriptor.clone()));
        assert_eq!(info.descriptor(), Some(&descriptor));
        assert_eq!(info.schema().unwrap().as_ref(), Some(batches::one_per_type()[0].schema().as_ref()));
    }
}

#[tokio::test]
async fn a_poll_gives_progress_and_then_the_whole() {
    let pair = Pair::new(PollFlightInfo(|_, descriptor: FlightDescriptor| async move {
        Ok(match &descriptor.command()[..] {
            b"again" => PollInfo::complete(full_info(descriptor)),
            _ => PollInfo::running(FlightDescriptor::for_command("again"))
                .with_progress(0.25)
                .with_info(full_info(descriptor))
                .with_expiration_time(SystemTime::UNIX_EPOCH + Duration::from_secs(1)),
        })
    }));
    let first = pair.client().poll_flight_info(FlightDescriptor::for_command("query")).await.unwrap();
    assert_eq!((first.is_complete(), first.progress()), (false, Some(0.25)));
    assert_eq!(first.expiration_time(), Some(Timestamp::new(1, 0).unwrap()));
    let last = pair.client().poll_flight_info(first.descriptor().unwrap().clone()).await.unwrap();
    assert!(last.is_complete());
    assert_eq!(last.info(), Some(&full_info(FlightDescriptor::for_command("again"))));
}

#[tokio::test]
async fn the_memory_service_describes_its_tables() {
    let sent = batches::one_per_type();
    let pair = Pair::new(MemoryService::with("trips", sent.clone()));
    let info = pair.client().get_flight_info(FlightDescriptor::for_path(["trips"])).await.unwrap();
    assert_eq!(info.total_records(), 107);
    assert_eq!(info.schema().unwrap().as_ref(), Some(sent[0].schema().as_ref()));
    let ticket = info.endpoints()[0].ticket().clone();
    assert_eq!(pair.client().do_get(ticket).await.unwrap().read_all().await.unwrap().batches, sent);
}

#[tokio::test]
async fn get_schema_gives_the_schema() {
    let pair = Pair::new(MemoryService::with("trips", batches::one_per_type()));
    let answer = pair.client().get_schema(FlightDescriptor::for_path(["trips"])).await.unwrap();
    assert_eq!(answer.schema().unwrap(), *batches::one_per_type()[0].schema());
}

#[tokio::test]
async fn an_error_of_a_unary_call_fails_it_alone() {
    let pair = Pair::new(MemoryService::with("trips", batches::one_per_type()));
    for _ in 0..2 {
        let error = pair.client().get_flight_info(FlightDescriptor::for_path(["nothing"])).await.unwrap_err();
        assert_eq!(error.kind(), FlightErrorKind::NotFound);
        let error = pair.client().get_schema(FlightDescriptor::for_path(["nothing"])).await.unwrap_err();
        assert_eq!(error.kind(), FlightErrorKind::NotFound);
        assert!(pair.client().get_schema(FlightDescriptor::for_path(["trips"])).await.is_ok());
    }
}

#[tokio::test]
async fn a_panic_of_a_unary_handler_is_internal() {
    let pair = Pair::new(GetFlightInfo(|_, descriptor: FlightDescriptor| async move {
        if descriptor.path().is_empty() {
            panic!("a secret");
        }
        Ok::<_, FlightError>(full_info(descriptor))
    }));
    let error = pair.client().get_flight_info(FlightDescriptor::for_command("x")).await.unwrap_err();
    assert_eq!(error.kind(), FlightErrorKind::Internal);
    assert!(pair.client().get_flight_info(FlightDescriptor::for_path(["x"])).await.is_ok());
}
