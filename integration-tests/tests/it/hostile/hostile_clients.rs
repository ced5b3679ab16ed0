//! Clients that break the rules: a plain error on that call, and the server serves on, on the same connection.

use std::future::poll_fn;

use bytes::Bytes;
use futures_util::stream;
use h2::Reason;
use http::Request;
use peregrine::client::FlightCallOptions;
use peregrine::proto::{Code, Empty, FlightError, FlightErrorKind, FlightMessage, FlightMethod, MessageLimits, Ticket};
use peregrine::server::FlightServer;
use peregrine::stream::FlightDataStream;
use peregrine_testkit::one_rpc::DoGet;
use peregrine_testkit::waiting::{OnDrop, Once, soon};
use peregrine_testkit::{MemoryService, Pair, batches};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::bare_http::{BareClient, prefixed};

/// The RPCs whose request is one message.
const ONE_MESSAGE: [FlightMethod; 7] = [
    FlightMethod::ListFlights,
    FlightMethod::GetFlightInfo,
    FlightMethod::PollFlightInfo,
    FlightMethod::GetSchema,
    FlightMethod::DoGet,
    FlightMethod::DoAction,
    FlightMethod::ListActions,
];

fn trips() -> Pair {
    Pair::new(MemoryService::with("trips", batches::one_per_type()))
}

async fn assert_serves_on(client: &BareClient) {
    let answer = soon(client.call(FlightMethod::ListActions, &[&Empty.serialize()])).await;
    assert_eq!((answer.grpc_status(), answer.data.is_empty()), (Some(Code::Ok), false));
}

#[tokio::test]
async fn a_request_of_no_message_or_of_two_is_an_invalid_argument() {
    let pair = trips();
    let client = BareClient::connect(&pair).await;
    for method in ONE_MESSAGE {
        for (messages, says) in [(&[][..], "no message"), (&[&b""[..], b""][..], "more than one message")] {
            let answer = soon(client.call(method, messages)).await;
            assert_eq!(answer.grpc_status(), Some(Code::InvalidArgument), "{method} {answer:?}");
            assert!(answer.grpc_message().contains(says), "{method} {answer:?}");
            assert!(answer.data.is_empty(), "{method} {answer:?}");
        }
    }
    assert_serves_on(&client).await;
}

#[tokio::test]
async fn a_request_that_is_cut_is_an_error() {
    let pair = trips();
    let client = BareClient::connect(&pair).await;
    let request = prefixed(&Ticket::new("trips").serialize());
    for method in ONE_MESSAGE {
        for length in [1, 4, 5, request.len() - 1] {
            let answer = soon(client.call_with_bytes(method, request.slice(..length))).await;
            assert_eq!(answer.grpc_status(), Some(Code::Internal), "{method} {answer:?}");
            assert!(answer.grpc_message().contains("inside a message"), "{method} {answer:?}");
        }
    }
    assert_serves_on(&client).await;
}

#[tokio::test]
async fn a_request_of_garbage_is_an_invalid_argument() {
    let pair = trips();
    let client = BareClient::connect(&pair).await;
    // ListActions asks with a message of no fields, to which all fields are unknown.
    for method in ONE_MESSAGE {
        for garbage in [&[0xff; 20][..], b"\x0a\x7fshort", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"] {
            let answer = soon(client.call(method, &[garbage])).await;
            assert_eq!(answer.grpc_status(), Some(Code::InvalidArgument), "{method} {garbage:?} {answer:?}");
        }
    }
    assert_serves_on(&client).await;
}

#[tokio::test]
async fn a_compressed_request_is_refused_and_says_what_is_read() {
    let pair = trips();
    let client = BareClient::connect(&pair).await;
    let mut request = prefixed(&Ticket::new("trips").serialize()).to_vec();
    request[0] = 1;
    let answer = soon(client.call_with_bytes(FlightMethod::DoGet, request.into())).await;
    assert_eq!(answer.grpc_status(), Some(Code::Internal), "no encoding was named: {answer:?}");
    assert_eq!(answer.metadata["grpc-accept-encoding"], "identity");
    assert_serves_on(&client).await;
}

