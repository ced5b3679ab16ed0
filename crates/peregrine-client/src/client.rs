//! `FlightClient`: the RPCs, in the order of the protocol.

use std::sync::Arc;

use arrow_schema::SchemaRef;
use futures_core::Stream;
use futures_util::StreamExt;
use peregrine_proto::{
    Action, ActionResult, ActionType, Criteria, Empty, FlightDescriptor, FlightError, FlightInfo, FlightMethod,
    HandshakeRequest, HandshakeResponse, Location, PollInfo, SchemaResult, Ticket,
};
use peregrine_stream::{FlightMetadataReader, FlightStreamReader, FlightStreamWriter, MessageStream};

use crate::call::Caller;
use crate::config::ClientConfig;
use crate::options::FlightCallOptions;

/// A client of one Flight service.
///
/// Cheap to clone; clones share one connection, which is made at the first call and again when it was lost. After an
/// attempt that failed there is a pause, in which calls fail at once with `Unavailable`:
/// [`wait_for_available`](Self::wait_for_available) waits it out.
///
/// [`with`](Self::with) gives a client whose calls have options, [`at`](Self::at) one of another server. Dropping a
/// future or a stream that is returned cancels its call; [`do_put`](Self::do_put) and
/// [`do_exchange`](Self::do_exchange) say what holds for theirs.
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
    /// Those of every call of this client.
    options: Arc<FlightCallOptions>,
}

impl FlightClient {
    pub(crate) fn new(
        location: Location,
        config: Arc<ClientConfig>,
        options: Arc<FlightCallOptions>,
    ) -> Result<Self, FlightError> {
        let channel = config.channel(&location)?;
        Ok(Self { caller: Arc::new(Caller { channel, location, config }), options })
    }

