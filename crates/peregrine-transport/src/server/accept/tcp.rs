//! Connections over TCP.

use std::io;
use std::net::SocketAddr;

use peregrine_proto::PeerAddress;
use tokio::net::{TcpListener, ToSocketAddrs};

use super::{Accept, Accepting};
use crate::io::Io;
use crate::listen_address::ListenAddress;

/// A listening TCP socket.
pub(super) struct TcpAccept {
    listener: TcpListener,
    address: SocketAddr,
}

impl TcpAccept {
    pub(super) async fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }
}

impl Accept for TcpAccept {
    fn accept(&mut self) -> Accepting<'_> {
        Box::pin(async {
            let (stream, address) = self.listener.accept().await?;
            // Fails where the peer is gone already, which the connection will find out by itself.
            let _ = stream.set_nodelay(true);
            Ok((Box::new(stream) as Box<dyn Io>, PeerAddress::Tcp(address)))
        })
    }

    fn local_addr(&self) -> ListenAddress {
        ListenAddress::Tcp(self.address)
    }
}
