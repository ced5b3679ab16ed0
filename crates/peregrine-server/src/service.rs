//! `FlightService`: the ten RPCs that a server may have.

use std::future::Future;

use peregrine_proto::{
    Action, ActionResult, ActionType, Criteria, FlightDescriptor, FlightError, FlightInfo, HandshakeRequest,
    HandshakeResponse, PollInfo, SchemaResult, Ticket,
};
use peregrine_stream::{FlightDataStream, FlightMetadataWriter, FlightStreamReader, FlightStreamWriter, MessageStream};

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
/// The methods are those of the protocol, in its order, and there are no others: a service that wraps another one
/// forwards everything by forwarding the ten. The five actions that Flight defines arrive by
/// [`do_action`](Self::do_action), which shows how to read them.
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

    /// Takes an upload: reads its batches, and answers with metadata while it does or after. The reader has the
    /// descriptor.
    ///
    /// The upload is complete when the reader reached its end without an error. The call ends when this returns; with
    /// `Ok` before the end of the upload, the rest of it is discarded.
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
    /// [`Action::request`] reads the five actions that Flight defines, and fails with `INVALID_ARGUMENT` where the body
    /// of one cannot be read. Their results are typed and become an [`ActionResult`] by `into()`.
    ///
    /// ```
    /// use peregrine_proto::{
    ///     Action, ActionRequest, ActionResult, CancelFlightInfoResult, CancelStatus, CloseSessionResult,
    ///     CloseSessionStatus, FlightError,
    /// };
    /// use peregrine_server::{FlightService, ServerCallContext};
    /// use peregrine_stream::MessageStream;
    ///
    /// struct Queries;
    ///
    /// impl FlightService for Queries {
    ///     async fn do_action(
    ///         &self,
    ///         _context: ServerCallContext,
    ///         action: Action,
    ///     ) -> Result<MessageStream<ActionResult>, FlightError> {
    ///         let result = match action.request()? {
    ///             ActionRequest::CancelFlightInfo(request) if request.info().descriptor().is_some() => {
    ///                 CancelFlightInfoResult::new(CancelStatus::Cancelled).into()
    ///             }
    ///             ActionRequest::CloseSession(_) => CloseSessionResult::new(CloseSessionStatus::Closed).into(),
    ///             _ => return Err(FlightError::unimplemented(format!("no action named {}", action.action_type()))),
    ///         };
    ///         Ok(MessageStream::from_iter([result]))
    ///     }
    /// }
    /// ```
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
