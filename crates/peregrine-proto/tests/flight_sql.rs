//! What `peregrine-sql` will do: types of its own as messages of Flight SQL, raw and in their envelope.

use bytes::Bytes;
use peregrine_proto::sql::{AnyMessage, Generated, flight_messages, generated};
use peregrine_proto::{FlightError, FlightErrorKind, FlightMessage};

/// A query to be redeemed.
#[derive(Debug, Clone, PartialEq)]
struct TicketStatementQuery(Bytes);

impl Generated for TicketStatementQuery {
    type Message = generated::TicketStatementQuery;
    const NAME: &'static str = "TicketStatementQuery";

    fn to_generated(&self) -> Self::Message {
        Self::Message { statement_handle: self.0.clone() }
    }

    fn from_generated(message: Self::Message) -> Result<Self, FlightError> {
        match message.statement_handle.is_empty() {
            true => Err(FlightError::invalid_argument("TicketStatementQuery has no statement_handle")),
            false => Ok(Self(message.statement_handle)),
        }
    }
}

/// A message without fields.
#[derive(Debug, Clone, PartialEq)]
struct CommandGetCatalogs;

impl Generated for CommandGetCatalogs {
    type Message = generated::CommandGetCatalogs;
    const NAME: &'static str = "CommandGetCatalogs";

    fn to_generated(&self) -> Self::Message {
        Self::Message {}
    }

    fn from_generated(_: Self::Message) -> Result<Self, FlightError> {
        Ok(Self)
    }
}

flight_messages!(TicketStatementQuery, CommandGetCatalogs);

fn ticket() -> TicketStatementQuery {
    TicketStatementQuery(Bytes::from_static(b"handle"))
}

/// An envelope as other writers make it.
fn envelope(url: &str, value: &[u8]) -> Bytes {
    let length = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
    [&[0x0a, length(url.as_bytes())], url.as_bytes(), &[0x12, length(value)], value].concat().into()
}

fn refusal<T: Generated>(bytes: impl Into<Bytes>) -> String {
    let error = AnyMessage::open(bytes.into()).and_then(AnyMessage::unpack::<T>).err().unwrap();
    assert_eq!(error.kind(), FlightErrorKind::InvalidArgument);
    error.message().to_owned()
}

#[test]
fn a_type_of_another_crate_is_a_message() {
    assert_eq!(ticket().serialize(), &b"\x0a\x06handle"[..]);
    assert_eq!(TicketStatementQuery::deserialize(ticket().serialize()).unwrap(), ticket());
    assert_eq!(CommandGetCatalogs.serialize(), Bytes::new());
    let error = TicketStatementQuery::deserialize(Bytes::from_static(b"\x08\x01")).unwrap_err();
    assert!(error.message().starts_with("TicketStatementQuery: ") && error.message().contains("statement_handle"));
    assert!(TicketStatementQuery::deserialize(Bytes::new()).unwrap_err().message().contains("no statement_handle"));
}

#[test]
fn an_envelope_is_written_as_others_write_it() {
    let url = "type.googleapis.com/arrow.flight.protocol.sql.TicketStatementQuery";
    assert_eq!(AnyMessage::pack(&ticket()), envelope(url, b"\x0a\x06handle"));
    // A message without content has no value.
    let url = "type.googleapis.com/arrow.flight.protocol.sql.CommandGetCatalogs";
    assert_eq!(AnyMessage::pack(&CommandGetCatalogs), [b"\x0a\x40", url.as_bytes()].concat());
}

#[test]
fn an_envelope_names_its_message_before_it_is_read() {
    let any = AnyMessage::open(AnyMessage::pack(&ticket())).unwrap();
    assert_eq!(any.type_url(), "type.googleapis.com/arrow.flight.protocol.sql.TicketStatementQuery");
    match any.name() {
        Some(TicketStatementQuery::NAME) => assert_eq!(any.unpack::<TicketStatementQuery>().unwrap(), ticket()),
        other => panic!("{other:?}"),
    }
    let any = AnyMessage::open(AnyMessage::pack(&CommandGetCatalogs)).unwrap();
    assert_eq!(any.unpack::<CommandGetCatalogs>().unwrap(), CommandGetCatalogs);
    // An explicit empty value is the same.
    let any = AnyMessage::open(envelope("x/arrow.flight.protocol.sql.CommandGetCatalogs", b"")).unwrap();
    assert_eq!(any.unpack::<CommandGetCatalogs>().unwrap(), CommandGetCatalogs);
}

#[test]
fn any_prefix_of_a_type_url_is_read() {
    for prefix in ["type.googleapis.com/", "https://example.com/types/", "/", ""] {
        let url = format!("{prefix}arrow.flight.protocol.sql.TicketStatementQuery");
        let any = AnyMessage::open(envelope(&url, b"\x0a\x06handle")).unwrap();
        assert_eq!((any.name(), any.type_url()), (Some("TicketStatementQuery"), url.as_str()));
        assert_eq!(any.unpack::<TicketStatementQuery>().unwrap(), ticket());
    }
}

#[test]
fn another_message_is_refused_and_both_urls_are_named() {
    assert_eq!(
        refusal::<TicketStatementQuery>(AnyMessage::pack(&CommandGetCatalogs)),
        "expected type.googleapis.com/arrow.flight.protocol.sql.TicketStatementQuery, \
         but received 'type.googleapis.com/arrow.flight.protocol.sql.CommandGetCatalogs'"
    );
    let foreign = ["type.googleapis.com/google.protobuf.Empty", "arrow.flight.protocol.sql.CommandGetCatalogs/", ""];
    for url in foreign {
        assert_eq!(AnyMessage::open(envelope(url, b"")).unwrap().name(), None);
        assert!(refusal::<CommandGetCatalogs>(envelope(url, b"")).ends_with(&format!("but received '{url}'")));
    }
    assert!(refusal::<CommandGetCatalogs>("").ends_with("but received ''"));
}

#[test]
fn bytes_that_are_no_envelope_are_refused() {
    assert!(refusal::<CommandGetCatalogs>("SELECT 1").starts_with("not a google.protobuf.Any: "));
    assert!(refusal::<CommandGetCatalogs>(&b"\x0a\x02\xff\xff"[..]).starts_with("not a google.protobuf.Any: "));
    let url = "type.googleapis.com/arrow.flight.protocol.sql.TicketStatementQuery";
    assert!(refusal::<TicketStatementQuery>(envelope(url, b"\xff")).starts_with("TicketStatementQuery: "));
}

#[test]
fn byte_fields_share_the_memory_of_the_envelope() {
    let bytes = AnyMessage::pack(&ticket());
    let TicketStatementQuery(handle) = AnyMessage::open(bytes.clone()).unwrap().unpack().unwrap();
    assert!(bytes.as_ptr_range().contains(&handle.as_ptr()));
}
