//! Where connections come from: TCP, unix sockets, memory, or a custom source.

mod accept_stream;
mod listener;
mod path_authority;
mod tcp;
mod unix;

use std::future::Future;
use std::io;
use std::pin::Pin;

use peregrine_proto::PeerAddress;

use crate::io::Io;
use crate::listen_address::ListenAddress;

pub use self::listener::Listener;

/// The next connection, on its way.
pub type Accepting<'a> = Pin<Box<dyn Future<Output = io::Result<(Box<dyn Io>, PeerAddress)>> + Send + 'a>>;

/// Takes connections in, for a [`Listener`].
pub trait Accept: Send + 'static {
    /// The next connection and where it comes from, before a byte of it is read. Dropping the future loses none. A
    /// source that has no more connections waits indefinitely.
    ///
    /// An error is that of a single connection, see [`lost_one`](Self::lost_one), or of the source: then the server waits
    /// before it asks again.
    fn accept(&mut self) -> Accepting<'_>;

    /// Where connections come in.
    fn local_addr(&self) -> ListenAddress;

    /// Whether an error of [`accept`](Self::accept) is that of a single connection, so that the next is asked for at
    /// once.
    fn lost_one(&self, error: &io::Error) -> bool {
        use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
        matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
    }
}
