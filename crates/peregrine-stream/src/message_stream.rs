//! A stream of messages other than data: flights, action results, action types.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::HeaderMap;
use peregrine_proto::{FlightError, FlightMessage};
use peregrine_transport::{MessageReader, Rope};

use crate::blocking;
use crate::outgoing::body_alignment::BodyAlignment;
use crate::outgoing::frame_assembler::FrameAssembler;
use crate::outgoing::frames::{FrameSource, Frames};

/// A stream of `Result<T, FlightError>`: what a handler returns for a listing, and what the client gets of it.
///
/// Dropping it at the client cancels the call; at the server it is dropped when the peer has gone. After an error
/// comes nothing more.
///
/// ```
/// use peregrine_proto::ActionResult;
/// use peregrine_stream::MessageStream;
///
/// let answers = MessageStream::from_iter(["one", "two"].map(ActionResult::new));
/// # let _: MessageStream<ActionResult> = answers;
/// ```
pub struct MessageStream<T> {
    inner: Option<BoxStream<'static, Result<T, FlightError>>>,
    told: Arc<Told>,
}

/// What the peer said beside its messages.
#[derive(Default)]
struct Told {
    headers: HeaderMap,
    /// Headers of an answer that had not come when the stream was made.
    late_headers: OnceLock<HeaderMap>,
    trailers: OnceLock<HeaderMap>,
}

impl<T: Send + 'static> MessageStream<T> {
    /// A stream that ends at once.
    pub fn empty() -> Self {
        Self { inner: None, told: Arc::default() }
    }

    /// A stream of what is there already.
    #[expect(clippy::should_implement_trait, reason = "the trait's method cannot ask for Send")]
    pub fn from_iter<I>(items: I) -> Self
    where
        I: IntoIterator<Item = T>,
        I::IntoIter: Send + 'static,
    {
        Self { inner: Some(stream::iter(items).map(Ok).boxed()), ..Self::empty() }
    }

    /// A stream of what comes, errors included; the first error ends it.
    pub fn from_stream<S, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<T, E>> + Send + 'static,
        E: Into<FlightError> + 'static,
    {
        Self { inner: Some(stream.err_into().boxed()), ..Self::empty() }
    }

    /// A stream of what an iterator gives that blocks; the first error ends it. The iterator is driven on tokio's threads
    /// for blocking work, one item ahead of the network. A panic in it is an error of the stream.
    pub fn from_blocking<I>(items: I) -> Self
    where
        I: IntoIterator<Item = Result<T, FlightError>>,
        I::IntoIter: Send + 'static,
    {
        Self { inner: Some(blocking::stream(items.into_iter()).boxed()), ..Self::empty() }
    }

    /// The messages of a call as they come, and the peer's headers. Dropping the stream drops the reader, which cancels
    /// a client's call.
    pub fn from_messages(messages: MessageReader, headers: HeaderMap) -> Self
    where
        T: FlightMessage,
    {
        let told = Arc::new(Told { headers, ..Told::default() });
        let items = stream::unfold((messages, Arc::clone(&told)), async |(mut messages, told)| {
            let message = messages.next_message().await;
            if let Some(headers) = messages.late_headers() {
                told.late_headers.get_or_init(|| headers.clone());
            }
            match message {
                Some(Ok(message)) => Some((T::deserialize(message), (messages, told))),
                Some(Err(status)) => {
                    let _ = told.trailers.set(status.metadata().clone());
                    Some((Err(status.into()), (messages, told)))
                }
                None => {
                    let _ = told.trailers.set(messages.trailers().cloned().unwrap_or_default());
                    None
                }
            }
        });
        Self { inner: Some(items.boxed()), told }
    }

    /// The peer's headers; none in a stream that was made here, nor in the answer to an upload before its first message.
    pub fn headers(&self) -> &HeaderMap {
        self.told.late_headers.get().unwrap_or(&self.told.headers)
    }

    /// The peer's trailers, once the stream is at its end, good or bad.
    pub fn trailers(&self) -> Option<&HeaderMap> {
        self.told.trailers.get()
    }

    /// The messages as frames for the wire. What is ready together shares a frame; an error comes behind what was
    /// ready before it.
    pub fn into_frames(self) -> impl Stream<Item = Result<Rope, FlightError>> + Send + Unpin + use<T>
    where
        T: FlightMessage,
    {
        Frames::new(self, BodyAlignment::default())
    }

    /// The next item, or `None` at the end.
    ///
    /// # Errors
    /// The call's error; after it the stream is at its end. Dropping the future loses nothing.
    pub async fn read_next(&mut self) -> Result<Option<T>, FlightError> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await.transpose()
    }

    /// All items to the end of the stream.
    ///
    /// # Errors
    /// The first error of the call; what came before it is dropped.
    pub async fn read_all(mut self) -> Result<Vec<T>, FlightError> {
        let mut items = Vec::new();
        while let Some(item) = self.read_next().await? {
            items.push(item);
        }
        Ok(items)
    }
}

impl<T> Stream for MessageStream<T> {
    type Item = Result<T, FlightError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        let item = ready!(inner.as_mut().poll_next(cx));
        if !matches!(item, Some(Ok(_))) {
            self.inner = None;
        }
        Poll::Ready(item)
    }
}

impl<T> Unpin for MessageStream<T> {}

impl<T: FlightMessage> FrameSource for MessageStream<T> {
    fn poll_fill(&mut self, frame: &mut FrameAssembler, cx: &mut Context<'_>) -> Poll<Option<Result<(), FlightError>>> {
        let message = ready!(Pin::new(self).poll_next(cx));
        Poll::Ready(message.map(|message| frame.push_message(message?.serialize())))
    }
}

impl<T> std::fmt::Debug for MessageStream<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MessageStream").field("ended", &self.inner.is_none()).finish()
    }
}
