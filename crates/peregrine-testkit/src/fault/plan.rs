//! What may happen to a connection.

use super::frame::{ErrorCode, Frame};

/// One of the two directions of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// What the client writes and the server reads.
    ToServer,
    /// What the server writes and the client reads.
    ToClient,
}

impl Direction {
    /// The other one.
    pub fn opposite(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }
}

/// What happens to a connection. Bytes that passed before arrive, whatever happens behind them.
///
/// ```
/// use std::io::ErrorKind;
///
/// use peregrine_testkit::fault::{Direction, Fault, Faults};
/// use peregrine_testkit::{MemoryService, Pair};
/// use peregrine_server::FlightServer;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), std::io::Error> {
/// let faults = Faults::new();
/// let pair = Pair::with_faults(FlightServer::builder(), MemoryService::new(), &faults);
///
/// let mut connection = pair.connector().open().await?;
/// faults.now(Direction::ToServer, Fault::HalfClose);
/// assert_eq!(connection.write(b"PRI").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
/// connection.read_u8().await?; // The other direction goes on.
///
/// let mut connection = pair.connector().open().await?;
/// faults.now(Direction::ToServer, Fault::Reset);
/// assert_eq!(connection.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The connection is lost in both directions: readers get an end, writers an error.
    Cut,
    /// The same, and readers get the error [`ConnectionReset`](std::io::ErrorKind::ConnectionReset).
    Reset,
    /// This direction ends, as if its writer had shut it down, and the other goes on.
    HalfClose,
    /// Bytes of this direction stop moving until [`Faults::lift`](super::Faults::lift); neither is its end seen.
    Stall,
    /// At most so many bytes pass with each read and each write, until [`Faults::lift`](super::Faults::lift).
    Drip(usize),
    /// A frame of HTTP/2 is put in, at once or where the frame that is on its way ends.
    Frame(Frame),
    /// A stream is reset for both peers, each of which believes that it was the other: what a proxy does.
    ResetStream {
        /// The stream. The calls of a connection are the streams 1, 3, 5 and so on.
        stream: u32,
        /// Why.
        code: ErrorCode,
    },
}
