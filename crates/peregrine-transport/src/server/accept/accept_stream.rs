//! Connections out of a stream.

use std::future::{pending, poll_fn};
use std::io;
use std::pin::Pin;

use futures_core::Stream;
use peregrine_proto::PeerAddress;

use super::{Accept, Accepting};
use crate::io::Io;
use crate::listen_address::ListenAddress;

/// The connections of a stream, under a name.
pub(super) struct AcceptStream<S> {
    name: String,
    connections: Pin<Box<S>>,
}

impl<S> AcceptStream<S> {
    pub(super) fn new(name: String, connections: S) -> Self {
        Self { name, connections: Box::pin(connections) }
    }
}

impl<S, C> Accept for AcceptStream<S>
where
    S: Stream<Item = io::Result<C>> + Send + 'static,
    C: Io,
{
    fn accept(&mut self) -> Accepting<'_> {
        Box::pin(async {
            match poll_fn(|cx| self.connections.as_mut().poll_next(cx)).await {
                Some(connection) => Ok((Box::new(connection?) as Box<dyn Io>, PeerAddress::Other(self.name.clone()))),
                None => pending().await,
            }
        })
    }

    fn local_addr(&self) -> ListenAddress {
        ListenAddress::Custom(self.name.clone())
    }

    fn lost_one(&self, _: &io::Error) -> bool {
        true
    }
}
