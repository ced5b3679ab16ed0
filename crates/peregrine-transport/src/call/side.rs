//! `Side`: which end of a call this is.

/// Which end of a call this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Reads the request and sends the reply.
    Server,
    /// Sends the request and reads the reply.
    Client,
}
