//! A service with all ten RPCs, whose handlers mark their responses with what the stages before them left.

use futures_util::StreamExt;
use peregrine::proto::{
    Action, ActionResult, ActionType, Criteria, FlightDescriptor, FlightError, FlightInfo, HandshakeRequest,
    HandshakeResponse, PollInfo, SchemaResult, Ticket,
};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::{
    FlightDataStream, FlightMetadataWriter, FlightStreamReader, FlightStreamWriter, MessageStream,
};
use peregrine_testkit::MemoryService;

use super::recorder::{StartedBy, Tenant};

/// Adds the header `x-caller` and the trailers `x-tenant` and `x-started-by`.
pub(crate) fn mark(context: &ServerCallContext) -> Result<(), FlightError> {
    let missing = || FlightError::internal("a stage left nothing");
    context.add_header("x-caller", context.peer_identity().ok_or_else(missing)?.name())?;
    context.add_trailer("x-tenant", context.extensions().get::<Tenant>().ok_or_else(missing)?.0)?;
    context.add_trailer("x-started-by", context.extensions().get::<StartedBy>().ok_or_else(missing)?.0)
}

/// The tables of a memory service. Its handshake gives back what it gets.
pub(crate) struct Marked(pub(crate) MemoryService);

impl FlightService for Marked {
    async fn handshake(
        &self,
        context: ServerCallContext,
        requests: MessageStream<HandshakeRequest>,
    ) -> Result<MessageStream<HandshakeResponse>, FlightError> {
        mark(&context)?;
        Ok(MessageStream::from_stream(
            requests.map(|request| request.map(|request| HandshakeResponse::new(request.payload().clone()))),
        ))
    }

    async fn list_flights(
        &self,
        context: ServerCallContext,
        criteria: Criteria,
    ) -> Result<MessageStream<FlightInfo>, FlightError> {
        mark(&context)?;
        self.0.list_flights(context, criteria).await
    }

    async fn get_flight_info(
        &self,
        context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, FlightError> {
        mark(&context)?;
        self.0.get_flight_info(context, descriptor).await
    }

    async fn poll_flight_info(
        &self,
        context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<PollInfo, FlightError> {
        mark(&context)?;
        self.0.poll_flight_info(context, descriptor).await
    }

    async fn get_schema(
        &self,
        context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<SchemaResult, FlightError> {
        mark(&context)?;
        self.0.get_schema(context, descriptor).await
    }

    async fn do_get(&self, context: ServerCallContext, ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        mark(&context)?;
        self.0.do_get(context, ticket).await
    }

    async fn do_put(
        &self,
        context: ServerCallContext,
        reader: FlightStreamReader,
        writer: FlightMetadataWriter,
    ) -> Result<(), FlightError> {
        mark(&context)?;
        self.0.do_put(context, reader, writer).await
    }

    async fn do_exchange(
        &self,
        context: ServerCallContext,
        reader: FlightStreamReader,
        writer: FlightStreamWriter,
    ) -> Result<(), FlightError> {
        mark(&context)?;
        self.0.do_exchange(context, reader, writer).await
    }

    async fn do_action(
        &self,
        context: ServerCallContext,
        action: Action,
    ) -> Result<MessageStream<ActionResult>, FlightError> {
        mark(&context)?;
        self.0.do_action(context, action).await
    }

    async fn list_actions(&self, context: ServerCallContext) -> Result<MessageStream<ActionType>, FlightError> {
        mark(&context)?;
        self.0.list_actions(context).await
    }
}
