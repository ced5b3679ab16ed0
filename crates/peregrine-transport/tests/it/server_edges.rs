//! What a server makes of requests that are not as they should be.

use bytes::Bytes;
use h2::Reason;
use http::{HeaderMap, Request};
use peregrine_proto::Code;
use peregrine_transport::{Reply, Rope, Status};
use tokio::io::AsyncWriteExt;

use crate::pair::{echo, framed, open_reply, pair, reporting_echo};
use crate::raw::{header, open, open_with, prefixed, raw_client, read_response, request, trailers};

#[tokio::test]
async fn a_reset_with_no_error_in_the_middle_of_an_upload_is_cancelled_and_never_an_end() {
    for sent in [prefixed(0, b"whole"), prefixed(0, b"cut short").slice(..9), Bytes::new()] {
        let (handler, mut reports) = reporting_echo();
        let pair = pair(handler);
        let (client, _task) = raw_client(&pair.connector).await;
        let (_response, mut upload) = open(&client).await;
        if !sent.is_empty() {
            upload.send_data(sent, false).unwrap();
        }
        // The server has seen the data before the reset comes.
        ping(&client).await;
        upload.send_reset(Reason::NO_ERROR);
        let error = reports.recv().await.unwrap().unwrap_err();
        assert_eq!(error.code(), Code::Cancelled, "{error}");
    }
}

#[tokio::test]
async fn a_reset_with_any_code_and_a_lost_connection_are_cancelled() {
    for reason in [Reason::CANCEL, Reason::INTERNAL_ERROR, Reason::PROTOCOL_ERROR] {
        let (handler, mut reports) = reporting_echo();
        let pair = pair(handler);
        let (client, _task) = raw_client(&pair.connector).await;
        let (_response, mut upload) = open(&client).await;
        upload.send_data(prefixed(0, b"whole"), false).unwrap();
        ping(&client).await;
        upload.send_reset(reason);
        assert_eq!(reports.recv().await.unwrap().unwrap_err().code(), Code::Cancelled);
    }
    let (handler, mut reports) = reporting_echo();
    let pair = pair(handler);
    let (client, task) = raw_client(&pair.connector).await;
    let (_response, mut upload) = open(&client).await;
    upload.send_data(prefixed(0, b"never complete").slice(..10), false).unwrap();
    ping(&client).await;
    task.abort();
    assert_eq!(reports.recv().await.unwrap().unwrap_err().code(), Code::Cancelled);
}

#[tokio::test]
async fn a_half_close_is_the_end_of_the_request_however_it_comes() {
    let (handler, mut reports) = reporting_echo();
    let pair = pair(handler);
    let (client, _task) = raw_client(&pair.connector).await;

    let (response, mut upload) = open(&client).await;
    upload.send_data(prefixed(0, b"one"), true).unwrap();
    assert_eq!(reports.recv().await.unwrap().unwrap(), ["one"]);
    assert_eq!(header(&read_response(response).await.0, "grpc-status"), "0");

    let (response, mut upload) = open(&client).await;
    upload.send_data(prefixed(0, b"one"), false).unwrap();
    upload.send_data(Bytes::new(), true).unwrap();
    assert_eq!(reports.recv().await.unwrap().unwrap(), ["one"]);
    read_response(response).await;

    let (response, mut upload) = open(&client).await;
    upload.send_data(prefixed(0, b"one"), false).unwrap();
    upload.send_trailers(trailers(&[("x-checksum", "1")])).unwrap();
    assert_eq!(reports.recv().await.unwrap().unwrap(), ["one"]);
    read_response(response).await;
}

#[tokio::test]
async fn a_request_that_ends_inside_a_message_is_an_error() {
    let pair = pair(echo);
    let (client, _task) = raw_client(&pair.connector).await;
    for cut in [1, 4, 5, 7] {
        let (response, mut upload) = open(&client).await;
        upload.send_data(prefixed(0, b"abc").slice(..cut), true).unwrap();
        let (head, _) = read_response(response).await;
        assert_eq!(header(&head, "grpc-status"), "13", "{cut}");
        assert!(header(&head, "grpc-message").contains("inside a message"));
    }
}

