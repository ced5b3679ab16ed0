//! Every message there and back, what makes two of them differ, and what is refused.

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;

use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use prost::Message;

use crate::generated::flight;
use crate::*;

fn comes_back<T: FlightMessage + PartialEq + Debug>(message: T) {
    assert_eq!(T::deserialize(message.serialize()).unwrap(), message);
}

fn schema() -> Schema {
    Schema::new(vec![Field::new("city", DataType::Utf8, false)])
}

fn time(nanos: u32) -> Timestamp {
    Timestamp::new(1_767_323_045, nanos).unwrap()
}

fn endpoint() -> FlightEndpoint {
    FlightEndpoint::new(Ticket::new("t"))
        .with_location(Location::for_grpc_tcp("localhost", 1))
        .with_locations([Location::reuse_connection(), "s3://bucket/x".parse().unwrap()])
        .with_expiration_time(time(123_456_789))
        .with_app_metadata("endpoint")
}

fn info() -> FlightInfo {
    FlightInfo::new(&schema())
        .with_descriptor(FlightDescriptor::for_path(["a", "b"]))
        .with_endpoints([endpoint(), FlightEndpoint::default()])
        .with_total_records(1)
        .with_total_bytes(42)
        .with_ordered(true)
        .with_app_metadata("info")
}

#[test]
fn every_message_comes_back_equal() {
    comes_back(FlightDescriptor::for_path(["a", "", "ü"]));
    comes_back(FlightDescriptor::for_path([""; 0]));
    comes_back(FlightDescriptor::for_command(&b"\x00\xff"[..]));
    comes_back(Ticket::new("t"));
    comes_back(Criteria::new("c"));
    comes_back(PutResult::new("p"));
    comes_back(endpoint());
    comes_back(info());
    comes_back(FlightInfo::default());
    comes_back(SchemaResult::new(&schema()));
    comes_back(PollInfo::complete(info()).with_progress(1.0));
    comes_back(PollInfo::running(FlightDescriptor::for_command("c")).with_progress(0.0).with_expiration_time(time(1)));
    comes_back(PollInfo::default().with_info(info()));
    comes_back(Action::new("drop", "x"));
    comes_back(ActionType::new("drop", "drops"));
    comes_back(ActionResult::new("r"));
    comes_back(CancelFlightInfoRequest::new(info()));
    comes_back(RenewFlightEndpointRequest::new(endpoint()));
    comes_back(HandshakeRequest::new("p").with_protocol_version(7));
    comes_back(HandshakeResponse::new("p").with_protocol_version(u64::MAX));
    comes_back(BasicAuth::new("ada", "sesame"));
    comes_back(Empty);
}

#[test]
fn every_status_and_session_message_comes_back_equal() {
    for status in
        [CancelStatus::Unspecified, CancelStatus::Cancelled, CancelStatus::Cancelling, CancelStatus::NotCancellable]
    {
        comes_back(CancelFlightInfoResult::new(status));
    }
    use CloseSessionStatus as Close;
    for status in [Close::Unspecified, Close::Closed, Close::Closing, Close::NotCloseable] {
        comes_back(CloseSessionResult::new(status));
    }
    let options: [(&str, SessionOptionValue); 7] = [
        ("unset", SessionOptionValue::Unset),
        ("text", "main".into()),
        ("bool", false.into()),
        ("small", 1.into()),
        ("large", i64::MIN.into()),
        ("double", 0.5.into()),
        ("texts", vec!["a".to_owned(), String::new()].into()),
    ];
    comes_back(SetSessionOptionsRequest::new(options.clone()));
    comes_back(GetSessionOptionsResult::new(options));
    use SetSessionOptionError as Error;
    let errors = [Error::Unspecified, Error::InvalidName, Error::InvalidValue, Error::Error];
    comes_back(SetSessionOptionsResult::new(errors.map(|error| (format!("{error:?}"), error))));
    comes_back(GetSessionOptionsRequest);
    comes_back(CloseSessionRequest);
}

