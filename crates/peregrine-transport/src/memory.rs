//! Connections within the process: a listener in memory and what connects to it.

use std::future::pending;
use std::io;

use peregrine_proto::{Location, PeerAddress};
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;

use crate::client::connect::{Connect, Connecting};
use crate::io::Io;
use crate::listen_address::ListenAddress;
use crate::server::accept::{Accept, Accepting};

/// How much may be on its way in one direction.
const PIPE: usize = 256 << 10;

/// A listener and what connects to it.
pub(crate) fn in_memory() -> (InMemoryAccept, InMemoryConnect) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (InMemoryAccept { receiver }, InMemoryConnect { listener: sender })
}

/// Takes the connections of its [`InMemoryConnect`].
pub(crate) struct InMemoryAccept {
    receiver: mpsc::UnboundedReceiver<DuplexStream>,
}

impl Accept for InMemoryAccept {
    fn accept(&mut self) -> Accepting<'_> {
        Box::pin(async {
            match self.receiver.recv().await {
                Some(stream) => Ok((Box::new(stream) as Box<dyn Io>, PeerAddress::InMemory)),
                None => pending().await,
            }
        })
    }

    fn local_addr(&self) -> ListenAddress {
        ListenAddress::InMemory
    }
}

/// Connects to the [`Listener`](crate::Listener) that it was made with, whatever the location.
#[derive(Debug, Clone)]
pub struct InMemoryConnect {
    listener: mpsc::UnboundedSender<DuplexStream>,
}

impl InMemoryConnect {
    /// A new connection as a bare byte stream.
    ///
    /// # Errors
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) if the listener is gone.
    pub fn open(&self) -> io::Result<impl Io + use<>> {
        let (ours, theirs) = duplex(PIPE);
        match self.listener.send(theirs) {
            Ok(()) => Ok(ours),
            Err(_) => Err(io::Error::new(io::ErrorKind::ConnectionRefused, "the in-memory listener is closed")),
        }
    }
}

impl Connect for InMemoryConnect {
    fn connect<'a>(&'a self, _: &'a Location) -> Connecting<'a> {
        Box::pin(async { self.open().map(|io| Box::new(io) as Box<dyn Io>) })
    }

    fn authority(&self, _: &Location) -> String {
        "localhost".to_owned()
    }

    fn address(&self, _: &Location) -> String {
        "the in-memory listener".to_owned()
    }
}
