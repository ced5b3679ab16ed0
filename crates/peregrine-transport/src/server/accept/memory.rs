//! Connections within the process.

use std::io;

use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;

use crate::client::connect::{Connecting, Connector};
use crate::io::Io;

/// How much may be on its way in one direction.
const PIPE: usize = 256 << 10;

/// Connects to the [`Listener`](crate::Listener) that it was made with.
#[derive(Debug, Clone)]
pub struct InMemoryConnector {
    listener: mpsc::UnboundedSender<DuplexStream>,
}

impl InMemoryConnector {
    pub(super) fn new(listener: mpsc::UnboundedSender<DuplexStream>) -> Self {
        Self { listener }
    }

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

impl Connector for InMemoryConnector {
    fn connect(&self) -> Connecting<'_> {
        Box::pin(async { self.open().map(|io| Box::new(io) as Box<dyn Io>) })
    }

    fn authority(&self) -> &str {
        "localhost"
    }

    fn address(&self) -> String {
        "the in-memory listener".to_owned()
    }
}