fn all_differ<T: Eq + Hash + Debug>(values: impl IntoIterator<Item = T>) {
    let values: Vec<_> = values.into_iter().collect();
    let count = values.len();
    assert_eq!(values.into_iter().collect::<HashSet<_>>().len(), count);
}

#[test]
fn messages_differ_if_any_field_does() {
    all_differ([
        FlightDescriptor::for_path(["a"]),
        FlightDescriptor::for_path(["a", "b"]),
        FlightDescriptor::for_path(["a/b"]),
        FlightDescriptor::for_command("a"),
        FlightDescriptor::for_command("b"),
    ]);
    all_differ([
        endpoint(),
        FlightEndpoint::new(Ticket::new("t")),
        endpoint().with_location(Location::reuse_connection()),
        endpoint().with_expiration_time(time(123_456_788)),
        endpoint().with_app_metadata(""),
    ]);
    all_differ([
        info(),
        FlightInfo::new(&Schema::empty()),
        FlightInfo::default(),
        info().with_descriptor(FlightDescriptor::for_command("c")),
        info().with_endpoint(endpoint()),
        info().with_total_records(-1),
        info().with_total_bytes(-1),
        info().with_ordered(false),
        info().with_app_metadata(""),
    ]);
    all_differ([Action::new("a", "b"), Action::new("a", ""), Action::new("b", "b")]);
    all_differ([ActionType::new("a", "b"), ActionType::new("a", ""), ActionType::new("b", "b")]);
    all_differ([BasicAuth::new("a", "b"), BasicAuth::new("a", "c"), BasicAuth::new("b", "b")]);
    assert_ne!(SchemaResult::new(&schema()), SchemaResult::new(&Schema::empty()));
}

#[test]
fn what_is_not_known_is_told_apart_from_what_is_empty() {
    let info = FlightInfo::default();
    assert_eq!((info.total_records(), info.total_bytes()), (-1, -1));
    assert_eq!((info.schema().unwrap(), info.descriptor()), (None, None));
    assert_eq!(FlightInfo::new(&Schema::empty()).schema().unwrap(), Some(Schema::empty()));
    assert_eq!(SchemaResult::new(&schema()).schema().unwrap(), schema());
    assert!(SchemaResult::default().schema().is_err());
}

#[test]
fn an_expiration_keeps_its_nanoseconds() {
    let read = FlightEndpoint::deserialize(endpoint().serialize()).unwrap();
    assert_eq!(read.expiration_time().unwrap().to_string(), "2026-01-02T03:04:05.123456789Z");
}

#[test]
fn messages_print_what_a_person_asks_for_first() {
    assert_eq!(info().to_string(), "a/b: 1 records, 42 bytes, 2 endpoints");
    assert_eq!(FlightInfo::default().to_string(), "no descriptor: ? records, ? bytes, 0 endpoints");
    assert_eq!(
        endpoint().to_string(),
        "t at grpc+tcp://localhost:1 or arrow-flight-reuse-connection://? or s3://bucket/x \
         until 2026-01-02T03:04:05.123456789Z"
    );
    assert_eq!(FlightDescriptor::for_command(&b"a\x00\n"[..]).to_string(), r"a\x00\n");
    let running = PollInfo::running(FlightDescriptor::for_command("c"));
    assert_eq!(running.to_string(), "not complete");
    assert_eq!(running.with_progress(0.5).to_string(), "50 % done");
    assert_eq!(
        PollInfo::complete(FlightInfo::default().with_total_records(0)).to_string().as_str(),
        "complete; no descriptor: 0 records, ? bytes, 0 endpoints"
    );
    assert_eq!(Action::new("drop", "abc").to_string(), "drop(3 bytes)");
    assert_eq!(SessionOptionValue::from(vec!["a".to_owned(), "b".to_owned()]).to_string(), "[a, b]");
    assert!(SchemaResult::new(&schema()).to_string().contains("city"));
    assert!(SchemaResult::default().to_string().contains("cannot read a schema"));
}

