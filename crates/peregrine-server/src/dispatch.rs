//! The one way that every call takes through the server, in stages: authentication, middleware, handler, headers. The
//! end of the call is reported by its token.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_util::{FutureExt, StreamExt, stream};
use http::HeaderMap;
use http::header::USER_AGENT;
use peregrine_proto::{CallInfo, CallerIdentity, Empty, FlightError, FlightMessage, FlightMethod};
use peregrine_stream::{BodyAlignment, FrameConfig, MessageStream};
use peregrine_transport::{
    CallHandler, IncomingCall, MessageReader, Reply, ReplyFrame, ReplyFuture, Rope, Status, frame_message,
};

use crate::answer::{Answer, caught, guarded, panicked};
use crate::completion::Completion;
use crate::context::ServerCallContext;
use crate::duplex;
use crate::served::Served;
use crate::service::FlightService;
use crate::settings::{ServerStages, Settings};

/// A response that begins with a frame of up to this size is looked at once more: most have ended by then, and go out
/// in one piece.
const SMALL_FRAME: usize = 64 << 10;

/// Takes the transport's calls to a service.
pub(crate) struct Dispatch<S> {
    server: Arc<Served<S>>,
}

impl<S: FlightService> Dispatch<S> {
    pub(crate) fn new(service: S, settings: &Settings) -> Self {
        Self { server: Arc::new(Served::new(service, settings)) }
    }
}

impl<S: FlightService> CallHandler for Dispatch<S> {
    fn handle(&self, call: IncomingCall) -> ReplyFuture {
        Box::pin(run(Arc::clone(&self.server), call))
    }
}

/// The complete call, up to its first message; the frames that are returned carry it on.
async fn run<S: FlightService>(server: Arc<Served<S>>, call: IncomingCall) -> Reply {
    respond(server, call).await.unwrap_or_else(|error| Reply::end(HeaderMap::new(), error.into()))
}

/// The response of a call.
///
/// # Errors
/// That middleware panicked over its headers.
async fn respond<S: FlightService>(server: Arc<Served<S>>, call: IncomingCall) -> Result<Reply, FlightError> {
    let completion = Completion::watch(&call.info, &server.stages, &call.token, call.messages.counter());
    let completion = completion.as_deref();
    let (method, identity) = match caught(admit(&server.stages, &call.info, completion)).await {
        Ok(admitted) => admitted,
        Err(error) => return Ok(Reply::end(headers(HeaderMap::new(), completion)?, error.into())),
    };
    let (context, messages) = ServerCallContext::new(method, identity, call);
    let frames = match caught(route(server, context.clone(), messages)).await {
        Ok(Answer::Frames(frames)) => frames,
        Ok(Answer::Complete(rope)) => {
            let headers = headers(context.take_headers(), completion)?;
            return Ok(Reply::complete(headers, rope, context.ending(Status::ok())));
        }
        Err(error) => {
            let headers = headers(context.take_headers(), completion)?;
            return Ok(Reply::end(headers, context.ending(error.into())));
        }
    };
    let mut frames = EndingFrames { frames: Some(guarded(frames)), context: context.clone() };
    let first = frames.next().await;
    // Headers may be added until the first message is there.
    let headers = headers(context.take_headers(), completion)?;
    Ok(match first {
        Some(ReplyFrame::Data(rope)) if rope.len() <= SMALL_FRAME => match frames.next().now_or_never() {
            Some(Some(ReplyFrame::End(status))) => Reply::complete(headers, rope, status),
            more => {
                let first = [Some(ReplyFrame::Data(rope)), more.flatten()].into_iter().flatten();
                Reply::stream(headers, stream::iter(first).chain(frames))
            }
        },
        Some(ReplyFrame::End(status)) => Reply::end(headers, status),
        first => Reply::stream(headers, stream::iter(first).chain(frames)),
    })
}

