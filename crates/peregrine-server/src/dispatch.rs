//! The one way that every call takes through the server: parse, handler, sending headers, finish.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_core::stream::BoxStream;
use futures_util::{FutureExt, StreamExt, stream};
use http::HeaderMap;
use http::header::USER_AGENT;
use peregrine_proto::{FlightError, FlightMessage, FlightMethod, MessageLimits};
use peregrine_stream::{BodyAlignment, MessageStream, ReadConfig, ReceiveBuffers};
use peregrine_transport::{CallHandler, IncomingCall, MessageReader, Reply, ReplyFrame, ReplyFuture, Rope, Status};

use crate::context::ServerCallContext;
use crate::finish::Finish;
use crate::service::FlightService;
use crate::upload;

/// Takes the transport's calls to a service.
pub(crate) struct Dispatch<S> {
    server: Arc<Server<S>>,
}

/// A service, and what its uploads are read with.
pub(crate) struct Server<S> {
    pub(crate) service: S,
    limits: MessageLimits,
    buffers: ReceiveBuffers,
}

/// What a handler answers, framed.
pub(crate) type Frames = BoxStream<'static, Result<Rope, FlightError>>;

impl<S: FlightService> Dispatch<S> {
    pub(crate) fn new(service: S, limits: MessageLimits) -> Self {
        Self { server: Arc::new(Server { service, limits, buffers: ReceiveBuffers::default() }) }
    }
}

impl<S: FlightService> CallHandler for Dispatch<S> {
    fn handle(&self, call: IncomingCall) -> ReplyFuture {
        let server = Arc::clone(&self.server);
        Box::pin(async move { run(server, call).await })
    }
}

impl<S> Server<S> {
    /// How an upload is read.
    pub(crate) fn read_config(&self) -> ReadConfig {
        ReadConfig { limits: self.limits.clone(), buffers: self.buffers.clone(), ..ReadConfig::default() }
    }
}

/// The whole call, up to its first message; the frames that are returned carry it on.
async fn run<S: FlightService>(server: Arc<Server<S>>, mut call: IncomingCall) -> Reply {
    let Some(method) = FlightMethod::from_path(&call.path) else {
        let error = FlightError::unimplemented(format!("no method {}", call.path));
        return Reply::end(HeaderMap::new(), error.into());
    };
    let alignment = alignment(&call);
    let context = ServerCallContext::new(method, &mut call);
    let finish = Finish::new(context.clone());
    let answer = caught(route(server, context.clone(), call.messages, alignment)).await;
    let frames = guarded(answer.unwrap_or_else(failed));
    let mut frames = Ending { frames, context: context.clone(), finish: Some(finish) };
    // Headers may be added until the first message is there.
    match frames.next().await {
        Some(ReplyFrame::End(status)) => Reply::end(context.take_headers(), status),
        first => Reply::stream(context.take_headers(), stream::iter(first).chain(frames)),
    }
}

/// Calls the handler of the method and frames what it answers.
async fn route<S: FlightService>(
    server: Arc<Server<S>>,
    context: ServerCallContext,
    mut messages: MessageReader,
    alignment: BodyAlignment,
) -> Result<Frames, FlightError> {
    let service = &server.service;
    match context.method() {
        FlightMethod::Handshake => {
            let requests = MessageStream::from_messages(messages, context.request_headers().clone());
            many(service.handshake(context, requests).await?)
        }
        FlightMethod::ListFlights => many(service.list_flights(context, request(&mut messages).await?).await?),
        FlightMethod::GetFlightInfo => one(service.get_flight_info(context, request(&mut messages).await?).await?),
        FlightMethod::PollFlightInfo => one(service.poll_flight_info(context, request(&mut messages).await?).await?),
        FlightMethod::GetSchema => one(service.get_schema(context, request(&mut messages).await?).await?),
        FlightMethod::DoGet => {
            let data = service.do_get(context, request(&mut messages).await?).await?;
            Ok(data.into_frames(alignment)?.boxed())
        }
        FlightMethod::DoAction => many(service.do_action(context, request(&mut messages).await?).await?),
        FlightMethod::ListActions => {
            let peregrine_proto::Empty = request(&mut messages).await?;
            many(service.list_actions(context).await?)
        }
        FlightMethod::DoPut => upload::put(server, context, messages).await,
        FlightMethod::DoExchange => upload::exchange(server, context, messages, alignment).await,
    }
}

/// Reads the one message of a request and that nothing follows it.
async fn request<T: FlightMessage>(messages: &mut MessageReader) -> Result<T, FlightError> {
    let Some(message) = messages.next_message().await.transpose()? else {
        return Err(FlightError::invalid_argument("the request carries no message"));
    };
    if messages.next_message().await.transpose()?.is_some() {
        return Err(FlightError::invalid_argument("the request carries more than one message"));
    }
    T::deserialize(message)
}

fn one<T: FlightMessage + Sync>(answer: T) -> Result<Frames, FlightError> {
    many(MessageStream::from_iter([answer]))
}

fn many<T: FlightMessage>(answers: MessageStream<T>) -> Result<Frames, FlightError> {
    Ok(answers.into_frames().boxed())
}

fn failed(error: FlightError) -> Frames {
    stream::iter([Err(error)]).boxed()
}

/// Where the caller's receive path wants bodies to begin.
fn alignment(call: &IncomingCall) -> BodyAlignment {
    let user_agent = call.metadata.get(USER_AGENT).and_then(|value| value.to_str().ok());
    user_agent.map(BodyAlignment::for_user_agent).unwrap_or_default()
}

/// Turns a panic of a handler into its error.
pub(crate) async fn caught<T>(handler: impl Future<Output = Result<T, FlightError>>) -> Result<T, FlightError> {
    AssertUnwindSafe(handler).catch_unwind().await.unwrap_or_else(|panic| Err(panicked(&*panic)))
}

/// Turns a panic while frames are made into their error.
fn guarded(frames: Frames) -> impl Stream<Item = Result<Rope, FlightError>> + Send + Unpin {
    AssertUnwindSafe(frames).catch_unwind().map(|frame| frame.unwrap_or_else(|panic| Err(panicked(&*panic))))
}

/// What the caller is told of a panic; the panic's own words are for the log.
fn panicked(panic: &(dyn Any + Send)) -> FlightError {
    let words = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = words.unwrap_or("(not a string)"), "a handler panicked");
    FlightError::internal("the handler of this call panicked")
}

/// The frames of an answer with the status behind them.
struct Ending<F> {
    frames: F,
    context: ServerCallContext,
    finish: Option<Finish>,
}

impl<F: Stream<Item = Result<Rope, FlightError>> + Unpin> Stream for Ending<F> {
    type Item = ReplyFrame;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ReplyFrame>> {
        if self.finish.is_none() {
            return Poll::Ready(None);
        }
        let mut status = match ready!(Pin::new(&mut self.frames).poll_next(cx)) {
            Some(Ok(frame)) => return Poll::Ready(Some(ReplyFrame::Data(frame))),
            Some(Err(error)) => Status::from(error),
            None => Status::ok(),
        };
        if let Some(finish) = self.finish.take() {
            finish.with(&status);
        }
        status.metadata_mut().extend(self.context.take_trailers());
        Poll::Ready(Some(ReplyFrame::End(status)))
    }
}