fn refusal<T: FlightMessage + Debug>(bytes: impl Into<Bytes>) -> String {
    let error = T::deserialize(bytes.into()).unwrap_err();
    assert_eq!(error.kind(), FlightErrorKind::InvalidArgument);
    error.message().to_owned()
}

#[test]
fn errors_name_message_and_field() {
    // A ticket that is a varint; a path part that is not UTF-8; a ticket cut short.
    assert!(refusal::<Ticket>(&b"\x08\x01"[..]).contains("Ticket.ticket"));
    let cut = refusal::<FlightInfo>(&b"\x1a\x05\x0a\x03\x0a\x09a"[..]);
    assert!(cut.contains("FlightInfo") && cut.contains("FlightEndpoint.ticket"), "{cut}");
    assert!(refusal::<FlightDescriptor>(&b"\x08\x01\x1a\x01\xff"[..]).contains("FlightDescriptor.path"));

    assert_eq!(refusal::<FlightDescriptor>(&b""[..]), "FlightDescriptor.type is 0, neither PATH (1) nor CMD (2)");
    assert_eq!(
        refusal::<FlightDescriptor>(&b"\x08\x09"[..]),
        "FlightDescriptor.type is 9, neither PATH (1) nor CMD (2)"
    );
    let unknown = flight::FlightInfo { flight_descriptor: Some(Default::default()), ..Default::default() };
    assert!(refusal::<FlightInfo>(unknown.encode_to_vec()).contains("FlightDescriptor.type is 0"));

    let location = flight::Location { uri: String::new() };
    let endpoint = flight::FlightEndpoint { location: vec![location], ..Default::default() };
    assert_eq!(refusal::<FlightEndpoint>(endpoint.encode_to_vec()), "cannot parse URI '': it has no scheme");
    assert_eq!(refusal::<CancelFlightInfoRequest>(&b""[..]), "CancelFlightInfoRequest has no info");
    assert_eq!(refusal::<RenewFlightEndpointRequest>(&b""[..]), "RenewFlightEndpointRequest has no endpoint");
}

#[test]
fn numbers_of_later_versions_are_unspecified_and_their_fields_skipped() {
    let status = CancelFlightInfoResult::deserialize(Bytes::from_static(b"\x08\x63")).unwrap();
    assert_eq!(status.status(), CancelStatus::Unspecified);
    let status = CloseSessionResult::deserialize(Bytes::from_static(b"\x08\x63")).unwrap();
    assert_eq!(status.status(), CloseSessionStatus::Unspecified);
    let ticket = Ticket::deserialize(Bytes::from_static(b"\x0a\x01t\x7a\x02zz")).unwrap();
    assert_eq!(ticket, Ticket::new("t"));
}

#[test]
fn byte_fields_share_the_memory_that_they_came_in() {
    let bytes = Ticket::new(vec![7; 100]).serialize();
    let ticket = Ticket::deserialize(bytes.clone()).unwrap();
    assert!(bytes.as_ptr_range().contains(&ticket.ticket().as_ptr()));
}

#[test]
fn the_descriptor_set_holds_both_files_and_what_they_import() {
    let set = prost_types::FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let names: Vec<_> = set.file.iter().map(|file| file.name()).collect();
    for name in ["Flight.proto", "FlightSql.proto", "google/protobuf/timestamp.proto"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let flight = set.file.iter().find(|file| file.name() == "Flight.proto").unwrap();
    assert_eq!(format!("{}.{}", flight.package(), flight.service[0].name()), FLIGHT_SERVICE_NAME);
    let methods: HashSet<_> = flight.service[0].method.iter().map(|method| method.name()).collect();
    assert_eq!(methods, FlightMethod::ALL.map(FlightMethod::name).into());
}

#[test]
fn messages_of_flight_sql_are_made_too() {
    use crate::generated::flight_sql;
    let command = flight_sql::CommandStatementQuery { query: "SELECT 1".to_owned(), transaction_id: None };
    assert_eq!(flight_sql::CommandStatementQuery::decode(&command.encode_to_vec()[..]).unwrap(), command);
}