/// The stages before the handler: who calls, and what accompanies the call.
async fn admit(
    stages: &ServerStages,
    call: &CallInfo,
    completion: Option<&Completion>,
) -> Result<(FlightMethod, Option<CallerIdentity>), FlightError> {
    let identity = stages.authenticate(call).await?;
    if let Some(completion) = completion {
        completion.start_hooks()?;
    }
    let unknown = || FlightError::unimplemented(format!("no method {}", call.path()));
    Ok((call.method().ok_or_else(unknown)?, identity))
}

/// The headers of a response, as middleware leaves them.
///
/// # Errors
/// That it panicked.
fn headers(mut headers: HeaderMap, completion: Option<&Completion>) -> Result<HeaderMap, FlightError> {
    if let Some(completion) = completion {
        let changed = catch_unwind(AssertUnwindSafe(|| completion.sending_headers(&mut headers)));
        changed.map_err(|panic| panicked(&*panic))?;
    }
    Ok(headers)
}

/// Calls the handler of the method and frames its response.
async fn route<S: FlightService>(
    server: Arc<Served<S>>,
    context: ServerCallContext,
    mut messages: MessageReader,
) -> Result<Answer, FlightError> {
    let service = &server.service;
    let frames = frame_config(&context, &messages);
    match context.method() {
        FlightMethod::Handshake => {
            many(service.handshake(context, MessageStream::from_messages(messages)).await?, frames)
        }
        FlightMethod::ListFlights => many(service.list_flights(context, request(&mut messages).await?).await?, frames),
        FlightMethod::GetFlightInfo => {
            one(&service.get_flight_info(context, request(&mut messages).await?).await?, &frames)
        }
        FlightMethod::PollFlightInfo => {
            one(&service.poll_flight_info(context, request(&mut messages).await?).await?, &frames)
        }
        FlightMethod::GetSchema => one(&service.get_schema(context, request(&mut messages).await?).await?, &frames),
        FlightMethod::DoGet => {
            let data = service.do_get(context, request(&mut messages).await?).await?;
            Ok(Answer::Frames(data.into_frames(frames)?.boxed()))
        }
        FlightMethod::DoAction => many(service.do_action(context, request(&mut messages).await?).await?, frames),
        FlightMethod::ListActions => {
            let Empty = request(&mut messages).await?;
            many(service.list_actions(context).await?, frames)
        }
        FlightMethod::DoPut => duplex::put(server, context, messages, frames).await,
        FlightMethod::DoExchange => duplex::exchange(server, context, messages, frames).await,
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

/// A response of one message.
fn one<T: FlightMessage>(response: &T, frames: &FrameConfig) -> Result<Answer, FlightError> {
    let message = response.serialize();
    if let Some(counter) = &frames.counter {
        counter.count_sent(1, message.len() as u64);
    }
    Ok(Answer::Complete(frame_message(message)?))
}

/// A response of many messages.
fn many<T: FlightMessage>(responses: MessageStream<T>, frames: FrameConfig) -> Result<Answer, FlightError> {
    Ok(Answer::Frames(responses.into_frames(frames).boxed()))
}

/// How the messages of a call are framed: bodies begin where the caller's receive path wants them.
fn frame_config(context: &ServerCallContext, messages: &MessageReader) -> FrameConfig {
    let user_agent = context.request_headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
    let alignment = user_agent.map(BodyAlignment::for_user_agent).unwrap_or_default();
    FrameConfig { alignment, counter: Some(Arc::clone(messages.counter())) }
}

/// The frames of a response with the status behind them.
struct EndingFrames<F> {
    /// `None` once the status was given out.
    frames: Option<F>,
    context: ServerCallContext,
}

impl<F: Stream<Item = Result<Rope, FlightError>> + Unpin> Stream for EndingFrames<F> {
    type Item = ReplyFrame;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ReplyFrame>> {
        let Some(frames) = &mut self.frames else { return Poll::Ready(None) };
        let status = match ready!(Pin::new(frames).poll_next(cx)) {
            Some(Ok(frame)) => return Poll::Ready(Some(ReplyFrame::Data(frame))),
            Some(Err(error)) => Status::from(error),
            None => Status::ok(),
        };
        self.frames = None;
        Poll::Ready(Some(ReplyFrame::End(self.context.ending(status))))
    }
}
