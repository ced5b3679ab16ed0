//! The actions that Flight defines: typed at both ends, raw at either, and answered wrongly.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use peregrine::client::FlightCallOptions;
use peregrine::proto::{
    Action, ActionRequest, ActionResult, ActionType, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus,
    CloseSessionRequest, CloseSessionResult, CloseSessionStatus, FlightDescriptor, FlightEndpoint, FlightError,
    FlightErrorKind as Kind, FlightInfo, FlightMessage, FlightMethod, GetSessionOptionsRequest,
    GetSessionOptionsResult, RenewFlightEndpointRequest, SessionOptionValue, SetSessionOptionError,
    SetSessionOptionsRequest, SetSessionOptionsResult, Ticket,
};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::MessageStream;
use peregrine_testkit::one_rpc::DoAction;
use peregrine_testkit::{Pair, batches};

/// Serves all five, and nothing else.
#[derive(Default)]
pub(crate) struct Typed {
    options: Mutex<Vec<(String, SessionOptionValue)>>,
}

impl FlightService for Typed {
    async fn do_action(
        &self,
        context: ServerCallContext,
        action: Action,
    ) -> Result<MessageStream<ActionResult>, FlightError> {
        assert_eq!(context.method(), FlightMethod::DoAction);
        let result = match action.request()? {
            ActionRequest::CancelFlightInfo(request) => cancelled(request.info())?.into(),
            ActionRequest::RenewFlightEndpoint(request) => {
                request.endpoint().clone().with_expiration_time(later()).into()
            }
            ActionRequest::SetSessionOptions(request) => self.set(request.session_options()).into(),
            ActionRequest::GetSessionOptions(_) => {
                GetSessionOptionsResult::new(self.options.lock().unwrap().clone()).into()
            }
            ActionRequest::CloseSession(_) => match context.request_header("x-session")?.is_empty() {
                true => return Err(FlightError::not_found("no session")),
                false => CloseSessionResult::new(CloseSessionStatus::Closed).into(),
            },
            _ => return Err(FlightError::unimplemented(format!("no action named {}", action.action_type()))),
        };
        Ok(MessageStream::from_iter([result]))
    }
}

impl Typed {
    fn set(&self, options: &BTreeMap<String, SessionOptionValue>) -> SetSessionOptionsResult {
        let (good, bad): (Vec<_>, Vec<_>) = options.clone().into_iter().partition(|(name, _)| name != "bad");
        self.options.lock().unwrap().extend(good);
        SetSessionOptionsResult::new(bad.into_iter().map(|(name, _)| (name, SetSessionOptionError::InvalidName)))
    }
}

fn cancelled(info: &FlightInfo) -> Result<CancelFlightInfoResult, FlightError> {
    match info.descriptor() {
        Some(descriptor) if descriptor.path() == ["trips"] => Ok(CancelFlightInfoResult::new(CancelStatus::Cancelled)),
        _ => Err(FlightError::unimplemented("only trips can be cancelled").with_extra_info(&b"\0\xff"[..])),
    }
}

fn later() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::new(1_900_000_000, 1)
}

pub(crate) fn cancel(name: &str) -> CancelFlightInfoRequest {
    let descriptor = FlightDescriptor::for_path([name]);
    CancelFlightInfoRequest::new(FlightInfo::new(&batches::int64(0).schema()).with_descriptor(descriptor))
}

#[tokio::test]
async fn all_five_are_typed_at_both_ends() {
    let pair = Pair::new(Typed::default());
    let client = pair.client();
    assert_eq!(client.cancel_flight_info(&cancel("trips")).await.unwrap().status(), CancelStatus::Cancelled);

    let endpoint = FlightEndpoint::new(Ticket::new(&b"\0\xff"[..]));
    let renewed = client.renew_flight_endpoint(&RenewFlightEndpointRequest::new(endpoint.clone())).await.unwrap();
    assert_eq!(renewed, endpoint.with_expiration_time(later()));

    let options = [
        ("text", SessionOptionValue::from("größe")),
        ("list", vec!["a".to_owned(), String::new()].into()),
        ("bad", true.into()),
    ];
    let refused = client.set_session_options(&SetSessionOptionsRequest::new(options.clone())).await.unwrap();
    assert_eq!(refused, SetSessionOptionsResult::new([("bad", SetSessionOptionError::InvalidName)]));
    let kept = client.get_session_options(&GetSessionOptionsRequest).await.unwrap();
    assert_eq!(kept, GetSessionOptionsResult::new(options[..2].to_vec()));

    assert_eq!(client.close_session(&CloseSessionRequest).await.unwrap_err().kind(), Kind::NotFound);
    let with_session = FlightCallOptions::new().with_header("x-session", "7").unwrap();
    let closed = client.with(with_session.clone()).close_session(&CloseSessionRequest).await.unwrap();
    assert_eq!(closed.status(), CloseSessionStatus::Closed);
}

