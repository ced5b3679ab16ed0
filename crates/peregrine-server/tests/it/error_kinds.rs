//! Errors: every kind arrives as itself, with its message and `extra_info`, wherever in a call it happens.

use futures_util::stream;
use peregrine_proto::{
    Action, ActionResult, Code, Criteria, FlightError, FlightErrorKind as Kind, FlightInfo, FlightMessage,
    FlightMethod, Location, Ticket, metadata_values,
};
use peregrine_server::{FlightService, ServerCallContext};
use peregrine_stream::{FlightDataStream, MessageStream};
use peregrine_testkit::{Pair, batches};
use peregrine_transport::{CallStart, Channel, ChannelConfig, Outgoing, frame_message};

const MESSAGES: [&str; 4] = ["", "nicht da: Größe 漢字 🦅", "100 %\n\t\"quoted\" \0 .", "a. Detail: nothing"];
const EXTRA: [&[u8]; 3] = [b"", b"\0\x01\xfe\xff", b"text"];

/// Each kind, with every message and extra_info at some kind.
fn errors() -> impl Iterator<Item = FlightError> {
    Kind::ALL.iter().enumerate().flat_map(|(at, kind)| {
        (0..2).map(move |step| {
            let (message, extra) = (MESSAGES[(at + step) % MESSAGES.len()], EXTRA[(at + step) % EXTRA.len()]);
            FlightError::new(*kind, message).with_extra_info(extra)
        })
    })
}

/// Fails every call with the error whose number is asked for.
struct Failing;

fn asked_for(bytes: &[u8]) -> (char, FlightError) {
    let (place, number) = std::str::from_utf8(bytes).unwrap().split_once(' ').unwrap();
    (place.chars().next().unwrap(), errors().nth(number.parse().unwrap()).unwrap())
}

impl FlightService for Failing {
    async fn list_flights(
        &self,
        context: ServerCallContext,
        criteria: Criteria,
    ) -> Result<MessageStream<FlightInfo>, FlightError> {
        let (place, error) = asked_for(criteria.expression());
        context.add_trailer("x-place", place.to_string())?;
        let info = || FlightInfo::new(&batches::int64(0).schema());
        match place {
            'b' => Err(error),
            's' => Ok(MessageStream::from_stream(stream::iter([Err(error), Ok(info())]))),
            _ => Ok(MessageStream::from_stream(stream::iter([Ok(info()), Err(error)]))),
        }
    }

    async fn do_get(&self, context: ServerCallContext, ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        let (place, error) = asked_for(ticket.ticket());
        context.add_trailer("x-place", place.to_string())?;
        let schema = batches::int64(0).schema();
        match place {
            'b' => Err(error),
            's' => Ok(FlightDataStream::from_stream(schema, stream::iter([Err(error), Ok(batches::int64(1))]))),
            _ => Ok(FlightDataStream::from_stream(schema, stream::iter([Ok(batches::int64(1)), Err(error)]))),
        }
    }

    async fn do_action(
        &self,
        context: ServerCallContext,
        action: Action,
    ) -> Result<MessageStream<ActionResult>, FlightError> {
        let (place, error) = asked_for(action.body());
        context.add_trailer("x-place", place.to_string())?;
        match place {
            'b' => Err(error),
            's' => Ok(MessageStream::from_stream(stream::iter([Err(error)]))),
            _ => Ok(MessageStream::from_stream(stream::iter([Ok(ActionResult::new("x")), Err(error)]))),
        }
    }
}

#[track_caller]
fn assert_same(received: &FlightError, sent: &FlightError) {
    assert_eq!(received.kind(), sent.kind(), "{sent:?}");
    assert_eq!(received.message(), sent.message(), "{sent:?}");
    assert_eq!(received.extra_info(), sent.extra_info(), "{sent:?}");
}

