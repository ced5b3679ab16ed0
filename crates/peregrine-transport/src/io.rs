//! What a connection is made of: anything that reads and writes bytes.

use tokio::io::{AsyncRead, AsyncWrite};

/// A connection's byte stream. Everything that reads and writes, is `Send` and `Unpin` is one.
///
/// Throughput wants vectored writes: `is_write_vectored` should be true where the type can do them.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}
