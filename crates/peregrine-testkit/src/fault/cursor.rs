//! Where in the frames of HTTP/2 a stream of bytes is. Reads the heads of frames and nothing else.

use bytes::BytesMut;

use super::frame::{HEAD, kind};

/// What a client sends before its first frame.
const PREFACE: usize = 24;
/// The flag of the frame that ends a list of headers.
const END_HEADERS: u8 = 4;

/// Follows the bytes of one direction from frame to frame, and leaves frames out that are not wanted.
#[derive(Debug)]
pub(super) struct FrameCursor {
    place: Place,
    /// A list of headers is not complete: no other frame may come before its next part.
    in_headers: bool,
    /// The streams whose frames are thrown away.
    discarded: Vec<u32>,
    /// The bytes of DATA that were thrown away since this was last taken.
    credit: u32,
    newest_stream: Option<u32>,
}

#[derive(Debug)]
enum Place {
    Preface { left: usize },
    Head { bytes: [u8; HEAD], filled: usize },
    Payload { left: usize, passes: bool },
}

const NEXT_HEAD: Place = Place::Head { bytes: [0; HEAD], filled: 0 };

impl FrameCursor {
    /// At the start of what a client sends.
    pub(super) fn of_client() -> Self {
        Self::at(Place::Preface { left: PREFACE })
    }

    /// At the start of what a server sends.
    pub(super) fn of_server() -> Self {
        Self::at(NEXT_HEAD)
    }

    fn at(place: Place) -> Self {
        Self { place, in_headers: false, discarded: Vec::new(), credit: 0, newest_stream: None }
    }

    /// Whether another frame may be put in here.
    pub(super) fn is_between_frames(&self) -> bool {
        matches!(self.place, Place::Head { filled: 0, .. }) && !self.in_headers
    }

    /// The stream with the highest number for which headers came.
    pub(super) fn newest_stream(&self) -> Option<u32> {
        self.newest_stream
    }

    /// Throws away what comes for a stream.
    pub(super) fn discard(&mut self, stream: u32) {
        self.discarded.push(stream);
    }

    /// The window that the sender of discarded data believes to have used.
    pub(super) fn take_credit(&mut self) -> Option<u32> {
        Some(std::mem::take(&mut self.credit)).filter(|credit| *credit > 0)
    }

    /// Takes bytes as far as the next place where a frame might be put in, and hands on those that are not thrown
    /// away. Says how many it took.
    pub(super) fn advance(&mut self, bytes: &[u8], out: &mut BytesMut) -> usize {
        // Which frame a head belongs to is known at its end, so it is held back where it might be thrown away.
        let holds_head = !self.discarded.is_empty();
        match &mut self.place {
            Place::Preface { left } => {
                let taken = bytes.len().min(*left);
                out.extend_from_slice(&bytes[..taken]);
                *left -= taken;
                if *left == 0 {
                    self.place = NEXT_HEAD;
                }
                taken
            }
            Place::Head { bytes: head, filled } => {
                let taken = bytes.len().min(HEAD - *filled);
                head[*filled..][..taken].copy_from_slice(&bytes[..taken]);
                *filled += taken;
                if !holds_head {
                    out.extend_from_slice(&bytes[..taken]);
                }
                if *filled == HEAD {
                    let head = *head;
                    let passes = self.enter(head);
                    if holds_head && passes {
                        out.extend_from_slice(&head);
                    }
                }
                taken
            }
            Place::Payload { left, passes } => {
                let taken = bytes.len().min(*left);
                if *passes {
                    out.extend_from_slice(&bytes[..taken]);
                }
                *left -= taken;
                if *left == 0 {
                    self.place = NEXT_HEAD;
                }
                taken
            }
        }
    }

    /// Hands on a head that was held back, where nothing comes behind it any more.
    pub(super) fn give_up(&mut self, out: &mut BytesMut) {
        if let Place::Head { bytes, filled } = &mut self.place
            && !self.discarded.is_empty()
        {
            out.extend_from_slice(&bytes[..std::mem::take(filled)]);
        }
    }