#[tokio::test]
async fn what_the_service_says_is_the_answer_even_if_it_is_unimplemented() {
    let pair = Pair::new(Typed::default());
    let error = pair.client().cancel_flight_info(&cancel("taxis")).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (Kind::Unimplemented, "only trips can be cancelled"));
    assert_eq!(error.extra_info(), &b"\0\xff"[..]);
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_an_invalid_argument_that_names_the_action() {
    let pair = Pair::new(Typed::default());
    for name in [ActionType::CANCEL_FLIGHT_INFO, ActionType::RENEW_FLIGHT_ENDPOINT, ActionType::SET_SESSION_OPTIONS] {
        let read = async { pair.client().do_action(Action::new(name, &b"\xff\xff"[..])).await?.read_all().await };
        let error = read.await.unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidArgument, "{name}: {error}");
        assert!(error.message().contains(name), "{name}: {error}");
    }
    // It says of which flight.
    let read =
        async { pair.client().do_action(Action::new(ActionType::CANCEL_FLIGHT_INFO, "")).await?.read_all().await };
    assert!(read.await.unwrap_err().message().contains("no info"));
}

#[tokio::test]
async fn a_service_gets_the_actions_as_they_came() {
    let pair = Pair::new(DoAction(|_, action: Action| async move {
        assert_eq!(action.action_type(), ActionType::CANCEL_FLIGHT_INFO);
        let request = CancelFlightInfoRequest::deserialize(action.body().clone())?;
        assert_eq!(request, cancel("trips"));
        let unknown_field = action.body().ends_with(b"\xf8\x07\x01");
        let status = if unknown_field { CancelStatus::Cancelling } else { CancelStatus::NotCancellable };
        Ok(MessageStream::from_iter([CancelFlightInfoResult::new(status).into()]))
    }));
    let answer = pair.client().cancel_flight_info(&cancel("trips")).await.unwrap();
    assert_eq!(answer.status(), CancelStatus::NotCancellable);

    // Field 127, which this version does not know.
    let body = [&cancel("trips").serialize()[..], b"\xf8\x07\x01"].concat();
    let action = Action::new(ActionType::CANCEL_FLIGHT_INFO, body);
    let mut results = pair.client().do_action(action).await.unwrap();
    let result = results.read_next().await.unwrap().unwrap();
    assert_eq!(result.read::<CancelFlightInfoResult>().unwrap().status(), CancelStatus::Cancelling);
}

#[tokio::test]
async fn an_action_of_a_service_without_actions_is_unimplemented() {
    struct Nothing;
    impl FlightService for Nothing {}
    let pair = Pair::new(Nothing);
    assert_eq!(pair.client().close_session(&CloseSessionRequest).await.unwrap_err().kind(), Kind::Unimplemented);
    let request = SetSessionOptionsRequest::default();
    assert_eq!(pair.client().set_session_options(&request).await.unwrap_err().kind(), Kind::Unimplemented);
}

#[tokio::test]
async fn an_answer_of_other_than_one_good_result_is_an_error_that_names_the_action() {
    let results = [
        (vec![], "without a result"),
        (vec![Bytes::new(), Bytes::new()], "more than one result"),
        (vec![Bytes::from_static(b"\xff\xff")], "CancelFlightInfoResult"),
    ];
    for (results, told) in results {
        let pair = Pair::new(DoAction(move |_, _| {
            let results = MessageStream::from_iter(results.clone().into_iter().map(ActionResult::new));
            async { Ok(results) }
        }));
        let error = pair.client().cancel_flight_info(&cancel("trips")).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Internal, "{error}");
        assert!(error.message().contains(told) && error.message().contains("CancelFlightInfo"), "{error}");
    }
}

#[tokio::test]
async fn a_status_behind_the_result_is_the_answer() {
    let pair = Pair::new(DoAction(|_, _| async {
        let result = ActionResult::from(CloseSessionResult::new(CloseSessionStatus::Closed));
        let items = [Ok(result), Err(FlightError::failed("it was not closed after all"))];
        Ok(MessageStream::from_stream(futures_util::stream::iter(items)))
    }));
    let error = pair.client().close_session(&CloseSessionRequest).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (Kind::Failed, "it was not closed after all"));
}
