//! One direction of a connection: the bytes on their way, and what is done to them.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::task::{Context, Poll, Waker};

use bytes::{Buf, BytesMut};
use tokio::io::ReadBuf;

use super::cursor::FrameCursor;
use super::frame::Frame;
use super::plan::Fault;

/// How much may be on its way.
const CAPACITY: usize = 256 << 10;

/// How a direction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The reader gets what was sent and then the end.
    Closed,
    /// The reader gets what was sent and then an error.
    Reset,
}

/// One direction. Faults act where bytes come in, so the reader gets exactly the bytes that passed.
#[derive(Debug)]
pub(super) struct Lane {
    buffer: BytesMut,
    frames: FrameCursor,
    /// The bytes that were taken from the writer.
    passed: u64,
    /// What strikes where, in order.
    planned: VecDeque<(u64, Fault)>,
    /// Frames that wait for their place.
    waiting: VecDeque<Frame>,
    is_stalled: bool,
    /// The most bytes of a read or a write.
    most: usize,
    end: Option<End>,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// Who is to be woken when nobody holds the lock.
    due: Vec<Waker>,
}

impl Lane {
    pub(super) fn new(frames: FrameCursor) -> Self {
        Self {
            buffer: BytesMut::new(),
            frames,
            passed: 0,
            planned: VecDeque::new(),
            waiting: VecDeque::new(),
            is_stalled: false,
            most: usize::MAX,
            end: None,
            reader: None,
            writer: None,
            due: Vec::new(),
        }
    }

    pub(super) fn passed(&self) -> u64 {
        self.passed
    }

    pub(super) fn newest_stream(&self) -> Option<u32> {
        self.frames.newest_stream()
    }

    /// Whether all that was planned has happened.
    pub(super) fn is_plan_over(&self) -> bool {
        self.planned.is_empty() && self.waiting.is_empty()
    }

    pub(super) fn take_due(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.due)
    }

    /// Window that is to be given back to the writer.
    pub(super) fn take_credit(&mut self) -> Option<u32> {
        self.frames.take_credit()
    }

    /// Plans a fault after so many bytes more.
    pub(super) fn plan(&mut self, bytes: u64, fault: Fault) {
        let place = self.passed.saturating_add(bytes);
        let behind = self.planned.partition_point(|(planned, _)| *planned <= place);
        self.planned.insert(behind, (place, fault));
    }

    /// The next fault whose place is reached.
    pub(super) fn next_fault(&mut self) -> Option<Fault> {
        let (place, _) = self.planned.front()?;
        if *place > self.passed {
            return None;
        }
        self.planned.pop_front().map(|(_, fault)| fault)
    }

    pub(super) fn write(&mut self, cx: &Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if let (Some(end), false) = (self.end, self.is_stalled) {
            return Poll::Ready(Err(end.write_error()));
        }
        let until_fault = self.planned.front().map_or(u64::MAX, |(place, _)| place - self.passed);
        let free = CAPACITY.saturating_sub(self.buffer.len()).min(self.most);
        let room = free.min(usize::try_from(until_fault).unwrap_or(usize::MAX));
        if self.is_stalled || room == 0 {
            self.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let mut taken = 0;
        for slice in slices {
            let part = &slice[..slice.len().min(room - taken)];
            self.take(part);
            taken += part.len();
        }
        Poll::Ready(Ok(taken))
    }

    fn take(&mut self, mut bytes: &[u8]) {
        self.passed += bytes.len() as u64;
        while !bytes.is_empty() {
            let taken = self.frames.advance(bytes, &mut self.buffer);
            bytes = &bytes[taken..];
            self.put_waiting();
        }
        self.wake_reader();
    }

    pub(super) fn read(&mut self, cx: &Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let length = self.buffer.len().min(buffer.remaining()).min(self.most);
        if length > 0 {
            buffer.put_slice(&self.buffer[..length]);
            self.buffer.advance(length);
            self.wake_writer();
            return Poll::Ready(Ok(()));
        }
        match self.end {
            Some(end) if !self.is_stalled => Poll::Ready(end.read_result()),
            _ => {
                self.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// The writer has closed its side. A stall hides that from the reader.
    pub(super) fn close(&mut self) {
        self.frames.give_up(&mut self.buffer);
        self.end.get_or_insert(End::Closed);
        self.wake_reader();
    }

    /// The reader is gone.
    pub(super) fn abandon(&mut self) {
        self.end.get_or_insert(End::Closed);
        self.buffer.clear();
        self.wake_writer();
    }

    /// Ends the direction, whatever was planned for it.
    pub(super) fn strike_end(&mut self, end: End) {
        self.frames.give_up(&mut self.buffer);
        self.end.get_or_insert(end);
        self.planned.clear();
        self.waiting.clear();
        self.is_stalled = false;
        self.wake_reader();
        self.wake_writer();
    }

    pub(super) fn stall(&mut self) {
        self.is_stalled = true;
    }

    pub(super) fn drip(&mut self, most: usize) {
        self.most = most.max(1);
    }

    /// Ends a stall and a drip.
    pub(super) fn lift(&mut self) {
        self.is_stalled = false;
        self.most = usize::MAX;
        self.wake_reader();
        self.wake_writer();
    }

    /// Puts a frame in, here or where the frame that is on its way ends.
    pub(super) fn put(&mut self, frame: Frame) {
        self.waiting.push_back(frame);
        self.put_waiting();
    }

    fn put_waiting(&mut self) {
        while self.frames.is_between_frames()
            && let Some(frame) = self.waiting.pop_front()
        {
            frame.write(&mut self.buffer);
            if let Some(stream) = frame.ends_stream() {
                self.frames.discard(stream);
            }
            self.wake_reader();
        }
    }

    fn wake_reader(&mut self) {
        self.due.extend(self.reader.take());
    }

    fn wake_writer(&mut self) {
        self.due.extend(self.writer.take());
    }
}

impl End {
    fn write_error(self) -> io::Error {
        match self {
            Self::Closed => io::Error::new(io::ErrorKind::BrokenPipe, "the connection is closed"),
            Self::Reset => self.reset_error(),
        }
    }

    fn read_result(self) -> io::Result<()> {
        match self {
            Self::Closed => Ok(()),
            Self::Reset => Err(self.reset_error()),
        }
    }

    fn reset_error(self) -> io::Error {
        io::Error::new(io::ErrorKind::ConnectionReset, "the connection was reset, as the test asked")
    }
}
