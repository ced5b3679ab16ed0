//! `FlightService`: the ten RPCs that a server may have.

use std::future::Future;

use peregrine_proto::{
    Action, ActionResult, ActionType, Criteria, FlightDescriptor, FlightError, FlightInfo, HandshakeRequest,
    HandshakeResponse, PollInfo, SchemaResult, Ticket,
};
use peregrine_stream::{FlightDataStream, MessageStream};

use crate::context::ServerCallContext;

/// A Flight service. Implement the RPCs that you serve; the others answer `UNIMPLEMENTED`.
///
/// Methods are written as `async fn`. Each call's future runs on a task of its own and is dropped when the peer
/// resets the call or its deadline passes; the streams that are returned are dropped likewise. A panic in either
/// fails that call with `INTERNAL` and nothing else. Work that blocks belongs on
/// [`tokio::task::spawn_blocking`](https://docs.rs/tokio/latest/tokio/task/fn.spawn_blocking.html) or into a stream
/// that does so itself, as [`FlightDataStream::from_reader`].
///
/// ```
/// use peregrine_proto::{Action, ActionResult, FlightError};
/// use peregrine_server::{FlightService, ServerCallContext};
/// use peregrine_stream::MessageStream;
///
/// struct Echo;
///
/// impl FlightService for Echo {
///     async fn do_action(
///         &self,
///         _context: ServerCallContext,
///         action: Action,
///     ) -> Result<MessageStream<ActionResult>, FlightError> {
///         match action.action_type() {
///             "echo" => Ok(MessageStream::from_iter([ActionResult::new(action.body().clone())])),
///             other => Err(FlightError::unimplemented(format!("no action named {other}"))),
///         }
///     }
/// }
/// ```
pub trait FlightService: Send + Sync + 'static {
    /// Exchanges messages of a handshake, in both directions.
    fn handshake(
        &self,
        context: ServerCallContext,
        requests: MessageStream<HandshakeRequest>,
    ) -> impl Future<Output = Result<MessageStream<HandshakeResponse>, FlightError>> + Send {
        let _ = requests;
        not_served(&context)
    }

    /// Lists the flights that match, as they come.
    fn list_flights(
        &self,
        context: ServerCallContext,
        criteria: Criteria,
    ) -> impl Future<Output = Result<MessageStream<FlightInfo>, FlightError>> + Send {
        let _ = criteria;
        not_served(&context)
    }

    /// Describes one flight and says where its data is.
    fn get_flight_info(
        &self,
        context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> impl Future<Output = Result<FlightInfo, FlightError>> + Send {
        let _ = descriptor;
        not_served(&context)
    }

    /// Starts a long query or asks how far it is.
    fn poll_flight_info(
        &self,
        context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> impl Future<Output = Result<PollInfo, FlightError>> + Send {
        let _ = descriptor;
        not_served(&context)
    }

    /// Gives the schema of one flight.
    fn get_schema(
        &self,
        context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> impl Future<Output = Result<SchemaResult, FlightError>> + Send {
        let _ = descriptor;
        not_served(&context)
    }

    /// Streams the data behind a ticket.
    fn do_get(
        &self,
        context: ServerCallContext,
        ticket: Ticket,
    ) -> impl Future<Output = Result<FlightDataStream, FlightError>> + Send {
        let _ = ticket;
        not_served(&context)
    }

    /// Takes an upload. The server does not read uploads yet: a service may only refuse them.
    fn do_put(&self, context: ServerCallContext) -> impl Future<Output = Result<(), FlightError>> + Send {
        not_served(&context)
    }

    /// Exchanges data in both directions. The server does not read uploads yet: a service may only refuse them.
    fn do_exchange(&self, context: ServerCallContext) -> impl Future<Output = Result<(), FlightError>> + Send {
        not_served(&context)
    }

    /// Runs an action and streams its results. It runs whether the caller reads them or not.
    fn do_action(
        &self,
        context: ServerCallContext,
        action: Action,
    ) -> impl Future<Output = Result<MessageStream<ActionResult>, FlightError>> + Send {
        let _ = action;
        not_served(&context)
    }

    /// Lists the actions that the service has.
    fn list_actions(
        &self,
        context: ServerCallContext,
    ) -> impl Future<Output = Result<MessageStream<ActionType>, FlightError>> + Send {
        not_served(&context)
    }
}

/// The answer of an RPC that a service does not have.
fn not_served<T: Send>(context: &ServerCallContext) -> impl Future<Output = Result<T, FlightError>> + Send + use<T> {
    let error = FlightError::unimplemented(format!("this service does not implement {}", context.method()));
    std::future::ready(Err(error))
}
