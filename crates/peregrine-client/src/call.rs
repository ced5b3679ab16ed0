//! The one way that every call takes through the client: headers, sending, received headers, reading.

use http::HeaderMap;
use peregrine_proto::{FlightError, FlightMessage, FlightMethod, Location, MessageLimits};
use peregrine_stream::{FlightStreamReader, MessageStream, ReadConfig, ReceiveBuffers};
use peregrine_transport::{Channel, IncomingReply, Outgoing};
use tokio::time::Instant;

use crate::options::FlightCallOptions;

/// Makes calls on a channel.
pub(crate) struct Caller {
    channel: Channel,
    location: Location,
    limits: MessageLimits,
    buffers: ReceiveBuffers,
}

impl Caller {
    pub(crate) fn new(channel: Channel, location: Location, limits: MessageLimits) -> Self {
        Self { channel, location, limits, buffers: ReceiveBuffers::default() }
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

    /// A call that answers with data. Reads to the schema, so that an error of the handler comes from the call.
    pub(crate) async fn data(
        &self,
        method: FlightMethod,
        request: Outgoing,
        options: &FlightCallOptions,
    ) -> Result<FlightStreamReader, FlightError> {
        let reply = self.send(method, request, options).await?;
        let config = ReadConfig {
            options: options.read_options.clone(),
            limits: self.limits.clone(),
            buffers: self.buffers.clone(),
        };
        let mut reader = FlightStreamReader::new(reply.messages, reply.metadata, config);
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
        // tokio's clock, which tests may pause. What no clock can reach is no deadline.
        let deadline = options.timeout.and_then(|timeout| Instant::now().checked_add(timeout)).map(Instant::into_std);
        Ok(self.channel.call(method.path(), headers, deadline, request).await?)
    }
}