    /// Begins a frame. Says whether it is handed on.
    fn enter(&mut self, head: [u8; HEAD]) -> bool {
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = head;
        let length = u32::from_be_bytes([0, l0, l1, l2]);
        let stream = u32::from_be_bytes([s0, s1, s2, s3]) & (u32::MAX >> 1);
        if let kind::HEADERS | kind::PUSH_PROMISE | kind::CONTINUATION = kind {
            self.in_headers = flags & END_HEADERS == 0;
        }
        if kind == kind::HEADERS {
            self.newest_stream = self.newest_stream.max(Some(stream));
        }
        let is_headers_less = matches!(kind, kind::DATA | kind::PRIORITY | kind::RST_STREAM | kind::WINDOW_UPDATE);
        let passes = !(is_headers_less && self.discarded.contains(&stream));
        if !passes && kind == kind::DATA {
            self.credit += length;
        }
        self.place = match length {
            0 => NEXT_HEAD,
            length => Place::Payload { left: length as usize, passes },
        };
        passes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame with a payload of its kind.
    fn frame(kind: u8, flags: u8, stream: u8, length: u8) -> Vec<u8> {
        let head = [0, 0, length, kind, flags, 0, 0, 0, stream];
        [&head[..], &vec![kind; length.into()]].concat()
    }

    /// Feeds bytes in pieces of a size, and says what came out and where frames might have been put in.
    fn feed(cursor: &mut FrameCursor, bytes: &[u8], size: usize) -> (BytesMut, Vec<usize>) {
        let (mut out, mut places, mut at) = (BytesMut::new(), Vec::new(), 0);
        for mut piece in bytes.chunks(size) {
            while !piece.is_empty() {
                let taken = cursor.advance(piece, &mut out);
                piece = &piece[taken..];
                at += taken;
                if cursor.is_between_frames() {
                    places.push(at);
                }
            }
        }
        (out, places)
    }

    #[test]
    fn the_ends_of_frames_are_found_whatever_the_pieces() {
        let frames = [frame(4, 0, 0, 6), frame(kind::HEADERS, END_HEADERS, 1, 30), frame(kind::DATA, 0, 1, 0)];
        let bytes = [vec![b'P'; PREFACE], frames.concat()].concat();
        let ends = [24, 24 + 15, 24 + 15 + 39, 24 + 15 + 39 + 9];
        for size in 1..=bytes.len() {
            let mut cursor = FrameCursor::of_client();
            let (out, places) = feed(&mut cursor, &bytes, size);
            assert_eq!((&out[..], &places[..]), (&bytes[..], &ends[..]), "in pieces of {size}");
            assert_eq!(cursor.newest_stream(), Some(1));
        }
    }

    #[test]
    fn nothing_goes_between_the_parts_of_a_list_of_headers() {
        let bytes = [
            frame(kind::HEADERS, 0, 1, 5),
            frame(kind::CONTINUATION, 0, 1, 5),
            frame(kind::CONTINUATION, END_HEADERS, 1, 5),
        ];
        let (_, places) = feed(&mut FrameCursor::of_server(), &bytes.concat(), 1000);
        assert_eq!(places, [42]);
    }

    #[test]
    fn a_discarded_stream_keeps_its_headers_and_gives_its_window_back() {
        let (mine, other) = (frame(kind::DATA, 0, 3, 100), frame(kind::DATA, 0, 1, 50));
        let trailers = frame(kind::HEADERS, END_HEADERS, 3, 4);
        let bytes = [&mine[..], &other, &frame(kind::WINDOW_UPDATE, 0, 3, 4), &mine, &trailers].concat();
        for size in 1..=bytes.len() {
            let mut cursor = FrameCursor::of_server();
            cursor.discard(3);
            let (out, _) = feed(&mut cursor, &bytes, size);
            assert_eq!(out[..], [&other[..], &trailers].concat(), "in pieces of {size}");
            assert_eq!((cursor.take_credit(), cursor.take_credit()), (Some(200), None));
        }
    }

    #[test]
    fn a_head_that_was_held_back_comes_out_at_the_end() {
        let mut cursor = FrameCursor::of_server();
        cursor.discard(3);
        let (mut out, _) = feed(&mut cursor, &frame(kind::DATA, 0, 1, 50)[..5], 1000);
        assert!(out.is_empty());
        cursor.give_up(&mut out);
        assert_eq!(out[..], [0, 0, 50, 0, 0]);
    }
}
