//! `FlightClient`: the RPCs, in the order of the protocol.

use std::sync::Arc;

use arrow_schema::SchemaRef;
use futures_core::Stream;
use futures_util::{StreamExt, TryStreamExt};
use http::HeaderMap;
use peregrine_proto::{
    Action, ActionResult, ActionType, Criteria, Empty, FlightDescriptor, FlightError, FlightInfo, FlightMessage,
    FlightMethod, HandshakeRequest, HandshakeResponse, Location, PollInfo, SchemaResult, Ticket,
};
use peregrine_stream::{FlightMetadataReader, FlightStreamReader, FlightStreamWriter, MessageStream};
use peregrine_transport::{Outgoing, Status, frame_message};

use crate::builder::FlightClientBuilder;
use crate::call::{Caller, Upload};
use crate::options::FlightCallOptions;

/// A client of one Flight service.
///
/// Cheap to clone; clones share one connection, which is made at the first call and again when it was lost. After an
/// attempt that failed there is a pause, in which calls fail at once with `Unavailable`:
/// [`wait_for_available`](Self::wait_for_available) waits it out.
///
/// Every RPC has a form `*_with` that takes [`FlightCallOptions`]. Dropping a future or a stream that is returned
/// cancels its call; [`do_put`](Self::do_put) and [`do_exchange`](Self::do_exchange) say what holds for theirs.
///
/// ```no_run
/// use peregrine_client::FlightClient;
/// use peregrine_proto::{FlightDescriptor, FlightError};
///
/// # async fn example() -> Result<(), FlightError> {
/// let client = FlightClient::connect("grpc+tcp://127.0.0.1:8815")?;
/// let info = client.get_flight_info(FlightDescriptor::for_path(["trips"])).await?;
/// for endpoint in info.endpoints() {
///     let table = client.do_get(endpoint.ticket().clone()).await?.read_all().await?;
///     println!("{} rows", table.num_rows());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct FlightClient {
    caller: Arc<Caller>,
}

impl FlightClient {
    /// A client of the service at a location. Connects at the first call.
    ///
    /// # Errors
    /// A location that cannot be parsed, or whose scheme is not one that a client can connect to.
    pub fn connect<L>(location: L) -> Result<Self, FlightError>
    where
        L: TryInto<Location>,
        L::Error: Into<FlightError>,
    {
        Self::builder(location)?.build()
    }

    /// A client with options.
    ///
    /// # Errors
    /// A location that cannot be parsed.
    pub fn builder<L>(location: L) -> Result<FlightClientBuilder, FlightError>
    where
        L: TryInto<Location>,
        L::Error: Into<FlightError>,
    {
        Ok(FlightClientBuilder::new(location.try_into().map_err(Into::into)?))
    }

