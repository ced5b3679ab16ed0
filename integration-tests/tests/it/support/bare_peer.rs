//! A server of bare gRPC, which sends our client whatever bytes a test makes.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;
use peregrine::client::{FlightClient, FlightClientBuilder};
use peregrine::ipc::{EncodedMessage, Encoder, IpcWriteOptions};
use peregrine::proto::{FlightData, FlightMessage, Location, Ticket};
use peregrine::transport::{
    IncomingCall, Listener, Reply, ReplyFrame, ServeConfig, ServeHandle, Status, frame_message, serve,
};

/// A server that answers every call with the frames that its script has for the ticket, and then with OK.
pub(crate) struct BarePeer {
    pub(crate) client: FlightClient,
    _server: ServeHandle,
}

impl BarePeer {
    /// `script` gives the DATA frames for a ticket.
    pub(crate) fn new(script: impl Fn(&[u8]) -> Vec<Bytes> + Send + Sync + 'static) -> Self {
        Self::with_client(|client| client, script)
    }

    /// The same for a client with settings.
    pub(crate) fn with_client(
        settings: impl FnOnce(FlightClientBuilder) -> FlightClientBuilder,
        script: impl Fn(&[u8]) -> Vec<Bytes> + Send + Sync + 'static,
    ) -> Self {
        let (listener, connector) = Listener::in_memory();
        let script = std::sync::Arc::new(script);
        let handler = move |mut call: IncomingCall| {
            let script = script.clone();
            async move {
                let request = call.messages.next_message().await.unwrap().unwrap();
                reply(script(Ticket::deserialize(request).unwrap().ticket()))
            }
        };
        let server = serve(listener, handler, ServeConfig::default()).unwrap();
        let builder = FlightClient::builder(Location::reuse_connection()).unwrap().connector(connector);
        Self { client: settings(builder).build().unwrap(), _server: server }
    }
}

fn reply(frames: Vec<Bytes>) -> Reply {
    let frames = frames.into_iter().map(|frame| ReplyFrame::Data(frame.into()));
    let end = ReplyFrame::End(Status::ok());
    Reply::stream(HeaderMap::new(), stream::iter(frames.chain([end])))
}

/// A message with its prefix.
pub(crate) fn framed(message: &FlightData) -> Bytes {
    let mut rope = frame_message(message.serialize()).unwrap();
    let length = rope.len();
    bytes::Buf::copy_to_bytes(&mut rope, length)
}

/// The messages of a stream, as our encoder makes them.
pub(crate) fn encoded(schema: SchemaRef, batches: &[RecordBatch], options: IpcWriteOptions) -> Vec<FlightData> {
    let mut encoder = Encoder::new(schema, options).unwrap();
    let mut messages = vec![encoder.schema_message()];
    for batch in batches {
        encoder.encode(batch, &mut messages).unwrap();
    }
    messages.iter().map(flight_data).collect()
}

fn flight_data(message: &EncodedMessage) -> FlightData {
    FlightData { data_header: message.header.clone(), data_body: message.body_bytes(), ..FlightData::default() }
}
