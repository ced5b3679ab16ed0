//! The one way that every call takes through the client: headers, sending, received headers, reading.

use arrow_schema::SchemaRef;
use http::HeaderMap;
use peregrine_proto::{FlightDescriptor, FlightError, FlightMessage, FlightMethod, Location, MessageLimits};
use peregrine_stream::{
    FlightStreamReader, FlightStreamWriter, MessageStream, ReadConfig, ReceiveBuffers, UploadCall, WriteConfig,
};
use peregrine_transport::{Abandoned, Channel, IncomingReply, MessageReader, Outgoing};
use tokio::time::Instant;

use crate::options::FlightCallOptions;

/// Makes calls on a channel.
pub(crate) struct Caller {
    channel: Channel,
    location: Location,
    limits: MessageLimits,
    buffers: ReceiveBuffers,
    write_size_limit: Option<usize>,
}

impl Caller {
    pub(crate) fn new(
        channel: Channel,
        location: Location,
        limits: MessageLimits,
        write_size_limit: Option<usize>,
    ) -> Self {
        Self { channel, location, limits, buffers: ReceiveBuffers::default(), write_size_limit }
    }

    pub(crate) fn channel(&self) -> &Channel {
        &self.channel
    }

    pub(crate) fn location(&self) -> &Location {
        &self.location
    }

    /// A call with one message in each direction.
    pub(crate) async fn unary<A: FlightMessage>(
        &self,
        method: FlightMethod,
        request: Outgoing,
        options: &FlightCallOptions,
    ) -> Result<A, FlightError> {
        let mut answers = self.stream(method, request, options).await?;
        let answer = answers.read_next().await?;
        // The status comes behind the message, and may still be an error.
        let extra: Option<A> = answers.read_next().await?;
        match (answer, extra) {
            (Some(answer), None) => Ok(answer),
            (None, _) => Err(FlightError::internal(format!("{method} ended without an answer"))),
            (Some(_), Some(_)) => Err(FlightError::internal(format!("{method} gave more than one answer"))),
        }
    }

    /// A call that answers with a stream of messages.
    pub(crate) async fn stream<A: FlightMessage>(
        &self,
        method: FlightMethod,
        request: Outgoing,
        options: &FlightCallOptions,
    ) -> Result<MessageStream<A>, FlightError> {
        let reply = self.send(method, request, options).await?;
        Ok(MessageStream::from_messages(reply.messages, reply.metadata))
    }

    /// A call that is written and read at once.
    pub(crate) fn start(
        &self,
        upload: Upload,
        descriptor: FlightDescriptor,
        options: &FlightCallOptions,
    ) -> Result<(FlightStreamWriter, MessageReader), FlightError> {
        let (method, schema, abandoned) = match upload {
            // Dropping everything leaves an upload that was written whole alone.
            Upload::Put(schema) => (FlightMethod::DoPut, Some(schema), Abandoned::RunsOn),
            Upload::Exchange => (FlightMethod::DoExchange, None, Abandoned::IsCancelled),
        };
        self.channel.check_open()?;
        let (headers, deadline) = (options.headers.clone(), deadline(options));
        let call = UploadCall { channel: &self.channel, path: method.path(), headers, deadline, abandoned };
        let config = WriteConfig {
            options: options.write_options.clone(),
            size_limit: self.write_size_limit,
            ..WriteConfig::default()
        };
        FlightStreamWriter::start(call, descriptor, schema, config)
    }

    /// A reader of the data that a call answers with.
    pub(crate) fn reader(
        &self,
        messages: MessageReader,
        headers: HeaderMap,
        options: &FlightCallOptions,
    ) -> FlightStreamReader {
        let config = ReadConfig {
            options: options.read_options.clone(),
            limits: self.limits.clone(),
            buffers: self.buffers.clone(),
        };
        FlightStreamReader::new(messages, headers, config)
    }

    /// A call that answers with data. Reads to the schema, so that an error of the handler comes from the call.
    pub(crate) async fn data(
        &self,
        method: FlightMethod,
        request: Outgoing,
        options: &FlightCallOptions,
    ) -> Result<FlightStreamReader, FlightError> {
        let reply = self.send(method, request, options).await?;
        let mut reader = self.reader(reply.messages, reply.metadata, options);
        reader.schema().await?;
        Ok(reader)
    }

    async fn send(
        &self,
        method: FlightMethod,
        request: Outgoing,
        options: &FlightCallOptions,
    ) -> Result<IncomingReply, FlightError> {
        let headers: HeaderMap = options.headers.clone();
        Ok(self.channel.call(method.path(), headers, deadline(options), request).await?)
    }
}

/// The calls that are written and read at once.
pub(crate) enum Upload {
    Put(SchemaRef),
    Exchange,
}

/// When a call must be done.
fn deadline(options: &FlightCallOptions) -> Option<std::time::Instant> {
    // tokio's clock, which tests may pause. What no clock can reach is no deadline.
    options.timeout.and_then(|timeout| Instant::now().checked_add(timeout)).map(Instant::into_std)
}
