//! The one way that every call takes through the client: it begins, is sent, and is read.

use std::sync::Arc;

use arrow_schema::SchemaRef;
use peregrine_proto::{
    CallCounter, FlightDescriptor, FlightError, FlightMessage, FlightMethod, Location, OutgoingCall,
};
use peregrine_stream::{
    FlightMetadataReader, FlightStreamReader, FlightStreamWriter, FrameConfig, MessageStream, ReadConfig, WriteConfig,
};
use peregrine_transport::{Abandoned, CallObserver, CallStart, Channel, MessageReader, Outgoing, frame_message};
use tokio::time::Instant;

use crate::completion::Completion;
use crate::config::ClientConfig;
use crate::options::FlightCallOptions;

/// Makes calls to one location.
pub(crate) struct Caller {
    pub(crate) channel: Channel,
    pub(crate) location: Location,
    pub(crate) config: Arc<ClientConfig>,
}

impl Caller {
    /// Begins a call: authentication adds its headers, then middleware starts. Every call begins here.
    async fn begin(&self, method: FlightMethod, options: &FlightCallOptions) -> Result<CallStart, FlightError> {
        self.channel.check_open()?;
        let deadline = deadline(options);
        let counter = Arc::<CallCounter>::default();
        let start = CallStart { deadline, counter, ..CallStart::new(method.path()) };
        let stages = &self.config.stages;
        if stages.auth.is_none() && stages.middleware.is_empty() {
            return Ok(CallStart { metadata: options.headers.clone(), ..start });
        }
        let mut call = OutgoingCall::new(method, options.headers.clone(), deadline);
        if let Some(auth) = &stages.auth {
            within(deadline, auth.authorize(&mut call)).await?;
        }
        let completion = Completion::start(&stages.middleware, &mut call, &start.counter)?;
        let observer: Arc<dyn CallObserver> = Arc::new(completion);
        Ok(CallStart { metadata: std::mem::take(call.headers_mut()), observer: Some(observer), ..start })
    }

    /// A call with one message in each direction.
    pub(crate) async fn unary<A: FlightMessage>(
        &self,
        method: FlightMethod,
        request: &(impl FlightMessage + Sync),
        options: &FlightCallOptions,
    ) -> Result<A, FlightError> {
        let mut messages = self.send(method, request, options).await?;
        let response = messages.next_message().await.transpose()?;
        // The status comes behind the message, and may still be an error.
        let extra = messages.next_message().await.transpose()?;
        match (response, extra) {
            (Some(response), None) => A::deserialize(response),
            (None, _) => Err(FlightError::internal(format!("{method} ended without a response"))),
            (Some(_), Some(_)) => Err(FlightError::internal(format!("{method} sent more than one response"))),
        }
    }

    /// A call whose response is a stream of messages.
    pub(crate) async fn stream<A: FlightMessage>(
        &self,
        method: FlightMethod,
        request: &(impl FlightMessage + Sync),
        options: &FlightCallOptions,
    ) -> Result<MessageStream<A>, FlightError> {
        Ok(MessageStream::from_messages(self.send(method, request, options).await?))
    }

    /// A call with streams of messages in both directions.
    pub(crate) async fn messages<Q: FlightMessage, A: FlightMessage>(
        &self,
        method: FlightMethod,
        requests: MessageStream<Q>,
        options: &FlightCallOptions,
    ) -> Result<MessageStream<A>, FlightError> {
        let start = self.begin(method, options).await?;
        let frames = requests.into_frames(frames_of(&start));
        let requests = Outgoing::stream(futures_util::TryStreamExt::map_err(frames, Into::into));
        Ok(MessageStream::from_messages(self.channel.call(start, requests).await?))
    }

    /// A call whose response is data. Reads to the schema, so that an error of the handler comes from the call.
    pub(crate) async fn data(
        &self,
        method: FlightMethod,
        request: &(impl FlightMessage + Sync),
        options: &FlightCallOptions,
    ) -> Result<FlightStreamReader, FlightError> {
        let messages = self.send(method, request, options).await?;
        let mut reader = self.reader(messages, options);
        reader.schema().await?;
        Ok(reader)
    }