#[tokio::test]
async fn a_request_over_the_limit_is_refused_by_its_length() {
    let limits = MessageLimits { message: 1000, ..MessageLimits::default() };
    let service = MemoryService::with("trips", batches::one_per_type());
    let pair = Pair::with_server(FlightServer::builder().message_limits(limits), service);
    let error = pair.client().do_get(Ticket::new(vec![b'x'; 2000])).await.unwrap_err();
    assert_eq!(error.kind(), FlightErrorKind::ResourceExhausted);
    assert!(error.message().contains("over the limit of 1000"), "{error}");

    // The length is enough: the bytes never come.
    let client = BareClient::connect(&pair).await;
    let (response, mut upload) = client.open_method(FlightMethod::DoGet).await;
    upload.send_data(Bytes::from_static(b"\0\xff\xff\xff\xff"), false).unwrap();
    let refused = soon(response).await.unwrap();
    assert_eq!(refused.headers()["grpc-status"], "8");
    assert!(soon(refused.into_body().data()).await.is_none());
    assert_serves_on(&client).await;
    let read = pair.client().do_get(Ticket::new("trips")).await.unwrap().read_all().await.unwrap();
    assert_eq!(read.batches, batches::one_per_type());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_resets_in_the_middle_ends_its_stream_alone() {
    let (guard, dropped) = OnDrop::new();
    let once = Once::new(guard);
    let pair = Pair::new(DoGet(move |_, ticket: Ticket| {
        let endless = (ticket.ticket() == "endless").then(|| once.take());
        async {
            let batches = stream::repeat_with(move || {
                let _held = &endless;
                Ok::<_, FlightError>(batches::int64(1000))
            });
            Ok(FlightDataStream::from_stream(batches::int64(0).schema(), batches))
        }
    }));
    let client = BareClient::connect(&pair).await;
    let (response, mut upload) = client.open_method(FlightMethod::DoGet).await;
    upload.send_data(prefixed(&Ticket::new("endless").serialize()), true).unwrap();
    let mut body = soon(response).await.unwrap().into_body();
    let data = soon(body.data()).await.unwrap().unwrap();
    body.flow_control().release_capacity(data.len()).unwrap();
    upload.send_reset(Reason::INTERNAL_ERROR);
    dropped.wait().await;
    // What came in and was not read gives its credit back.
    drop((upload, body));

    let (response, mut upload) = client.open_method(FlightMethod::DoGet).await;
    upload.send_data(prefixed(&Ticket::new("another").serialize()), true).unwrap();
    assert!(soon(soon(response).await.unwrap().into_body().data()).await.unwrap().is_ok());
}

#[tokio::test]
async fn uploads_that_are_reset_or_lost_never_reach_a_handler() {
    let pair = Pair::new(DoGet(|_, _| async { panic!("the request was not complete") }));
    let client = BareClient::connect(&pair).await;
    for reason in [Reason::NO_ERROR, Reason::CANCEL, Reason::PROTOCOL_ERROR] {
        let (response, mut upload) = client.open_method(FlightMethod::DoGet).await;
        upload.send_data(prefixed(&Ticket::new("trips").serialize()), false).unwrap();
        // The server has read it when it has answered a call behind it.
        soon(client.send(Request::get("http://localhost/"), b"")).await;
        upload.send_reset(reason);
        drop(response);
    }
    let (_response, mut upload) = client.open_method(FlightMethod::DoGet).await;
    upload.send_data(prefixed(&Ticket::new("trips").serialize()), false).unwrap();
    client.vanish();
    let error = pair.client().do_get(Ticket::new("trips")).await.unwrap_err();
    assert_eq!(error.kind(), FlightErrorKind::Internal, "a request that is complete does reach it");
}

#[tokio::test]
async fn headers_over_the_limit_fail_their_call_alone() {
    let pair = trips();
    let options = FlightCallOptions::new().with_header("x-large", vec![b'x'; 100_000]).unwrap();
    let error = soon(pair.client().with(options.clone()).do_get(Ticket::new("trips"))).await.unwrap_err();
    assert_eq!(error.kind(), FlightErrorKind::ResourceExhausted, "{error}");
    assert!(soon(pair.client().do_get(Ticket::new("trips"))).await.is_ok());
}

#[tokio::test]
async fn what_is_no_http2_closes_its_connection_alone() {
    let pair = trips();
    for bytes in [
        &b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"[..],
        &[0; 100],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello",
    ] {
        let mut io = pair.connector().open().await.unwrap();
        io.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        // An end or an error, and no endless wait.
        let _ = soon(io.read_to_end(&mut answer)).await;
    }
    let good = async { pair.client().do_get(Ticket::new("trips")).await?.read_all().await };
    assert_eq!(soon(good).await.unwrap().batches, batches::one_per_type());
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_request_tells_the_peer_to_stop() {
    let pair = Pair::new(MemoryService::new());
    let client = BareClient::connect(&pair).await;
    let (response, mut upload) = client.open_method(FlightMethod::Handshake).await;
    let refused = soon(response).await.unwrap();
    assert_eq!(refused.headers()["grpc-status"], "12");
    assert!(soon(refused.into_body().data()).await.is_none());
    assert_eq!(soon(poll_fn(|cx| upload.poll_reset(cx))).await.unwrap(), Reason::NO_ERROR);
    assert_serves_on(&client).await;
}

#[tokio::test]
async fn a_request_that_is_no_grpc_gets_an_http_answer_and_the_connection_serves_on() {
    let pair = Pair::new(MemoryService::new());
    let client = BareClient::connect(&pair).await;
    let uri = |method: FlightMethod| format!("http://localhost{}", method.path());
    let plain = Request::post(uri(FlightMethod::ListActions)).header("content-type", "application/json");
    assert_eq!(client.send(plain, b"{}").await.http_status, 415);
    assert_eq!(client.send(Request::get("http://localhost/"), b"").await.http_status, 405);
    let answer = client.call(FlightMethod::ListActions, &[&Empty.serialize()]).await;
    assert_eq!((answer.http_status, answer.grpc_status()), (200, Some(Code::Ok)));
}