#[tokio::test]
async fn every_kind_round_trips_through_do_action() {
    let pair = Pair::new(Failing);
    for (number, sent) in errors().enumerate() {
        for place in ["b", "s"] {
            let action = Action::new("x", format!("{place} {number}"));
            let read = async { pair.client().do_action(action).await?.read_all().await };
            assert_same(&read.await.unwrap_err(), &sent);
        }
        let mut results = pair.client().do_action(Action::new("x", format!("m {number}"))).await.unwrap();
        assert_eq!(results.read_next().await.unwrap(), Some(ActionResult::new("x")));
        assert_same(&results.read_next().await.unwrap_err(), &sent);
        assert_eq!(results.trailers().unwrap()["x-place"], "m", "trailers come with errors");
    }
}

#[tokio::test]
async fn every_kind_round_trips_through_list_flights() {
    let pair = Pair::new(Failing);
    for (number, sent) in errors().enumerate() {
        for place in ["b", "s"] {
            let criteria = Criteria::new(format!("{place} {number}"));
            let read = async { pair.client().list_flights(criteria).await?.read_all().await };
            assert_same(&read.await.unwrap_err(), &sent);
        }
        let mut flights = pair.client().list_flights(Criteria::new(format!("m {number}"))).await.unwrap();
        assert!(flights.read_next().await.unwrap().is_some());
        assert_same(&flights.read_next().await.unwrap_err(), &sent);
        assert_eq!(flights.trailers().unwrap()["x-place"], "m");
    }
}

#[tokio::test]
async fn every_kind_round_trips_through_do_get() {
    let pair = Pair::new(Failing);
    for (number, sent) in errors().enumerate() {
        assert_same(&pair.client().do_get(Ticket::new(format!("b {number}"))).await.unwrap_err(), &sent);
        for (place, batches_before) in [("s", 0), ("m", 1)] {
            let mut reader = pair.client().do_get(Ticket::new(format!("{place} {number}"))).await.unwrap();
            for _ in 0..batches_before {
                assert_eq!(reader.read_next().await.unwrap(), Some(batches::int64(1)));
            }
            assert_same(&reader.read_next().await.unwrap_err(), &sent);
            assert_eq!(reader.trailers().unwrap()["x-place"], place);
        }
    }
}

#[tokio::test]
async fn trailers_of_errors_are_those_of_other_implementations() {
    let pair = Pair::new(Failing);
    let channel = Channel::new(Location::reuse_connection(), pair.connector(), ChannelConfig::default()).unwrap();
    let unauthorized = errors().position(|error| error.kind() == Kind::Unauthorized).unwrap();
    let sent = errors().nth(unauthorized).unwrap();
    let request = Ticket::new(format!("b {unauthorized}")).serialize();
    let request = Outgoing::whole(frame_message(request).unwrap());
    let mut reply = channel.call(CallStart::new(FlightMethod::DoGet.path()), request).await;
    let status = match &mut reply {
        Err(status) => status.clone(),
        Ok(reply) => reply.next_message().await.unwrap().unwrap_err(),
    };
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(status.message(), format!("{}. Detail: Unauthorized", sent.message()));
    assert_eq!(status.metadata()["x-arrow-status"], "5");
    let value = |name| metadata_values(status.metadata(), name).unwrap().concat();
    assert_eq!(value("x-arrow-status-message-bin"), sent.message().as_bytes());
    assert_eq!(value("x-arrow-status-detail-bin"), b"Unauthorized");
    assert_eq!(value("grpc-status-details-bin"), sent.extra_info()[..]);
}

#[tokio::test]
async fn an_error_too_large_for_trailers_arrives_cut_and_says_so() {
    let pair = Pair::new(peregrine_testkit::one_rpc::DoAction(|_, _| async {
        Err(FlightError::failed("ü".repeat(100_000)).with_extra_info(vec![7; 100_000]))
    }));
    let read = async { pair.client().do_action(Action::new("x", "")).await?.read_all().await };
    let error = read.await.unwrap_err();
    assert_eq!(error.kind(), Kind::Failed);
    assert!(error.message().starts_with("üüü") && error.message().len() < 8 << 10);
    assert!(error.message().contains("left out"), "{}", &error.message()[error.message().len() - 100..]);
    assert!(error.extra_info().is_empty());
}
