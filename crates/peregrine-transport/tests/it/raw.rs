//! Peers made of bare HTTP/2, which do what no well-behaved peer does.

use std::io;

use bytes::{Bytes, BytesMut};
use h2::client::{ResponseFuture, SendRequest};
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use peregrine_proto::Location;
use peregrine_transport::{Connect, Connecting, InMemoryConnect, Io};
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A bare client of our server. The handle ends the connection when it is aborted.
pub(crate) async fn raw_client(connector: &InMemoryConnect) -> (SendRequest<Bytes>, JoinHandle<()>) {
    raw_client_with(connector, &h2::client::Builder::new()).await
}

pub(crate) async fn raw_client_on(io: impl Io) -> (SendRequest<Bytes>, JoinHandle<()>) {
    handshake(io, &h2::client::Builder::new()).await
}

pub(crate) async fn raw_client_with(
    connector: &InMemoryConnect,
    builder: &h2::client::Builder,
) -> (SendRequest<Bytes>, JoinHandle<()>) {
    handshake(connector.open().unwrap(), builder).await
}

async fn handshake(io: impl Io, builder: &h2::client::Builder) -> (SendRequest<Bytes>, JoinHandle<()>) {
    let (sender, connection) = builder.handshake(io).await.unwrap();
    let task = tokio::spawn(async move {
        let _ = connection.await;
    });
    (sender.ready().await.unwrap(), task)
}

pub(crate) fn request() -> http::request::Builder {
    Request::post("http://localhost/test.Service/Method")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
}

/// Opens a call and leaves its request open.
pub(crate) async fn open(client: &SendRequest<Bytes>) -> (ResponseFuture, SendStream<Bytes>) {
    open_with(client, request()).await
}

pub(crate) async fn open_with(
    client: &SendRequest<Bytes>,
    request: http::request::Builder,
) -> (ResponseFuture, SendStream<Bytes>) {
    let mut client = client.clone().ready().await.unwrap();
    client.send_request(request.body(()).unwrap(), false).unwrap()
}

/// A message with its prefix, flag included.
pub(crate) fn prefixed(flag: u8, message: &[u8]) -> Bytes {
    let mut bytes = vec![flag];
    bytes.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    bytes.extend_from_slice(message);
    bytes.into()
}

/// How a bare response ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) data: BytesMut,
    /// The sizes of the DATA frames as h2 handed them on.
    pub(crate) frames: Vec<usize>,
    pub(crate) trailers: Result<HeaderMap, Reason>,
}

impl Ended {
    pub(crate) fn status(&self) -> &str {
        self.trailers.as_ref().unwrap()["grpc-status"].to_str().unwrap()
    }
}

/// Reads a response to its end, giving all credit back.
pub(crate) async fn read_response(response: ResponseFuture) -> (http::response::Parts, Ended) {
    let (head, body) = response.await.unwrap().into_parts();
    let ended = read_body(body).await;
    (head, ended)
}

pub(crate) async fn read_body(mut body: RecvStream) -> Ended {
    let mut ended = Ended { data: BytesMut::new(), frames: Vec::new(), trailers: Ok(HeaderMap::new()) };
    while let Some(data) = body.data().await {
        match data {
            Ok(data) => {
                body.flow_control().release_capacity(data.len()).unwrap();
                ended.frames.push(data.len());
                ended.data.extend_from_slice(&data);
            }
            Err(error) => {
                ended.trailers = Err(error.reason().expect("a reset"));
                return ended;
            }
        }
    }
    ended.trailers = match body.trailers().await {
        Ok(trailers) => Ok(trailers.unwrap_or_default()),
        Err(error) => Err(error.reason().expect("a reset")),
    };
    ended
}

/// The status of an answer that has headers alone.
pub(crate) fn header<'a>(head: &'a http::response::Parts, name: &str) -> &'a str {
    head.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// Where our client finds bare servers: each connection comes out of the receiver.
#[derive(Debug)]
pub(crate) struct RawConnector {
    sender: mpsc::UnboundedSender<DuplexStream>,
}

pub(crate) fn raw_listener() -> (RawConnector, mpsc::UnboundedReceiver<DuplexStream>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (RawConnector { sender }, receiver)
}

impl Connect for RawConnector {
    fn connect<'a>(&'a self, _: &'a Location) -> Connecting<'a> {
        Box::pin(async {
            let (ours, theirs) = duplex(1 << 20);
            self.sender.send(theirs).map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
            Ok(Box::new(ours) as Box<dyn Io>)
        })
    }

    fn authority(&self, _: &Location) -> String {
        "raw".to_owned()
    }

    fn address(&self, _: &Location) -> String {
        "the raw server".to_owned()
    }
}

/// One call as a bare server gets it.
pub(crate) struct RawCall {
    pub(crate) head: http::request::Parts,
    pub(crate) body: RecvStream,
    pub(crate) respond: SendResponse<Bytes>,
}

impl RawCall {
    /// Sends headers of a good gRPC answer.
    pub(crate) fn answer(&mut self) -> SendStream<Bytes> {
        let head = Response::builder().header("content-type", "application/grpc");
        self.respond.send_response(head.body(()).unwrap(), false).unwrap()
    }
}

/// A bare server: its calls come out of the receiver, the task is its connection.
pub(crate) async fn raw_server(
    connections: &mut mpsc::UnboundedReceiver<DuplexStream>,
) -> (mpsc::UnboundedReceiver<RawCall>, JoinHandle<()>) {
    let io = connections.recv().await.unwrap();
    let mut connection = h2::server::handshake(io).await.unwrap();
    let (sender, receiver) = mpsc::unbounded_channel();
    let task = tokio::spawn(async move {
        while let Some(Ok((request, respond))) = connection.accept().await {
            let (head, body) = request.into_parts();
            let _ = sender.send(RawCall { head, body, respond });
        }
    });
    (receiver, task)
}

pub(crate) fn trailers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
}
