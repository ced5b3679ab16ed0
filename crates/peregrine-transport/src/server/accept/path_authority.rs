//! What clients call a unix socket: gRPC's C++ core sends the socket's path, percent-encoded, as the `:authority` of each
//! call. h2 takes that for no authority and resets the stream before anybody sees the call.
//!
//! So the path's odd characters are replaced, one by one and in place, before h2 reads them. Nobody looks at the
//! authority of a call that came through a socket. Names and values that are Huffman-coded stay as they are: C++ sends
//! none.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use self::header_block::HeaderBlock;

mod header_block;

const PREFACE: usize = 24;
const FRAME_HEAD: usize = 9;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const PADDED: u8 = 0x08;
const PRIORITY: u8 = 0x20;
/// What the flag [`PRIORITY`] puts before the header block.
const PRIORITY_FIELDS: usize = 5;

/// A connection whose calls may have a path as their authority.
pub(super) struct PathAuthority<S> {
    io: S,
    frames: Frames,
}

impl<S> PathAuthority<S> {
    pub(super) fn new(io: S) -> Self {
        Self { io, frames: Frames::new() }
    }
}

/// Where in the frames of HTTP/2 the bytes are that come next.
struct Frames {
    /// To be passed over before anything else.
    skip: usize,
    head: Vec<u8>,
    /// What is left of a frame with a header block.
    fragment: usize,
    /// `None` while a block is passed over.
    block: Option<HeaderBlock>,
}

impl Frames {
    fn new() -> Self {
        Self { skip: PREFACE, head: Vec::with_capacity(FRAME_HEAD), fragment: 0, block: None }
    }

    fn edit(&mut self, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            let wanted = match (self.skip, self.fragment) {
                (0, 0) => FRAME_HEAD - self.head.len(),
                (0, fragment) => fragment,
                (skip, _) => skip,
            };
            let (part, rest) = bytes.split_at_mut(wanted.min(bytes.len()));
            bytes = rest;
            if self.skip > 0 {
                self.skip -= part.len();
            } else if self.fragment > 0 {
                self.fragment -= part.len();
                self.block.iter_mut().for_each(|block| block.edit(part));
            } else {
                self.head.extend_from_slice(part);
                self.begin_frame();
            }
        }
    }

    /// Acts on the head of a frame, once it is whole.
    fn begin_frame(&mut self) {
        let [a, b, c, kind, flags, _, _, _, _] = self.head[..] else { return };
        self.head.clear();
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        match kind {
            HEADERS => {
                self.skip = if flags & PRIORITY == 0 { 0 } else { PRIORITY_FIELDS.min(length) };
                // Padding is for hiding lengths, which nobody does on a socket.
                self.block = (flags & PADDED == 0).then(HeaderBlock::default);
                self.fragment = length - self.skip;
            }
            CONTINUATION => self.fragment = length,
            _ => self.skip = length,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PathAuthority<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        self.frames.edit(&mut buf.filled_mut()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PathAuthority<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        [&[0, 0, length, kind, flags, 0, 0, 0, 1], payload].concat()
    }

    /// As gRPC 1.81 sends it: a literal whose name is written out.
    fn authority(value: &[u8]) -> Vec<u8> {
        [&b"\x40\x0a:authority"[..], &[u8::try_from(value.len()).unwrap()], value].concat()
    }

    /// The stream as it comes out, whatever the reads cut it into.
    fn edited(stream: &[u8]) -> Vec<u8> {
        let mut whole = stream.to_vec();
        Frames::new().edit(&mut whole);
        let mut bytewise = stream.to_vec();
        let mut frames = Frames::new();
        bytewise.chunks_mut(1).for_each(|byte| frames.edit(byte));
        assert_eq!(whole, bytewise);
        whole
    }

    #[test]
    fn the_path_of_a_socket_becomes_an_authority() {
        let stream = |value: &[u8]| {
            let block = [b"\x83\x86\x04\x03/%2", &authority(value)[..], b"\x40\x01x\x03a%b"].concat();
            let (first, second) = block.split_at(20);
            let frames = [frame(4, 0, b"\x40\x0a:authority\x02%2"), frame(1, 0, first), frame(9, 4, second)];
            [&[b'%'; PREFACE][..], &frames.concat(), &frame(0, 1, b"%2F"), &frame(1, 4, &authority(value))].concat()
        };
        assert_eq!(edited(&stream(b"tmp%2Fa/socket")), stream(b"tmp-2Fa-socket"));
        assert_eq!(edited(&stream(b"")), stream(b""));
    }

    #[test]
    fn the_name_may_be_that_of_the_static_table() {
        for first in [0x01, 0x11, 0x41] {
            let stream = |value: &[u8]| [&[0; PREFACE][..], &frame(1, 4, &[&[first, 3], value].concat())].concat();
            assert_eq!(edited(&stream(b"%2F")), stream(b"-2F"));
        }
    }

    #[test]
    fn priority_fields_come_before_the_block() {
        let stream =
            |value: &[u8]| [&[0; PREFACE][..], &frame(1, 0x24, &[b"%%%%%", &authority(value)[..]].concat())].concat();
        assert_eq!(edited(&stream(b"%2F")), stream(b"-2F"));
    }

    #[test]
    fn what_cannot_be_edited_stays() {
        for frames in [
            frame(1, 0x0c, &authority(b"%2F")),
            frame(1, 4, b"\x41\x83\x25\x25\x25"),
            frame(1, 4, b"\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01%"),
            frame(1, 4, b"\x3f\xe1\x1f\x40\x0b:authority.\x03%2F"),
        ] {
            let stream = [&[0; PREFACE][..], &frames].concat();
            assert_eq!(edited(&stream), stream, "{}", frames.escape_ascii());
        }
    }
}
