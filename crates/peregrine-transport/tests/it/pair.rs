//! A server and a client of ours, joined in memory, and handlers that tests share.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;
use peregrine_proto::Location;
use peregrine_transport::{
    CallHandler, CallStart, Channel, ChannelConfig, InMemoryConnect, IncomingCall, Listener, MessageReader, Outgoing,
    Reply, ReplyFrame, Rope, ServeConfig, ServeHandle, Status, frame_message, serve,
};
use tokio::sync::mpsc;

pub(crate) struct Pair {
    pub(crate) channel: Channel,
    pub(crate) connector: InMemoryConnect,
    pub(crate) server: ServeHandle,
}

pub(crate) fn pair(handler: impl CallHandler) -> Pair {
    pair_with(handler, ServeConfig::default(), ChannelConfig::default())
}

pub(crate) fn pair_with(handler: impl CallHandler, serve_config: ServeConfig, config: ChannelConfig) -> Pair {
    let (listener, connector) = Listener::in_memory();
    let server = serve(listener, handler, serve_config).unwrap();
    let channel = Channel::new(Location::reuse_connection(), connector.clone(), config).unwrap();
    Pair { channel, connector, server }
}

pub(crate) fn framed(message: impl Into<Bytes>) -> Rope {
    frame_message(message.into()).unwrap()
}

/// A request of one message.
pub(crate) fn ask(message: impl Into<Bytes>) -> Outgoing {
    Outgoing::whole(framed(message))
}

/// A request that is open until the sender is dropped.
pub(crate) fn open_request() -> (mpsc::UnboundedSender<Result<Rope, Status>>, Outgoing) {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    (sender, Outgoing::stream(stream::poll_fn(move |cx| receiver.poll_recv(cx))))
}

/// A reply that is open until the sender is dropped.
pub(crate) fn open_reply() -> (mpsc::UnboundedSender<ReplyFrame>, Reply) {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    (sender, Reply::stream(HeaderMap::new(), stream::poll_fn(move |cx| receiver.poll_recv(cx))))
}

pub(crate) async fn call(channel: &Channel, request: Outgoing) -> Result<MessageReader, Status> {
    channel.call(CallStart::new("/test.Service/Method"), request).await
}

/// Reads a reply or a request to its end.
pub(crate) async fn read_all(messages: &mut MessageReader) -> Result<Vec<Bytes>, Status> {
    let mut all = Vec::new();
    while let Some(message) = messages.next_message().await {
        all.push(message?);
    }
    Ok(all)
}

/// Calls with one message and reads the answer to its end.
pub(crate) async fn ask_all(channel: &Channel, message: impl Into<Bytes>) -> Result<Vec<Bytes>, Status> {
    read_all(&mut call(channel, ask(message)).await?).await
}

/// Answers with all messages of the request, when it has ended.
pub(crate) async fn echo(mut call: IncomingCall) -> Reply {
    match read_all(&mut call.messages).await {
        Ok(messages) => {
            let mut frames = Rope::new();
            messages.into_iter().for_each(|message| frames.append(framed(message)));
            Reply::complete(HeaderMap::new(), frames, Status::ok())
        }
        Err(status) => Reply::end(HeaderMap::new(), status),
    }
}

/// Echoes, and reports how reading the request ended.
pub(crate) fn reporting_echo() -> (impl CallHandler, mpsc::UnboundedReceiver<Result<Vec<Bytes>, Status>>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let handler = move |mut call: IncomingCall| {
        let sender = sender.clone();
        async move {
            // In a task of its own: the handler's future is dropped when the peer resets.
            let read = tokio::spawn(async move {
                let read = read_all(&mut call.messages).await;
                sender.send(read.clone()).unwrap();
                read
            });
            match read.await.unwrap() {
                Ok(_) => Reply::end(HeaderMap::new(), Status::ok()),
                Err(status) => Reply::end(HeaderMap::new(), status),
            }
        }
    };
    (handler, receiver)
}

/// Reports when it is dropped.
pub(crate) struct OnDrop(Option<tokio::sync::oneshot::Sender<()>>);

impl OnDrop {
    pub(crate) fn new() -> (Self, tokio::sync::oneshot::Receiver<()>) {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        (Self(Some(sender)), receiver)
    }
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        if let Some(sender) = self.0.take() {
            let _ = sender.send(());
        }
    }
}

/// Hands a value to the first call that asks for it.
pub(crate) struct Once<T>(Arc<std::sync::Mutex<Option<T>>>);

impl<T> Clone for Once<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Once<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(std::sync::Mutex::new(Some(value))))
    }

    pub(crate) fn take(&self) -> T {
        self.0.lock().unwrap().take().expect("taken once")
    }
}
