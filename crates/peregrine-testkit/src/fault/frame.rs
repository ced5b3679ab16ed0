//! The frames of HTTP/2 that can be put between those of the peers.

use bytes::{BufMut, Bytes, BytesMut};

/// The length of a frame's head: 24 bits of length, the kind, the flags and the stream.
pub(super) const HEAD: usize = 9;

/// The kinds of frames that are told apart here.
pub(super) mod kind {
    pub(crate) const DATA: u8 = 0;
    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const PRIORITY: u8 = 2;
    pub(crate) const RST_STREAM: u8 = 3;
    pub(crate) const PUSH_PROMISE: u8 = 5;
    pub(crate) const GOAWAY: u8 = 7;
    pub(crate) const WINDOW_UPDATE: u8 = 8;
    pub(crate) const CONTINUATION: u8 = 9;
}

/// Why a stream or a connection ends, as HTTP/2 numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
#[non_exhaustive]
pub enum ErrorCode {
    /// Nothing went wrong.
    NoError = 0,
    /// The peer broke the protocol.
    ProtocolError = 1,
    /// Something broke within.
    InternalError = 2,
    /// The stream was not processed at all, so the call may be made again.
    RefusedStream = 7,
    /// The stream is not wanted any more.
    Cancel = 8,
    /// The peer asks for too much.
    EnhanceYourCalm = 11,
}

/// A frame to put into one direction of a connection, between two frames that its peer sends.
///
/// ```
/// use peregrine_proto::Action;
/// use peregrine_server::FlightServer;
/// use peregrine_testkit::fault::{Direction, ErrorCode, Fault, Faults, Frame};
/// use peregrine_testkit::{MemoryService, Pair};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), peregrine_proto::FlightError> {
/// let faults = Faults::new();
/// let pair = Pair::with_faults(FlightServer::builder(), MemoryService::new(), &faults);
/// pair.client().do_action(Action::new("echo", "")).await?;
/// pair.client().do_action(Action::new("echo", "")).await?;
/// assert_eq!(faults.newest_stream(), Some(3));
///
/// // The server seems to say that it takes no call after these two.
/// faults.now(Direction::ToClient, Fault::Frame(Frame::go_away(3, ErrorCode::NoError)));
/// pair.client().do_action(Action::new("echo", "")).await?;
/// assert_eq!(faults.newest_stream(), Some(1), "on a new connection");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    kind: u8,
    stream: u32,
    payload: Bytes,
}

impl Frame {
    /// Resets a stream. Whoever reads it believes that its peer gave the call up. What the peer still sends on that
    /// stream is thrown away from then on, and its window given back, as if it had really stopped; HEADERS go through,
    /// which the compression of later headers builds on.
    pub fn reset_stream(stream: u32, code: ErrorCode) -> Self {
        Self { kind: kind::RST_STREAM, stream, payload: Bytes::copy_from_slice(&(code as u32).to_be_bytes()) }
    }

    /// Announces that the connection ends, and that streams after `last_stream` were not processed.
    pub fn go_away(last_stream: u32, code: ErrorCode) -> Self {
        let payload = [last_stream.to_be_bytes(), (code as u32).to_be_bytes()].concat();
        Self { kind: kind::GOAWAY, stream: 0, payload: payload.into() }
    }

    /// Gives window of the connection back.
    pub(super) fn window_update(credit: u32) -> Self {
        Self { kind: kind::WINDOW_UPDATE, stream: 0, payload: Bytes::copy_from_slice(&credit.to_be_bytes()) }
    }

    /// The stream whose frames are thrown away behind this one.
    pub(super) fn ends_stream(&self) -> Option<u32> {
        (self.kind == kind::RST_STREAM).then_some(self.stream)
    }

    pub(super) fn write(&self, bytes: &mut BytesMut) {
        bytes.put_uint(self.payload.len() as u64, 3);
        bytes.put_u8(self.kind);
        bytes.put_u8(0);
        bytes.put_u32(self.stream);
        bytes.put_slice(&self.payload);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_written_as_http2_has_them() {
        let mut bytes = BytesMut::new();
        Frame::reset_stream(5, ErrorCode::Cancel).write(&mut bytes);
        assert_eq!(bytes[..], [0, 0, 4, 3, 0, 0, 0, 0, 5, 0, 0, 0, 8]);
        bytes.clear();
        Frame::go_away(3, ErrorCode::EnhanceYourCalm).write(&mut bytes);
        assert_eq!(bytes[..], [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 11]);
        bytes.clear();
        Frame::window_update(258).write(&mut bytes);
        assert_eq!(bytes[..], [0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
    }
}
