//! A stream of messages other than data: flights, action results, action types.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::HeaderMap;
use peregrine_proto::{FlightError, FlightMessage};
use peregrine_transport::Rope;

use crate::blocking;
use crate::incoming::complete_messages::CompleteMessages;
use crate::incoming::message_source::{MessageSource, no_headers};
use crate::outgoing::frame_assembler::FrameAssembler;
use crate::outgoing::frame_config::FrameConfig;
use crate::outgoing::frames::{FrameSource, Frames};

/// A stream of `Result<T, FlightError>`: what a handler returns for a listing, and what the client gets of it.
///
/// Dropping it at the client cancels the call; at the server it is dropped when the peer has gone. After an error
/// nothing more follows.
///
/// ```
/// use peregrine_proto::ActionResult;
/// use peregrine_stream::MessageStream;
///
/// let answers = MessageStream::from_iter(["one", "two"].map(ActionResult::new));
/// # let _: MessageStream<ActionResult> = answers;
/// ```
pub struct MessageStream<T> {
    items: MessageItems<T>,
    is_over: bool,
}

enum MessageItems<T> {
    None,
    /// Made here.
    Made(BoxStream<'static, Result<T, FlightError>>),
    /// Those of a call, and how one is read.
    Received(Box<CompleteMessages>, fn(Bytes) -> Result<T, FlightError>),
}

impl<T: Send + 'static> MessageStream<T> {
    /// A stream that ends at once.
    pub fn empty() -> Self {
        Self { items: MessageItems::None, is_over: false }
    }

    /// A stream of what is there already.
    #[expect(clippy::should_implement_trait, reason = "the trait's method cannot ask for Send")]
    pub fn from_iter<I>(items: I) -> Self
    where
        I: IntoIterator<Item = T>,
        I::IntoIter: Send + 'static,
    {
        Self { items: MessageItems::Made(stream::iter(items).map(Ok).boxed()), ..Self::empty() }
    }

    /// A stream of what another stream gives, errors included; the first error ends it.
    pub fn from_stream<S, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<T, E>> + Send + 'static,
        E: Into<FlightError> + 'static,
    {
        Self { items: MessageItems::Made(stream.err_into().boxed()), ..Self::empty() }
    }

    /// A stream of what an iterator gives that blocks; the first error ends it. The iterator is driven on tokio's
    /// threads for blocking work, one item ahead of the network. A panic in it is an error of the stream.
    pub fn from_blocking<I>(items: I) -> Self
    where
        I: IntoIterator<Item = Result<T, FlightError>>,
        I::IntoIter: Send + 'static,
    {
        Self { items: MessageItems::Made(blocking::stream(items.into_iter()).boxed()), ..Self::empty() }
    }

    /// The messages of a source as they arrive, in general a call's
    /// [`MessageReader`](peregrine_transport::MessageReader). Dropping the stream drops the source, which cancels a
    /// client's call.
    pub fn from_messages(source: impl MessageSource) -> Self
    where
        T: FlightMessage,
    {
        let items = MessageItems::Received(Box::new(CompleteMessages::new(source)), T::deserialize);
        Self { items, is_over: false }
    }

    /// The peer's headers; none in a stream that was made here, nor in the response to an upload before its first
    /// message.
    pub fn headers(&self) -> &HeaderMap {
        self.received().and_then(CompleteMessages::headers).unwrap_or_else(|| no_headers())
    }

    /// The peer's trailers, once the stream is at its end, good or bad. None on a server.
    pub fn trailers(&self) -> Option<&HeaderMap> {
        self.received().and_then(CompleteMessages::trailers)
    }

    /// The messages as frames for the wire. What is ready together shares a frame; an error comes behind what was
    /// ready before it.
    pub fn into_frames(
        self,
        config: FrameConfig,
    ) -> impl Stream<Item = Result<Rope, FlightError>> + Send + Unpin + use<T>
    where
        T: FlightMessage,
    {
        Frames::new(self, config)
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

impl<T> MessageStream<T> {
    fn received(&self) -> Option<&CompleteMessages> {
        match &self.items {
            MessageItems::Received(messages, _) => Some(messages),
            MessageItems::None | MessageItems::Made(_) => None,
        }
    }

    /// Lets go of what gives the items. A call that is at its end keeps what the peer sent beside them.
    fn end(&mut self, with_error: bool) {
        self.is_over = true;
        match &mut self.items {
            MessageItems::Received(messages, _) if with_error => messages.close(),
            MessageItems::Received(..) => {}
            MessageItems::None | MessageItems::Made(_) => self.items = MessageItems::None,
        }
    }
}

impl<T> Stream for MessageStream<T> {
    type Item = Result<T, FlightError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let item = match &mut self.items {
            MessageItems::None => None,
            MessageItems::Made(items) => ready!(items.as_mut().poll_next(cx)),
            MessageItems::Received(messages, read) => {
                ready!(messages.poll_message(cx)).map(|message| message.and_then(*read))
            }
        };
        if !matches!(item, Some(Ok(_))) {
            self.end(item.is_some());
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
        f.debug_struct("MessageStream").field("ended", &self.is_over).finish()
    }
}
