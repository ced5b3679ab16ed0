//! `FlightService`: the ten RPCs that a server may have, and the five actions that Flight defines.

use std::future::Future;

use peregrine_proto::{
    Action, ActionResult, ActionType, CancelFlightInfoRequest, CancelFlightInfoResult, CloseSessionRequest,
    CloseSessionResult, Criteria, FlightDescriptor, FlightEndpoint, FlightError, FlightInfo, GetSessionOptionsRequest,
    GetSessionOptionsResult, HandshakeRequest, HandshakeResponse, PollInfo, RenewFlightEndpointRequest, SchemaResult,
    SetSessionOptionsRequest, SetSessionOptionsResult, Ticket,
};
use peregrine_stream::{FlightDataStream, FlightMetadataWriter, FlightStreamReader, FlightStreamWriter, MessageStream};

use crate::action::no_hook;
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
///
/// Behind the ten RPCs stand the five actions that Flight defines, each with a method of its own. They are DoActions:
/// [`context.method()`](ServerCallContext::method) says so. A body that cannot be read fails the call with
/// `INVALID_ARGUMENT` before it gets here.
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

    /// Takes an upload: reads its batches, and answers with metadata while it does or after. The reader has the descriptor.
    ///
    /// The upload is whole when the reader came to its end without an error. The call ends when this returns; with `Ok`
    /// before the end of the upload, the rest of it is thrown away.
    ///
    /// ```
    /// use peregrine_proto::FlightError;
    /// use peregrine_server::{FlightService, ServerCallContext};
    /// use peregrine_stream::{FlightMetadataWriter, FlightStreamReader};
    ///
    /// struct Counter;
    ///
    /// impl FlightService for Counter {
    ///     async fn do_put(
    ///         &self,
    ///         _context: ServerCallContext,
    ///         mut reader: FlightStreamReader,
    ///         mut writer: FlightMetadataWriter,
    ///     ) -> Result<(), FlightError> {
    ///         let mut rows = 0;
    ///         while let Some(batch) = reader.read_next().await? {
    ///             rows += batch.num_rows();
    ///             writer.write(rows.to_string()).await?;
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// ```
    fn do_put(
        &self,
        context: ServerCallContext,
        reader: FlightStreamReader,
        writer: FlightMetadataWriter,
    ) -> impl Future<Output = Result<(), FlightError>> + Send {
        let _ = (reader, writer);
        not_served(&context)
    }

    /// Exchanges data in both directions, in whatever order. The reader has the descriptor; the writer begins with a
    /// schema when there is something to write. The call ends when this returns.
    fn do_exchange(
        &self,
        context: ServerCallContext,
        reader: FlightStreamReader,
        writer: FlightStreamWriter,
    ) -> impl Future<Output = Result<(), FlightError>> + Send {
        let _ = (reader, writer);
        not_served(&context)
    }

    /// Runs an action and streams its results. It runs whether the caller reads them or not.
    ///
    /// The five actions that Flight defines go to the methods below first, and come here, as they are, where those are
    /// not implemented.
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

    /// The action `CancelFlightInfo`: stops the query behind a flight, or says that it cannot be stopped.
    fn cancel_flight_info(
        &self,
        context: ServerCallContext,
        request: CancelFlightInfoRequest,
    ) -> impl Future<Output = Result<CancelFlightInfoResult, FlightError>> + Send {
        let _ = (context, request);
        no_hook(ActionType::CANCEL_FLIGHT_INFO)
    }

    /// The action `RenewFlightEndpoint`: gives an endpoint more time and answers with it as it is from now on.
    fn renew_flight_endpoint(
        &self,
        context: ServerCallContext,
        request: RenewFlightEndpointRequest,
    ) -> impl Future<Output = Result<FlightEndpoint, FlightError>> + Send {
        let _ = (context, request);
        no_hook(ActionType::RENEW_FLIGHT_ENDPOINT)
    }

    /// The action `SetSessionOptions`: sets options for the calls of a session to come, and tells which it refused.
    fn set_session_options(
        &self,
        context: ServerCallContext,
        request: SetSessionOptionsRequest,
    ) -> impl Future<Output = Result<SetSessionOptionsResult, FlightError>> + Send {
        let _ = (context, request);
        no_hook(ActionType::SET_SESSION_OPTIONS)
    }

    /// The action `GetSessionOptions`: gives all options of a session.
    fn get_session_options(
        &self,
        context: ServerCallContext,
        request: GetSessionOptionsRequest,
    ) -> impl Future<Output = Result<GetSessionOptionsResult, FlightError>> + Send {
        let _ = (context, request);
        no_hook(ActionType::GET_SESSION_OPTIONS)
    }

    /// The action `CloseSession`: ends a session.
    fn close_session(
        &self,
        context: ServerCallContext,
        request: CloseSessionRequest,
    ) -> impl Future<Output = Result<CloseSessionResult, FlightError>> + Send {
        let _ = (context, request);
        no_hook(ActionType::CLOSE_SESSION)
    }
}

/// The answer of an RPC that a service does not have.
fn not_served<T: Send>(context: &ServerCallContext) -> impl Future<Output = Result<T, FlightError>> + Send + use<T> {
    let error = FlightError::unimplemented(format!("this service does not implement {}", context.method()));
    std::future::ready(Err(error))
}
