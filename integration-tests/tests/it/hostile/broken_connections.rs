//! Servers that reset, vanish or do not speak gRPC: typed errors, and the next call finds its way.

use bytes::Bytes;
use h2::{Reason, SendStream};
use http::{HeaderMap, Response};
use peregrine::ipc::IpcWriteOptions;
use peregrine::proto::{FlightError, FlightErrorKind as Kind, Ticket};
use peregrine::stream::FlightStreamReader;
use peregrine_testkit::batches;
use peregrine_testkit::waiting::soon;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

use crate::support::bare_http::{BareCall, BareServer};
use crate::support::bare_peer::{encoded, framed};

/// A whole stream: the schema and one batch.
fn good() -> Bytes {
    let batch = batches::int64(10);
    let frames = encoded(batch.schema(), &[batch], IpcWriteOptions::default()).iter().map(framed).collect::<Vec<_>>();
    frames.concat().into()
}

fn ok() -> HeaderMap {
    HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), http::HeaderValue::from_static("0"))])
}

/// Opens a DoGet and answers it with the good stream, its end left open.
async fn half_answered(
    server: &BareServer,
    calls: &mut UnboundedReceiver<BareCall>,
) -> (FlightStreamReader, SendStream<Bytes>) {
    let client = server.client.clone();
    let reader = tokio::spawn(async move { client.do_get(Ticket::new("")).await });
    let mut answer = soon(calls.recv()).await.unwrap().answer();
    answer.send_data(good(), false).unwrap();
    let mut reader = soon(reader).await.unwrap().unwrap();
    assert_eq!(soon(reader.read_next()).await.unwrap(), Some(batches::int64(10)));
    (reader, answer)
}

/// The same to a good end: the connection is in order.
async fn assert_goes_on(server: &BareServer, calls: &mut UnboundedReceiver<BareCall>) {
    let (mut reader, mut answer) = half_answered(server, calls).await;
    answer.send_trailers(ok()).unwrap();
    assert_eq!(soon(reader.read_next()).await.unwrap(), None);
}

/// The error that comes next, and nothing after it.
async fn next_error(mut reader: FlightStreamReader) -> FlightError {
    let error = soon(reader.read_next()).await.unwrap_err();
    assert_eq!(soon(reader.read_next()).await.unwrap(), None, "after an error comes nothing");
    error
}

/// A client with a connection, and the calls that come over it.
async fn connected() -> (BareServer, UnboundedReceiver<BareCall>, JoinHandle<()>) {
    let mut server = BareServer::new();
    let client = server.client.clone();
    let first = tokio::spawn(async move { client.do_get(Ticket::new("")).await.map(drop) });
    let (mut calls, connection) = soon(server.accept()).await;
    drop(soon(calls.recv()).await.unwrap());
    assert!(soon(first).await.unwrap().is_err(), "an answer that is dropped is an error");
    (server, calls, connection)
}

#[tokio::test]
async fn a_reset_in_the_middle_is_the_error_that_its_code_means() {
    let (server, mut calls, _connection) = connected().await;
    let reasons = [
        (Reason::CANCEL, Kind::Cancelled),
        (Reason::INTERNAL_ERROR, Kind::Internal),
        (Reason::NO_ERROR, Kind::Internal),
        (Reason::PROTOCOL_ERROR, Kind::Internal),
        (Reason::REFUSED_STREAM, Kind::Unavailable),
        (Reason::ENHANCE_YOUR_CALM, Kind::ResourceExhausted),
        (Reason::INADEQUATE_SECURITY, Kind::Unauthorized),
    ];
    for (reason, kind) in reasons {
        let (reader, mut answer) = half_answered(&server, &mut calls).await;
        answer.send_reset(reason);
        let error = next_error(reader).await;
        assert_eq!(error.kind(), kind, "{reason:?}: {error}");
        assert_goes_on(&server, &mut calls).await;
    }
}

#[tokio::test]
async fn a_reset_inside_a_message_gives_the_batches_before_it() {
    let (server, mut calls, _connection) = connected().await;
    let (reader, mut answer) = half_answered(&server, &mut calls).await;
    answer.send_data(good().slice(..100), false).unwrap();
    answer.send_reset(Reason::INTERNAL_ERROR);
    assert_eq!(next_error(reader).await.kind(), Kind::Internal);
    assert_goes_on(&server, &mut calls).await;
}

#[tokio::test]
async fn an_end_without_trailers_is_no_good_end() {
    let (server, mut calls, _connection) = connected().await;
    let (reader, mut answer) = half_answered(&server, &mut calls).await;
    answer.send_data(Bytes::new(), true).unwrap();
    let error = next_error(reader).await;
    assert_eq!(error.kind(), Kind::Failed);
    assert!(error.message().contains("grpc-status"), "{error}");
    assert_goes_on(&server, &mut calls).await;
}

#[tokio::test]
async fn trailers_without_a_known_status_are_no_good_end() {
    let (server, mut calls, _connection) = connected().await;
    for status in ["17", "-1", "", "x", "0 0"] {
        let (reader, mut answer) = half_answered(&server, &mut calls).await;
        let mut trailers = ok();
        trailers.insert("grpc-status", status.parse().unwrap());
        answer.send_trailers(trailers).unwrap();
        assert_eq!(next_error(reader).await.kind(), Kind::Failed, "{status:?}");
    }
    assert_goes_on(&server, &mut calls).await;
}

#[tokio::test]
async fn a_lost_connection_is_unavailable_and_the_next_call_makes_a_new_one() {
    let (mut server, mut calls, connection) = connected().await;
    let (reader, answer) = half_answered(&server, &mut calls).await;
    connection.abort();
    assert_eq!(next_error(reader).await.kind(), Kind::Unavailable);
    drop(answer);
    let client = server.client.clone();
    let next = tokio::spawn(async move { client.do_get(Ticket::new("")).await?.read_all().await });
    let (mut calls, _connection) = soon(server.accept()).await;
    let mut answer = soon(calls.recv()).await.unwrap().answer();
    answer.send_data(good(), false).unwrap();
    answer.send_trailers(ok()).unwrap();
    assert_eq!(soon(next).await.unwrap().unwrap().batches, [batches::int64(10)]);
}

#[tokio::test]
async fn an_answer_that_is_no_grpc_is_the_error_that_its_status_means() {
    let (server, mut calls, _connection) = connected().await;
    let cases = [
        (400, Kind::Internal),
        (401, Kind::Unauthenticated),
        (403, Kind::Unauthorized),
        (404, Kind::Unimplemented),
        (429, Kind::Unavailable),
        (500, Kind::Failed),
        (502, Kind::Unavailable),
        (503, Kind::Unavailable),
        (504, Kind::Unavailable),
        (200, Kind::Failed),
    ];
    for (status, kind) in cases {
        let client = server.client.clone();
        let call = tokio::spawn(async move { client.do_get(Ticket::new("")).await });
        let mut answer = soon(calls.recv()).await.unwrap();
        let page = Response::builder().status(status).header("content-type", "text/html");
        answer.answer_with(page).send_data(Bytes::from_static(b"<html>"), true).unwrap();
        let error = soon(call).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), kind, "{status}: {error}");
    }
    assert_goes_on(&server, &mut calls).await;
}
