//! Services with one RPC each, written as a closure.
//!
//! ```
//! use peregrine_proto::Ticket;
//! use peregrine_stream::FlightDataStream;
//! use peregrine_testkit::one_rpc::DoGet;
//! use peregrine_testkit::{Pair, batches};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), peregrine_proto::FlightError> {
//! let pair = Pair::new(DoGet(|_, _| async {
//!     Ok(FlightDataStream::from_batches(batches::int64(0).schema(), [batches::int64(3)]))
//! }));
//! assert_eq!(pair.client().do_get(Ticket::new("")).await?.read_all().await?.num_rows(), 3);
//! # Ok(())
//! # }
//! ```

use std::future::Future;

use peregrine_proto::{
    Action, ActionResult, Criteria, FlightDescriptor, FlightError, FlightInfo, HandshakeRequest, HandshakeResponse,
    PollInfo, Ticket,
};
use peregrine_server::{FlightService, ServerCallContext};
use peregrine_stream::{FlightDataStream, FlightMetadataWriter, FlightStreamReader, FlightStreamWriter, MessageStream};

/// Writes a service with the one method of its name.
macro_rules! service {
    ($service:ident, $method:ident($argument:ty) -> $answer:ty) => {
        #[doc = concat!("A service whose `", stringify!($method), "` is a closure; every other RPC is unimplemented.")]
        #[derive(Debug, Clone)]
        pub struct $service<F>(pub F);

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
        #[doc = concat!("A service whose `", stringify!($method), "` is a closure; every other RPC is unimplemented.")]
        #[derive(Debug, Clone)]
        pub struct $service<F>(pub F);

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