#[tokio::test]
async fn what_is_no_grpc_gets_an_http_answer() {
    let pair = pair(echo);
    let (client, _task) = raw_client(&pair.connector).await;
    let uri = "http://localhost/test.Service/Method";
    let grpc = "application/grpc";
    let cases = [
        (Request::get(uri).header("content-type", grpc), 405),
        (Request::post(uri), 415),
        (Request::post(uri).header("content-type", "text/html"), 415),
        (Request::post(uri).header("content-type", "application/grpc-web"), 415),
        (Request::post(uri).header("content-type", grpc), 200),
        (Request::post(uri).header("content-type", "application/grpc+proto"), 200),
        (Request::post(uri).header("content-type", "application/grpc; charset=utf-8"), 200),
        (Request::post(uri).header("content-type", "Application/gRPC"), 200),
    ];
    for (request, status) in cases {
        let shown = format!("{request:?}");
        let (response, mut upload) = open_with(&client, request).await;
        upload.send_data(Bytes::new(), true).unwrap();
        let (head, _) = read_response(response).await;
        assert_eq!(head.status, status, "{shown}");
        if status == 200 {
            assert_eq!(header(&head, "content-type"), "application/grpc");
            assert_eq!(header(&head, "grpc-accept-encoding"), "identity");
        }
    }
}

#[tokio::test]
async fn a_timeout_that_cannot_be_read_is_an_error() {
    let pair = pair(echo);
    let (client, _task) = raw_client(&pair.connector).await;
    for timeout in ["", "1", "S", "123456789n", "-1S", "1s", "1 S"] {
        let (response, mut upload) = open_with(&client, request().header("grpc-timeout", timeout)).await;
        upload.send_data(Bytes::new(), true).unwrap();
        let (head, _) = read_response(response).await;
        assert_eq!(header(&head, "grpc-status"), "13", "{timeout:?}");
        assert!(header(&head, "grpc-message").contains("grpc-timeout"));
    }
}

#[tokio::test]
async fn a_compressed_message_is_unimplemented_and_names_its_encoding() {
    let pair = pair(echo);
    let (client, _task) = raw_client(&pair.connector).await;
    let cases = [
        (1, Some("gzip"), "12", "gzip"),
        (1, Some("identity"), "13", "grpc-encoding"),
        (1, None, "13", "grpc-encoding"),
        (2, Some("gzip"), "13", "flag 2"),
        (255, None, "13", "flag 255"),
        // The encoding alone harms nobody: a message without the flag is not compressed.
        (0, Some("gzip"), "0", ""),
    ];
    for (flag, encoding, status, said) in cases {
        let request =
            encoding.into_iter().fold(request(), |request, encoding| request.header("grpc-encoding", encoding));
        let (response, mut upload) = open_with(&client, request).await;
        upload.send_data(prefixed(flag, b"abc"), true).unwrap();
        let (head, ended) = read_response(response).await;
        let found = if ended.data.is_empty() { header(&head, "grpc-status") } else { ended.status() };
        assert_eq!(found, status, "{flag} {encoding:?}");
        assert!(header(&head, "grpc-message").contains(said));
        assert_eq!(header(&head, "grpc-accept-encoding"), "identity");
    }
}

#[tokio::test]
async fn headers_reach_the_handler_without_those_of_grpc() {
    let handler = |call: peregrine_transport::IncomingCall| async move {
        let mut names: Vec<_> = call.info.headers().keys().map(|name| name.as_str().to_owned()).collect();
        names.sort();
        let message = format!("{} {} {}", call.info.path(), call.info.peer().address, names.join(","));
        Reply::complete(HeaderMap::new(), framed(message), Status::ok())
    };
    let pair = pair(handler);
    let (client, _task) = raw_client(&pair.connector).await;
    let request = request().header("grpc-timeout", "10S").header("grpc-encoding", "identity").header("x-own", "1");
    let (response, mut upload) = open_with(&client, request).await;
    upload.send_data(Bytes::new(), true).unwrap();
    let (_, ended) = read_response(response).await;
    assert_eq!(&ended.data[5..], b"/test.Service/Method in-memory: x-own");
}

