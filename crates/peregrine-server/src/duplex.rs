//! The calls that read and write at once: their handlers run in tasks of their own, beside the frames of the reply, which
//! stand still while the caller opens no window.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::StreamExt;
use peregrine_proto::FlightError;
use peregrine_stream::{FlightStreamReader, FrameConfig, WriteConfig, WrittenFrames};
use peregrine_transport::MessageReader;
use tokio::task::JoinHandle;

use crate::answer::{Answer, caught};
use crate::context::ServerCallContext;
use crate::served::Served;
use crate::service::FlightService;

pub(crate) async fn put<S: FlightService>(
    server: Arc<Served<S>>,
    context: ServerCallContext,
    messages: MessageReader,
    frames: FrameConfig,
) -> Result<Answer, FlightError> {
    let reader = read(&server, messages).await?;
    let (writer, frames) = WrittenFrames::of_metadata(frames);
    let call = context.clone();
    let handler = Handler::start(&call, async move { server.service.do_put(context, reader, writer).await });
    Ok(Answer::Frames(frames.until(handler).boxed()))
}

pub(crate) async fn exchange<S: FlightService>(
    server: Arc<Served<S>>,
    context: ServerCallContext,
    messages: MessageReader,
    frames: FrameConfig,
) -> Result<Answer, FlightError> {
    let reader = read(&server, messages).await?;
    let (writer, frames) = WrittenFrames::of_data(WriteConfig { frames, ..WriteConfig::default() });
    let call = context.clone();
    let handler = Handler::start(&call, async move { server.service.do_exchange(context, reader, writer).await });
    Ok(Answer::Frames(frames.until(handler).boxed()))
}

/// A reader that has the descriptor.
async fn read<S>(server: &Served<S>, messages: MessageReader) -> Result<FlightStreamReader, FlightError> {
    let mut reader = FlightStreamReader::new(messages, server.read_config());
    reader.read_descriptor().await?;
    Ok(reader)
}

/// A handler in its task, which goes when the call ends or this is dropped.
struct Handler(JoinHandle<Result<(), FlightError>>);

impl Handler {
    fn start<F>(context: &ServerCallContext, handler: F) -> Self
    where
        F: Future<Output = Result<(), FlightError>> + Send + 'static,
    {
        let call = context.clone();
        Self(context.tasks().spawn(async move {
            tokio::select! {
                biased;
                () = call.cancelled() => Err(FlightError::cancelled("the call was cancelled")),
                end = caught(handler) => end,
            }
        }))
    }
}

impl Future for Handler {
    type Output = Result<(), FlightError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let end = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(
            end.unwrap_or_else(|error| {
                Err(FlightError::internal("the task of the handler was lost").with_source(error))
            }),
        )
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        self.0.abort();
    }
}
