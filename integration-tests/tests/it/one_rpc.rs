//! Services with one RPC each, written as a closure.

use std::future::Future;

use peregrine::proto::{
    Action, ActionResult, Criteria, FlightDescriptor, FlightError, FlightInfo, HandshakeRequest, HandshakeResponse,
    PollInfo, Ticket,
};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::{
    FlightDataStream, FlightMetadataWriter, FlightStreamReader, FlightStreamWriter, MessageStream,
};

/// Writes a service with the one method of its name.
macro_rules! service {
    ($service:ident, $method:ident($argument:ty) -> $answer:ty) => {
        pub(crate) struct $service<F>(pub(crate) F);

        impl<F, A> FlightService for $service<F>
        where
            F: Fn(ServerCallContext, $argument) -> A + Send + Sync + 'static,
            A: Future<Output = Result<$answer, FlightError>> + Send + 'static,
        {
            async fn $method(&self, context: ServerCallContext, argument: $argument) -> Result<$answer, FlightError> {
                (self.0)(context, argument).await
            }
        }
    };
}

service!(Handshake, handshake(MessageStream<HandshakeRequest>) -> MessageStream<HandshakeResponse>);
service!(ListFlights, list_flights(Criteria) -> MessageStream<FlightInfo>);
service!(GetFlightInfo, get_flight_info(FlightDescriptor) -> FlightInfo);
service!(PollFlightInfo, poll_flight_info(FlightDescriptor) -> PollInfo);
service!(DoGet, do_get(Ticket) -> FlightDataStream);
service!(DoAction, do_action(Action) -> MessageStream<ActionResult>);

/// Writes a service with the one method of its name, which reads and writes at once.
macro_rules! duplex_service {
    ($service:ident, $method:ident($writer:ty)) => {
        pub(crate) struct $service<F>(pub(crate) F);

        impl<F, A> FlightService for $service<F>
        where
            F: Fn(ServerCallContext, FlightStreamReader, $writer) -> A + Send + Sync + 'static,
            A: Future<Output = Result<(), FlightError>> + Send + 'static,
        {
            async fn $method(
                &self,
                context: ServerCallContext,
                reader: FlightStreamReader,
                writer: $writer,
            ) -> Result<(), FlightError> {
                (self.0)(context, reader, writer).await
            }
        }
    };
}

duplex_service!(DoPut, do_put(FlightMetadataWriter));
duplex_service!(DoExchange, do_exchange(FlightStreamWriter));