#[tokio::test]
async fn a_reply_goes_out_in_frames_under_the_cap_and_none_is_empty() {
    let handler = |_| async {
        let (sender, reply) = open_reply();
        let mut large = Rope::new();
        large.append(framed("small"));
        large.append(framed(vec![7; 10 << 20]));
        for rope in [Rope::new(), large, Rope::new(), framed("last")] {
            sender.send(peregrine_transport::ReplyFrame::Data(rope)).unwrap();
        }
        sender.send(peregrine_transport::ReplyFrame::End(Status::ok())).unwrap();
        reply
    };
    let pair = pair(handler);
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(32 << 20).initial_connection_window_size(64 << 20).max_frame_size((16 << 20) - 1);
    let (client, _task) = crate::raw::raw_client_with(&pair.connector, &builder).await;
    let (response, mut upload) = open(&client).await;
    upload.send_data(Bytes::new(), true).unwrap();
    let (_, ended) = read_response(response).await;
    assert_eq!(ended.status(), "0");
    assert_eq!(ended.data.len(), 10 + 5 + (10 << 20) + 9);
    assert_eq!(ended.frames, [4 << 20, 4 << 20, (2 << 20) + 15, 9]);
}

#[tokio::test]
async fn a_reply_without_messages_and_metadata_is_one_headers_frame() {
    let pair = pair(|_| async { Reply::end(HeaderMap::new(), Status::new(Code::NotFound, "nicht da: ü%")) });
    let (client, _task) = raw_client(&pair.connector).await;
    let (response, mut upload) = open(&client).await;
    upload.send_data(Bytes::new(), true).unwrap();
    let (head, body) = response.await.unwrap().into_parts();
    assert!(body.is_end_stream());
    assert_eq!(header(&head, "grpc-status"), "5");
    assert_eq!(header(&head, "grpc-message"), "nicht da: %C3%BC%25");
}

#[tokio::test]
async fn a_reply_that_ends_without_a_status_is_an_internal_error() {
    let pair = pair(|_| async {
        let (sender, reply) = open_reply();
        sender.send(peregrine_transport::ReplyFrame::Data(framed("x"))).unwrap();
        reply
    });
    let (client, _task) = raw_client(&pair.connector).await;
    let (response, mut upload) = open(&client).await;
    upload.send_data(Bytes::new(), true).unwrap();
    assert_eq!(read_response(response).await.1.status(), "13");
}

#[tokio::test]
async fn a_reply_before_the_end_of_the_request_ends_the_call_with_no_error() {
    let pair = pair(|_| async { Reply::complete(HeaderMap::new(), framed("early"), Status::ok()) });
    let (client, _task) = raw_client(&pair.connector).await;
    let (response, mut upload) = open(&client).await;
    upload.send_data(prefixed(0, b"one"), false).unwrap();
    let (_, ended) = read_response(response).await;
    assert_eq!(ended.status(), "0");
    let reset = std::future::poll_fn(|cx| upload.poll_reset(cx)).await.unwrap();
    assert_eq!(reset, Reason::NO_ERROR);
}

#[tokio::test]
async fn a_panic_fails_its_own_call_alone() {
    let pair = pair(|mut call: peregrine_transport::IncomingCall| async move {
        let message = call.messages.next_message().await.unwrap().unwrap();
        assert_ne!(message, "panic");
        Reply::complete(HeaderMap::new(), framed(message), Status::ok())
    });
    let (client, _task) = raw_client(&pair.connector).await;
    let (response, mut upload) = open(&client).await;
    upload.send_data(prefixed(0, b"panic"), true).unwrap();
    assert!(response.await.unwrap_err().is_reset());
    let (response, mut upload) = open(&client).await;
    upload.send_data(prefixed(0, b"fine"), true).unwrap();
    assert_eq!(read_response(response).await.1.status(), "0");
}

#[tokio::test]
async fn bytes_that_are_not_http2_close_their_connection_alone() {
    let pair = pair(echo);
    let mut io = pair.connector.open().unwrap();
    io.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut io, &mut answer).await.ok();
    assert_eq!(crate::pair::ask_all(&pair.channel, "fine").await.unwrap(), ["fine"]);
}

/// Waits until the server has read all that was sent before.
async fn ping(client: &h2::client::SendRequest<Bytes>) {
    // A call of its own that is answered at once comes after what was sent on this connection.
    let (response, mut upload) = open_with(client, Request::get("http://localhost/")).await;
    upload.send_data(Bytes::new(), true).unwrap();
    response.await.unwrap();
}
