//! Handshake: messages in both directions, in lock-step or not.

use futures_util::{StreamExt, stream};
use peregrine_proto::{FlightError, FlightErrorKind, HandshakeRequest, HandshakeResponse};
use peregrine_stream::MessageStream;
use peregrine_testkit::one_rpc::Handshake;
use peregrine_testkit::waiting::soon;
use peregrine_testkit::{MemoryService, Pair};
use tokio::sync::mpsc;

fn both(user: &HandshakeRequest, password: &HandshakeRequest) -> HandshakeResponse {
    let payload = [user.payload().as_ref(), b":", password.payload().as_ref()].concat();
    HandshakeResponse::new(payload).with_protocol_version(user.protocol_version() + password.protocol_version())
}

#[tokio::test]
async fn a_service_without_a_handshake_says_so() {
    let pair = Pair::new(MemoryService::new());
    let requests = stream::iter([HandshakeRequest::new("x")]);
    let error = async { pair.client().handshake(requests).await?.read_all().await }.await.unwrap_err();
    assert_eq!(error.kind(), FlightErrorKind::Unimplemented);
    assert!(error.message().contains("Handshake"), "{error}");
    assert!(pair.client().list_actions().await.is_ok());
}

#[tokio::test]
async fn two_messages_are_answered_with_one() {
    let pair = Pair::new(Handshake(|_, mut requests: MessageStream<HandshakeRequest>| async move {
        let user = requests.read_next().await?.ok_or_else(|| FlightError::unauthenticated("no user"))?;
        let password = requests.read_next().await?.ok_or_else(|| FlightError::unauthenticated("no password"))?;
        if requests.read_next().await?.is_some() {
            return Err(FlightError::invalid_argument("more than two messages"));
        }
        Ok(MessageStream::from_iter([both(&user, &password)]))
    }));
    let request = |payload: &'static [u8]| HandshakeRequest::new(payload).with_protocol_version(21);
    let requests = stream::iter([request(b"ada"), request(b"\0\xff")]);
    let answers = pair.client().handshake(requests).await.unwrap().read_all().await.unwrap();
    assert_eq!(answers, [HandshakeResponse::new(&b"ada:\0\xff"[..]).with_protocol_version(42)]);

    let requests = stream::iter([request(b"ada")]);
    let error = async { pair.client().handshake(requests).await?.read_all().await }.await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (FlightErrorKind::Unauthenticated, "no password"));
}

#[tokio::test(start_paused = true)]
async fn each_message_may_wait_for_the_answer_to_the_one_before() {
    let pair = Pair::new(Handshake(|_, requests: MessageStream<HandshakeRequest>| async move {
        let answers = requests.map(|request| Ok::<_, FlightError>(HandshakeResponse::new(request?.payload().clone())));
        Ok(MessageStream::from_stream(answers))
    }));
    let (sender, requests) = mpsc::unbounded_channel();
    let requests = stream::unfold(requests, async |mut requests| Some((requests.recv().await?, requests)));
    sender.send(HandshakeRequest::new("0")).unwrap();
    let mut answers = soon(pair.client().handshake(requests)).await.unwrap();
    for step in 0..3 {
        assert_eq!(soon(answers.read_next()).await.unwrap(), Some(HandshakeResponse::new(step.to_string())));
        sender.send(HandshakeRequest::new((step + 1).to_string())).unwrap();
    }
    drop(sender);
    assert_eq!(soon(answers.read_next()).await.unwrap(), Some(HandshakeResponse::new("3")));
    assert_eq!(soon(answers.read_next()).await.unwrap(), None);
}
