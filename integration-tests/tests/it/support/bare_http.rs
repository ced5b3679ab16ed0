//! Peers made of bare HTTP/2, which do what no well-behaved peer does.

use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use h2::client::{ResponseFuture, SendRequest};
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use peregrine::client::{FlightClient, FlightClientBuilder};
use peregrine::proto::{Code, FlightMethod, Location};
use peregrine::transport::{Connect, Connecting, Io};
use peregrine_testkit::Pair;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A message with its prefix, not compressed.
pub(crate) fn prefixed(message: &[u8]) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_u8(0);
    bytes.put_u32(message.len() as u32);
    bytes.put_slice(message);
    bytes.freeze()
}

/// A bare client of our server.
pub(crate) struct BareClient {
    sender: SendRequest<Bytes>,
    connection: JoinHandle<()>,
}

/// How a call of a bare client ended.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) http_status: u16,
    pub(crate) data: BytesMut,
    /// Headers and trailers together.
    pub(crate) metadata: HeaderMap,
    pub(crate) reset: Option<Reason>,
}

impl Answer {
    pub(crate) fn grpc_status(&self) -> Option<Code> {
        Code::from_number(self.metadata.get("grpc-status")?.to_str().ok()?.parse().ok()?)
    }

    pub(crate) fn grpc_message(&self) -> &str {
        self.metadata.get("grpc-message").map_or("", |message| message.to_str().unwrap())
    }
}

impl BareClient {
    pub(crate) async fn connect(pair: &Pair) -> Self {
        let (sender, connection) = h2::client::handshake(pair.connector().open().await.unwrap()).await.unwrap();
        let connection = tokio::spawn(async move {
            let _ = connection.await;
        });
        Self { sender: sender.ready().await.unwrap(), connection }
    }

    /// Loses the connection, without a word.
    pub(crate) fn vanish(self) {
        self.connection.abort();
    }

    /// Opens a call and leaves its request open.
    pub(crate) async fn open(&self, request: http::request::Builder) -> (ResponseFuture, SendStream<Bytes>) {
        self.sender.clone().ready().await.unwrap().send_request(request.body(()).unwrap(), false).unwrap()
    }

    /// Opens a call of a method.
    pub(crate) async fn open_method(&self, method: FlightMethod) -> (ResponseFuture, SendStream<Bytes>) {
        let request = Request::post(format!("http://localhost{}", method.path()));
        self.open(request.header("content-type", "application/grpc").header("te", "trailers")).await
    }

    /// Sends a request with a body of any bytes, and reads the answer.
    pub(crate) async fn send(&self, request: http::request::Builder, body: &'static [u8]) -> Answer {
        let (response, mut upload) = self.open(request).await;
        upload.send_data(body.into(), true).unwrap();
        read(response).await
    }

    /// Calls a method with so many messages.
    pub(crate) async fn call(&self, method: FlightMethod, messages: &[&[u8]]) -> Answer {
        let frames: Vec<Bytes> = messages.iter().map(|message| prefixed(message)).collect();
        self.call_with_bytes(method, frames.concat().into()).await
    }

    /// Calls a method with a body of any bytes.
    pub(crate) async fn call_with_bytes(&self, method: FlightMethod, body: Bytes) -> Answer {
        let (response, mut upload) = self.open_method(method).await;
        upload.send_data(body, true).unwrap();
        read(response).await
    }
}

/// Reads an answer to its end, giving all credit back.
async fn read(response: ResponseFuture) -> Answer {
    let (head, mut body) = response.await.unwrap().into_parts();
    let mut answer =
        Answer { http_status: head.status.as_u16(), data: BytesMut::new(), metadata: head.headers, reset: None };
    while let Some(data) = body.data().await {
        match data {
            Ok(data) => {
                body.flow_control().release_capacity(data.len()).unwrap();
                answer.data.extend_from_slice(&data);
            }
            Err(error) => {
                answer.reset = error.reason();
                return answer;
            }
        }
    }
    match body.trailers().await {
        Ok(trailers) => answer.metadata.extend(trailers.unwrap_or_default()),
        Err(error) => answer.reset = error.reason(),
    }
    answer
}

/// Reaches bare servers: each connection comes out of the receiver that it was made with.
struct BareConnector(mpsc::UnboundedSender<DuplexStream>);

impl Connect for BareConnector {
    fn connect<'a>(&'a self, _: &'a Location) -> Connecting<'a> {
        Box::pin(async {
            let (ours, theirs) = duplex(1 << 20);
            self.0.send(theirs).map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
            Ok(Box::new(ours) as Box<dyn Io>)
        })
    }

    fn authority(&self, _: &Location) -> String {
        "bare".to_owned()
    }

    fn address(&self, _: &Location) -> String {
        "the bare server".to_owned()
    }
}

/// A bare server and our client of it.
pub(crate) struct BareServer {
    pub(crate) client: FlightClient,
    connections: mpsc::UnboundedReceiver<DuplexStream>,
}

impl BareServer {
    pub(crate) fn new() -> Self {
        Self::with_client(|client| client)
    }

    /// The same for a client with settings.
    pub(crate) fn with_client(settings: impl FnOnce(FlightClientBuilder) -> FlightClientBuilder) -> Self {
        let (sender, connections) = mpsc::unbounded_channel();
        let builder = FlightClient::builder(Location::reuse_connection()).unwrap();
        Self { client: settings(builder.connector(BareConnector(sender))).build().unwrap(), connections }
    }

    /// Accepts the next connection. Its calls come out of the receiver; the task is the connection.
    pub(crate) async fn accept(&mut self) -> (mpsc::UnboundedReceiver<BareCall>, JoinHandle<()>) {
        let io = self.connections.recv().await.unwrap();
        let mut connection = h2::server::handshake(io).await.unwrap();
        let (sender, receiver) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            while let Some(Ok((request, respond))) = connection.accept().await {
                let _ = sender.send(BareCall { request: request.into_body(), respond });
            }
        });
        (receiver, task)
    }
}

/// One call as a bare server gets it.
pub(crate) struct BareCall {
    pub(crate) request: RecvStream,
    pub(crate) respond: SendResponse<Bytes>,
}

impl BareCall {
    /// Sends the headers of a good answer.
    pub(crate) fn answer(&mut self) -> SendStream<Bytes> {
        let head = Response::builder().header("content-type", "application/grpc");
        self.respond.send_response(head.body(()).unwrap(), false).unwrap()
    }

    /// Sends an answer that is no gRPC.
    pub(crate) fn answer_with(&mut self, response: http::response::Builder) -> SendStream<Bytes> {
        self.respond.send_response(response.body(()).unwrap(), false).unwrap()
    }
}