    /// A client whose calls have these options, too: headers add up, later values win, see
    /// [`FlightCallOptions::merged`]. Cheap; it shares the connection.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use peregrine_client::{FlightCallOptions, FlightClient};
    /// use peregrine_proto::{FlightError, Ticket};
    ///
    /// # async fn example(client: FlightClient) -> Result<(), FlightError> {
    /// let options = FlightCallOptions::new().with_timeout(Duration::from_secs(5)).with_header("x-tenant", "north")?;
    /// let table = client.with(options).do_get(Ticket::new("trips")).await?.read_all().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with(&self, options: FlightCallOptions) -> Self {
        Self { caller: Arc::clone(&self.caller), options: Arc::new(self.options.merged(options)) }
    }

    /// A client of another location with the same configuration, options, receive buffers, authentication and
    /// middleware. It has a connection of its own, which [`close`](Self::close) of this client leaves alone. Headers and
    /// credentials of this client go there too: name only locations that may have them.
    /// [`Location::reuse_connection`], as an endpoint may have it, gives this client again.
    ///
    /// # Errors
    /// A location that cannot be parsed, or that this client cannot connect to.
    ///
    /// ```no_run
    /// use peregrine_client::FlightClient;
    /// use peregrine_proto::{FlightEndpoint, FlightError};
    ///
    /// # async fn example(client: FlightClient, endpoint: FlightEndpoint) -> Result<(), FlightError> {
    /// let there = match endpoint.locations().first() {
    ///     Some(location) => client.at(location.clone())?,
    ///     None => client, // where the endpoint came from
    /// };
    /// let table = there.do_get(endpoint.ticket().clone()).await?.read_all().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn at<L>(&self, location: L) -> Result<Self, FlightError>
    where
        L: TryInto<Location>,
        L::Error: Into<FlightError>,
    {
        let location = location.try_into().map_err(Into::into)?;
        if location == Location::reuse_connection() {
            return Ok(self.clone());
        }
        Self::new(location, Arc::clone(&self.caller.config), Arc::clone(&self.options))
    }

    /// The options of every call of this client.
    pub fn options(&self) -> &FlightCallOptions {
        &self.options
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Where the service is.
    pub fn location(&self) -> &Location {
        &self.caller.location
    }

    /// Exchanges messages of a handshake: sends what `requests` gives and returns what comes back, as it comes.
    ///
    /// # Errors
    /// `Unimplemented` where the server has no handshake.
    pub async fn handshake<S>(&self, requests: S) -> Result<MessageStream<HandshakeResponse>, FlightError>
    where
        S: Stream<Item = HandshakeRequest> + Send + 'static,
    {
        let requests = MessageStream::from_stream(requests.map(Ok::<_, FlightError>));
        self.caller.messages(FlightMethod::Handshake, requests, &self.options).await
    }

    /// Lists the flights that match, as they come. Empty criteria match all.
    ///
    /// # Errors
    /// The call's error, here or in the stream.
    pub async fn list_flights(&self, criteria: Criteria) -> Result<MessageStream<FlightInfo>, FlightError> {
        self.caller.stream(FlightMethod::ListFlights, &criteria, &self.options).await
    }

    /// Describes a flight and says where its data is.
    ///
    /// # Errors
    /// The call's error.
    pub async fn get_flight_info(&self, descriptor: FlightDescriptor) -> Result<FlightInfo, FlightError> {
        self.caller.unary(FlightMethod::GetFlightInfo, &descriptor, &self.options).await
    }

    /// Starts a long query, or asks how far it is with the descriptor of the last response.
    ///
    /// # Errors
    /// The call's error.
    pub async fn poll_flight_info(&self, descriptor: FlightDescriptor) -> Result<PollInfo, FlightError> {
        self.caller.unary(FlightMethod::PollFlightInfo, &descriptor, &self.options).await
    }

    /// Gives the schema of a flight.
    ///
    /// # Errors
    /// The call's error.
    pub async fn get_schema(&self, descriptor: FlightDescriptor) -> Result<SchemaResult, FlightError> {
        self.caller.unary(FlightMethod::GetSchema, &descriptor, &self.options).await
    }

    /// Reads the data behind a ticket. Returns once the schema is there.
    ///
    /// # Errors
    /// The call's error, if it came before the schema; later ones come from the reader.
    pub async fn do_get(&self, ticket: Ticket) -> Result<FlightStreamReader, FlightError> {
        self.caller.data(FlightMethod::DoGet, &ticket, &self.options).await
    }

    /// Uploads data: the writer has begun with the schema, the reader gives the server's acknowledgements. Returns before
    /// the server has seen anything of it.
    ///
    /// The upload is done when [`close`](FlightStreamWriter::close) says so. Dropping the writer before cancels the call;
    /// dropping the reader does not.
    ///
    /// # Errors
    /// A schema that cannot be encoded, a client that is closed, and errors of authentication and middleware. The call's
    /// error comes from the writer and the reader.
    pub async fn do_put(
        &self,
        descriptor: FlightDescriptor,
        schema: SchemaRef,
    ) -> Result<(FlightStreamWriter, FlightMetadataReader), FlightError> {
        self.caller.put(descriptor, schema, &self.options).await
    }

    /// Exchanges data in both directions. Returns before the server has seen anything of it. The writer is to
    /// [begin](FlightStreamWriter::begin) with a schema before it writes batches; the reader waits for nothing of that.
    ///
    /// Dropping the writer before it is done cancels the call. When the reader is dropped, what still arrives is
    /// discarded, and once both are dropped the call is cancelled.
    ///
    /// # Errors
    /// A client that is closed, and errors of authentication and middleware. The call's error comes from the writer and
    /// the reader.
    pub async fn do_exchange(
        &self,
        descriptor: FlightDescriptor,
    ) -> Result<(FlightStreamWriter, FlightStreamReader), FlightError> {
        self.caller.exchange(descriptor, &self.options).await
    }

    /// Runs an action and gives its results as they come. It runs whether they are read or not.
    ///
    /// # Errors
    /// The call's error, here or in the stream.
    pub async fn do_action(&self, action: Action) -> Result<MessageStream<ActionResult>, FlightError> {
        self.caller.stream(FlightMethod::DoAction, &action, &self.options).await
    }

    /// Lists the actions that the service has.
    ///
    /// # Errors
    /// The call's error, here or in the stream.
    pub async fn list_actions(&self) -> Result<MessageStream<ActionType>, FlightError> {
        self.caller.stream(FlightMethod::ListActions, &Empty, &self.options).await
    }
}

impl std::fmt::Debug for FlightClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlightClient").field("location", self.location()).finish_non_exhaustive()
    }
}