    pub(crate) fn new(caller: Caller) -> Self {
        Self { caller: Arc::new(caller) }
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Where the service is.
    pub fn location(&self) -> &Location {
        self.caller.location()
    }

    /// Exchanges messages of a handshake: sends what `requests` gives and returns what comes back, as it comes.
    ///
    /// # Errors
    /// `Unimplemented` where the server has no handshake.
    pub async fn handshake<S>(&self, requests: S) -> Result<MessageStream<HandshakeResponse>, FlightError>
    where
        S: Stream<Item = HandshakeRequest> + Send + 'static,
    {
        self.handshake_with(requests, &FlightCallOptions::default()).await
    }

    /// [`handshake`](Self::handshake) with options.
    ///
    /// # Errors
    /// As there.
    pub async fn handshake_with<S>(
        &self,
        requests: S,
        options: &FlightCallOptions,
    ) -> Result<MessageStream<HandshakeResponse>, FlightError>
    where
        S: Stream<Item = HandshakeRequest> + Send + 'static,
    {
        let requests = MessageStream::from_stream(requests.map(Ok::<_, FlightError>)).into_frames();
        let requests = Outgoing::stream(requests.map_err(Status::from));
        self.caller.stream(FlightMethod::Handshake, requests, options).await
    }

    /// Lists the flights that match, as they come. Empty criteria match all.
    ///
    /// # Errors
    /// The call's error, here or in the stream.
    pub async fn list_flights(&self, criteria: Criteria) -> Result<MessageStream<FlightInfo>, FlightError> {
        self.list_flights_with(criteria, &FlightCallOptions::default()).await
    }

    /// [`list_flights`](Self::list_flights) with options.
    ///
    /// # Errors
    /// As there.
    pub async fn list_flights_with(
        &self,
        criteria: Criteria,
        options: &FlightCallOptions,
    ) -> Result<MessageStream<FlightInfo>, FlightError> {
        self.caller.stream(FlightMethod::ListFlights, whole(&criteria)?, options).await
    }

    /// Describes a flight and says where its data is.
    ///
    /// # Errors
    /// The call's error.
    pub async fn get_flight_info(&self, descriptor: FlightDescriptor) -> Result<FlightInfo, FlightError> {
        self.get_flight_info_with(descriptor, &FlightCallOptions::default()).await
    }

    /// [`get_flight_info`](Self::get_flight_info) with options.
    ///
    /// # Errors
    /// As there.
    pub async fn get_flight_info_with(
        &self,
        descriptor: FlightDescriptor,
        options: &FlightCallOptions,
    ) -> Result<FlightInfo, FlightError> {
        self.caller.unary(FlightMethod::GetFlightInfo, whole(&descriptor)?, options).await
    }

    /// Starts a long query, or asks how far it is with the descriptor that the last answer gave.
    ///
    /// # Errors
    /// The call's error.
    pub async fn poll_flight_info(&self, descriptor: FlightDescriptor) -> Result<PollInfo, FlightError> {
        self.poll_flight_info_with(descriptor, &FlightCallOptions::default()).await
    }

    /// [`poll_flight_info`](Self::poll_flight_info) with options.
    ///
    /// # Errors
    /// As there.
    pub async fn poll_flight_info_with(
        &self,
        descriptor: FlightDescriptor,
        options: &FlightCallOptions,
    ) -> Result<PollInfo, FlightError> {
        self.caller.unary(FlightMethod::PollFlightInfo, whole(&descriptor)?, options).await
    }

    /// Gives the schema of a flight.
    ///
    /// # Errors
    /// The call's error.
    pub async fn get_schema(&self, descriptor: FlightDescriptor) -> Result<SchemaResult, FlightError> {
        self.get_schema_with(descriptor, &FlightCallOptions::default()).await
    }

    /// [`get_schema`](Self::get_schema) with options.
    ///
    /// # Errors
    /// As there.
    pub async fn get_schema_with(
        &self,
        descriptor: FlightDescriptor,
        options: &FlightCallOptions,
    ) -> Result<SchemaResult, FlightError> {
        self.caller.unary(FlightMethod::GetSchema, whole(&descriptor)?, options).await
    }

    /// Reads the data behind a ticket. Returns once the schema is there.
    ///
    /// # Errors
    /// The call's error, if it came before the schema; later ones come from the reader.
    pub async fn do_get(&self, ticket: Ticket) -> Result<FlightStreamReader, FlightError> {
        self.do_get_with(ticket, &FlightCallOptions::default()).await
    }

    /// [`do_get`](Self::do_get) with options.
    ///
    /// # Errors
    /// As there.
    pub async fn do_get_with(
        &self,
        ticket: Ticket,
        options: &FlightCallOptions,
    ) -> Result<FlightStreamReader, FlightError> {
        self.caller.data(FlightMethod::DoGet, whole(&ticket)?, options).await
    }

    /// Uploads data: the writer has begun with the schema, the reader gives what the server answers. Returns before
    /// the server has seen anything of it.
    ///
    /// The upload is done when [`close`](FlightStreamWriter::close) says so. Dropping the writer before cancels the call;
    /// dropping the reader does not.
    ///
    /// # Errors
    /// A schema that cannot be encoded, and a client that is closed. The call's error comes from the writer and the reader.
    pub async fn do_put(
        &self,
        descriptor: FlightDescriptor,
        schema: SchemaRef,
    ) -> Result<(FlightStreamWriter, FlightMetadataReader), FlightError> {
        self.do_put_with(descriptor, schema, &FlightCallOptions::default()).await
    }

    /// [`do_put`](Self::do_put) with options.
    ///
    /// # Errors
    /// As there.
    pub async fn do_put_with(
        &self,
        descriptor: FlightDescriptor,
        schema: SchemaRef,
        options: &FlightCallOptions,
    ) -> Result<(FlightStreamWriter, FlightMetadataReader), FlightError> {
        let (writer, answer) = self.caller.start(Upload::Put(schema), descriptor, options)?;
        Ok((writer, FlightMetadataReader::new(answer)))
    }

    /// Exchanges data in both directions. Returns before the server has seen anything of it. The writer is to
    /// [begin](FlightStreamWriter::begin) with a schema before it writes batches; the reader waits for nothing of that.
    ///
    /// Dropping the writer before it is done cancels the call. When the reader is dropped, what still comes is thrown away,
    /// and once both are dropped the call is cancelled.
    ///
    /// # Errors
    /// A client that is closed. The call's error comes from the writer and the reader.
    pub async fn do_exchange(
        &self,
        descriptor: FlightDescriptor,
    ) -> Result<(FlightStreamWriter, FlightStreamReader), FlightError> {
        self.do_exchange_with(descriptor, &FlightCallOptions::default()).await
    }

    /// [`do_exchange`](Self::do_exchange) with options.
    ///
    /// # Errors
    /// As there.
    pub async fn do_exchange_with(
        &self,
        descriptor: FlightDescriptor,
        options: &FlightCallOptions,
    ) -> Result<(FlightStreamWriter, FlightStreamReader), FlightError> {
        let (writer, answer) = self.caller.start(Upload::Exchange, descriptor, options)?;
        Ok((writer, self.caller.reader(answer, HeaderMap::new(), options)))
    }

    /// Runs an action and gives its results as they come. It runs whether they are read or not.
    ///
    /// # Errors
    /// The call's error, here or in the stream.
    pub async fn do_action(&self, action: Action) -> Result<MessageStream<ActionResult>, FlightError> {
        self.do_action_with(action, &FlightCallOptions::default()).await
    }

    /// [`do_action`](Self::do_action) with options.
    ///
    /// # Errors
    /// As there.
    pub async fn do_action_with(
        &self,
        action: Action,
        options: &FlightCallOptions,
    ) -> Result<MessageStream<ActionResult>, FlightError> {
        self.caller.stream(FlightMethod::DoAction, whole(&action)?, options).await
    }

    /// Lists the actions that the service has.
    ///
    /// # Errors
    /// The call's error, here or in the stream.
    pub async fn list_actions(&self) -> Result<MessageStream<ActionType>, FlightError> {
        self.list_actions_with(&FlightCallOptions::default()).await
    }

    /// [`list_actions`](Self::list_actions) with options.
    ///
    /// # Errors
    /// As there.
    pub async fn list_actions_with(
        &self,
        options: &FlightCallOptions,
    ) -> Result<MessageStream<ActionType>, FlightError> {
        self.caller.stream(FlightMethod::ListActions, whole(&Empty)?, options).await
    }
}

impl std::fmt::Debug for FlightClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlightClient").field("location", self.location()).finish_non_exhaustive()
    }
}

/// A request of one message.
fn whole<T: FlightMessage>(message: &T) -> Result<Outgoing, FlightError> {
    Ok(Outgoing::whole(frame_message(message.serialize())?))
}
