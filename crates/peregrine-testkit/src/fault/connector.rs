//! Where connections with faults come from: memory, or around connections that others make.

use std::fmt;
use std::io;
use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};
use peregrine_proto::Location;
use peregrine_transport::{Connect, Connecting, Io, Listener};
use tokio::io::{AsyncWriteExt, copy, split};
use tokio::sync::mpsc;

use super::faults::Faults;
use super::link::LinkEnd;

/// Makes connections whose faults a [`Faults`] plans.
#[derive(Clone)]
pub struct FaultyConnector {
    faults: Faults,
    way: Way,
}

#[derive(Clone)]
enum Way {
    Memory(mpsc::UnboundedSender<LinkEnd>),
    Through(Arc<dyn Connect>),
}

impl Faults {
    /// A listener in memory and what connects to it, as [`Listener::in_memory`] makes them. What
    /// [`Pair::with_faults`](crate::Pair::with_faults) is made of.
    pub fn in_memory(&self) -> (Listener, FaultyConnector) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let connections = stream::unfold(receiver, |mut receiver| async move {
            let end: LinkEnd = receiver.recv().await?;
            Some((Ok(end), receiver))
        });
        let connector = FaultyConnector { faults: self.clone(), way: Way::Memory(sender) };
        (Listener::from_stream("memory with faults", connections), connector)
    }

    /// Reaches a server as `connector` does, through faults, for clients of any server. That server sees a
    /// [`Reset`](super::Fault::Reset) as a cut.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use peregrine_client::FlightClient;
    /// use peregrine_proto::{FlightErrorKind, Location};
    /// use peregrine_testkit::fault::Faults;
    /// use peregrine_testkit::{MemoryService, Pair};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), peregrine_proto::FlightError> {
    /// let pair = Pair::new(MemoryService::new());
    /// let faults = Faults::new();
    /// let connector = faults.connector(pair.connector()); // or SocketConnect
    /// let client = FlightClient::builder(Location::reuse_connection())?.connector(connector).build()?;
    /// faults.cut();
    /// assert_eq!(client.list_actions().await.unwrap_err().kind(), FlightErrorKind::Unavailable);
    /// client.wait_for_available(Duration::from_secs(5)).await?;
    /// assert!(client.list_actions().await.is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub fn connector(&self, connector: impl Connect) -> FaultyConnector {
        FaultyConnector { faults: self.clone(), way: Way::Through(Arc::new(connector)) }
    }

    /// Takes connections in, through faults, for servers of any client. That client sees a
    /// [`Reset`](super::Fault::Reset) as a cut.
    ///
    /// ```
    /// use peregrine_server::FlightServer;
    /// use peregrine_testkit::MemoryService;
    /// use peregrine_testkit::fault::Faults;
    /// use tokio::io::AsyncReadExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let faults = Faults::new();
    /// let (mut theirs, ours) = tokio::io::duplex(1 << 16);
    /// let accepted = futures_util::stream::iter([Ok(ours)]); // or what a TcpListener accepts
    /// let listener = faults.listener("mine", accepted);
    /// let _server = FlightServer::builder().listener(listener).serve(MemoryService::new())?;
    ///
    /// theirs.read_u8().await?; // The server speaks first.
    /// faults.cut();
    /// theirs.read_to_end(&mut Vec::new()).await?; // It would not end by itself.
    /// # Ok(())
    /// # }
    /// ```
    pub fn listener<S, C>(&self, name: impl Into<String>, connections: S) -> Listener
    where
        S: Stream<Item = io::Result<C>> + Send + 'static,
        C: Io,
    {
        let faults = self.clone();
        let accepted = connections.map(move |connection| {
            let (client, server) = faults.next().open();
            carry(client, connection?);
            Ok(server)
        });
        Listener::from_stream(name, accepted)
    }
}

impl FaultyConnector {
    /// A new connection as a bare byte stream.
    ///
    /// # Errors
    /// What the connector around which this one is made says;
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) if a listener in memory is gone.
    pub async fn open(&self) -> io::Result<impl Io + use<>> {
        self.open_to(&Location::reuse_connection()).await
    }

    async fn open_to(&self, location: &Location) -> io::Result<impl Io + use<>> {
        match &self.way {
            Way::Memory(listener) => {
                let (client, server) = self.faults.next().open();
                match listener.send(server) {
                    Ok(()) => Ok(client),
                    Err(_) => Err(io::Error::new(io::ErrorKind::ConnectionRefused, "the listener is closed")),
                }
            }
            Way::Through(connector) => {
                let connection = connector.connect(location).await?;
                let (client, server) = self.faults.next().open();
                carry(server, connection);
                Ok(client)
            }
        }
    }
}

impl Connect for FaultyConnector {
    fn connect<'a>(&'a self, location: &'a Location) -> Connecting<'a> {
        Box::pin(async move { Ok(Box::new(self.open_to(location).await?) as Box<dyn Io>) })
    }

    fn authority(&self, location: &Location) -> String {
        match &self.way {
            Way::Memory(_) => "localhost".to_owned(),
            Way::Through(connector) => connector.authority(location),
        }
    }

    fn address(&self, location: &Location) -> String {
        match &self.way {
            Way::Memory(_) => "the in-memory listener with faults".to_owned(),
            Way::Through(connector) => connector.address(location),
        }
    }
}

impl fmt::Debug for FaultyConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyConnector")
            .field("address", &self.address(&Location::reuse_connection()))
            .finish_non_exhaustive()
    }
}

/// Carries bytes between one end of a link and the peer that has no other way to it, until either is gone.
fn carry(end: LinkEnd, peer: impl Io) {
    let lost = end.lost();
    let (mut end_reader, mut end_writer) = split(end);
    let (mut peer_reader, mut peer_writer) = split(peer);
    let there = async move {
        // Where the link is cut, what passed before still gets there.
        copy(&mut end_reader, &mut peer_writer).await?;
        peer_writer.shutdown().await
    };
    let back = async move {
        tokio::select! {
            copied = copy(&mut peer_reader, &mut end_writer) => copied?,
            () = lost => return Ok(()),
        };
        end_writer.shutdown().await
    };
    // Nobody is there to hear of an error: both peers see that the connection is gone.
    tokio::spawn(async { tokio::try_join!(there, back) });
}