    /// An upload, and its acknowledgements. Dropping both leaves an upload that was written completely alone.
    pub(crate) async fn put(
        &self,
        descriptor: FlightDescriptor,
        schema: SchemaRef,
        options: &FlightCallOptions,
    ) -> Result<(FlightStreamWriter, FlightMetadataReader), FlightError> {
        let start = self.begin(FlightMethod::DoPut, options).await?;
        let (writer, messages) = self.upload(start, descriptor, Some(schema), options, Abandoned::RunsOn)?;
        Ok((writer, FlightMetadataReader::new(messages)))
    }

    /// Data in both directions.
    pub(crate) async fn exchange(
        &self,
        descriptor: FlightDescriptor,
        options: &FlightCallOptions,
    ) -> Result<(FlightStreamWriter, FlightStreamReader), FlightError> {
        let start = self.begin(FlightMethod::DoExchange, options).await?;
        let (writer, messages) = self.upload(start, descriptor, None, options, Abandoned::IsCancelled)?;
        Ok((writer, self.reader(messages, options)))
    }

    /// Starts a call that is written and read at once.
    fn upload(
        &self,
        start: CallStart,
        descriptor: FlightDescriptor,
        schema: Option<SchemaRef>,
        options: &FlightCallOptions,
        abandoned: Abandoned,
    ) -> Result<(FlightStreamWriter, MessageReader), FlightError> {
        let config = WriteConfig {
            options: options.write_options.clone().unwrap_or_default(),
            size_limit: self.config.write_size_limit,
            frames: frames_of(&start),
        };
        let (writer, request) = match FlightStreamWriter::request(descriptor, schema, config) {
            Ok(request) => request,
            Err(error) => {
                // The call has begun, and ends here.
                start.observer.iter().for_each(|observer| observer.on_end(&error.clone().into()));
                return Err(error);
            }
        };
        let (messages, sender) = self.channel.start(start, request, abandoned)?;
        Ok((writer.of_call(sender), messages))
    }

    /// Sends a request of one message.
    async fn send(
        &self,
        method: FlightMethod,
        request: &(impl FlightMessage + Sync),
        options: &FlightCallOptions,
    ) -> Result<MessageReader, FlightError> {
        let request = request.serialize();
        let length = request.len() as u64;
        let request = Outgoing::whole(frame_message(request)?);
        let start = self.begin(method, options).await?;
        start.counter.count_sent(1, length);
        Ok(self.channel.call(start, request).await?)
    }

    /// A reader of the data of a response.
    fn reader(&self, messages: MessageReader, options: &FlightCallOptions) -> FlightStreamReader {
        let config = ReadConfig {
            options: options.read_options.clone().unwrap_or_default(),
            limits: self.config.limits.clone(),
            buffers: self.config.buffers.clone(),
        };
        FlightStreamReader::new(messages, config)
    }
}

/// How the messages of a call are framed.
fn frames_of(start: &CallStart) -> FrameConfig {
    FrameConfig { counter: Some(Arc::clone(&start.counter)), ..FrameConfig::default() }
}

/// When a call must be done.
fn deadline(options: &FlightCallOptions) -> Option<std::time::Instant> {
    // tokio's clock, which tests may pause. What no clock can reach is no deadline.
    options.timeout.and_then(|timeout| Instant::now().checked_add(timeout)).map(Instant::into_std)
}

/// Waits for what comes before a call is sent, up to the deadline of the call.
async fn within(
    deadline: Option<std::time::Instant>,
    stage: impl Future<Output = Result<(), FlightError>>,
) -> Result<(), FlightError> {
    match deadline {
        None => stage.await,
        Some(deadline) => tokio::time::timeout_at(deadline.into(), stage)
            .await
            .unwrap_or_else(|_| Err(FlightError::timed_out("the deadline of the call passed"))),
    }
}
