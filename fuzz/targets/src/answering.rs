//! A client, and a server of bare HTTP/2 that answers its calls with headers and trailers of any kind.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use h2::server::SendResponse;
use http::{HeaderMap, Response, StatusCode};
use peregrine::client::FlightClient;
use peregrine::proto::{FlightError, Location, Ticket};
use peregrine::transport::{Connect, Connecting, Io, Mutex};
use tokio::io::{DuplexStream, duplex};
use tokio::runtime::{Builder, Runtime};

/// An answer to a call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) http: StatusCode,
    pub(crate) headers: HeaderMap,
    /// What stands in DATA frames.
    pub(crate) data: Bytes,
    /// `None`: the headers end the stream.
    pub(crate) trailers: Option<HeaderMap>,
}

/// How the client saw a call.
pub(crate) struct Seen {
    pub(crate) result: Result<(), FlightError>,
    /// The headers and the trailers that it shows.
    pub(crate) metadata: Vec<HeaderMap>,
}

/// Both ends, on one thread.
pub(crate) struct Answering {
    runtime: Runtime,
    client: FlightClient,
    next: Arc<Mutex<Answer>>,
}

impl Answering {
    pub(crate) fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
        let next = Arc::new(Mutex::new(Answer::default()));
        let builder = FlightClient::builder(Location::reuse_connection()).expect("a location");
        let client = builder.connector(ToServer(Arc::clone(&next))).build().expect("a client");
        Self { runtime, client, next }
    }

    /// Makes a call that is answered so.
    pub(crate) fn call(&self, answer: Answer) -> Seen {
        *self.next.lock() = answer;
        self.runtime.block_on(async {
            let mut reader = match self.client.do_get(Ticket::new("")).await {
                Ok(reader) => reader,
                Err(error) => return Seen { result: Err(error), metadata: Vec::new() },
            };
            let result = loop {
                match reader.read_chunk().await {
                    Ok(Some(_)) => {}
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            Seen {
                result,
                metadata: [Some(reader.headers()), reader.trailers()].into_iter().flatten().cloned().collect(),
            }
        })
    }
}

/// Each connection leads to a server of its own.
struct ToServer(Arc<Mutex<Answer>>);

impl Connect for ToServer {
    fn connect<'a>(&'a self, _: &'a Location) -> Connecting<'a> {
        Box::pin(async {
            let (ours, theirs) = duplex(1 << 16);
            tokio::spawn(serve(theirs, Arc::clone(&self.0)));
            Ok::<_, io::Error>(Box::new(ours) as Box<dyn Io>)
        })
    }

    fn authority(&self, _: &Location) -> String {
        "bare".to_owned()
    }

    fn address(&self, _: &Location) -> String {
        "the bare server".to_owned()
    }
}

async fn serve(io: DuplexStream, next: Arc<Mutex<Answer>>) -> Result<(), h2::Error> {
    let mut connection = h2::server::handshake(io).await?;
    while let Some(call) = connection.accept().await {
        let (_, mut respond) = call?;
        let answer = next.lock().clone();
        // What h2 does not send resets the stream, when it is dropped.
        let _ = send(answer, &mut respond);
        // Sends what there is while it waits for the next call.
    }
    poll_fn(|cx| connection.poll_closed(cx)).await
}

fn send(answer: Answer, respond: &mut SendResponse<Bytes>) -> Result<(), h2::Error> {
    let mut response = Response::new(());
    *response.status_mut() = answer.http;
    *response.headers_mut() = answer.headers;
    let Some(trailers) = answer.trailers else {
        respond.send_response(response, true)?;
        return Ok(());
    };
    let mut stream = respond.send_response(response, false)?;
    if !answer.data.is_empty() {
        stream.send_data(answer.data, false)?;
    }
    stream.send_trailers(trailers)
}
