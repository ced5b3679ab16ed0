//! A connection in memory: two directions, and an end for each peer.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use peregrine_transport::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;

use super::cursor::FrameCursor;
use super::frame::Frame;
use super::lane::{End, Lane};
use super::plan::{Direction, Fault};

/// A connection that is to be opened, is open, or is over.
#[derive(Debug)]
pub(super) struct Link {
    state: Mutex<LinkState>,
    changed: Notify,
}

/// What both ends and the test share.
#[derive(Debug)]
pub(super) struct LinkState {
    to_server: Lane,
    to_client: Lane,
    pub(super) phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Waiting,
    Open,
    Over,
}

impl Link {
    pub(super) fn new() -> Arc<Self> {
        let (to_server, to_client) = (Lane::new(FrameCursor::of_client()), Lane::new(FrameCursor::of_server()));
        let state = LinkState { to_server, to_client, phase: Phase::Waiting };
        Arc::new(Self { state: Mutex::new(state), changed: Notify::new() })
    }

    /// The ends of the client and of the server.
    pub(super) fn open(self: &Arc<Self>) -> (LinkEnd, LinkEnd) {
        self.change(LinkState::open);
        let end = |writes| LinkEnd { link: Arc::clone(self), writes };
        (end(Direction::ToServer), end(Direction::ToClient))
    }

    /// Does something to the connection, then wakes whom it concerns.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut LinkState) -> T) -> T {
        let mut state = self.state.lock();
        let value = change(&mut state);
        let due = [state.to_server.take_due(), state.to_client.take_due()];
        // Wakers may run foreign code.
        drop(state);
        due.into_iter().flatten().for_each(Waker::wake);
        self.changed.notify_waiters();
        value
    }

    /// Waits until something is true of the connection.
    pub(super) async fn until(&self, is_true: impl Fn(&LinkState) -> bool) {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if is_true(&self.state.lock()) {
                return;
            }
            changed.await;
        }
    }
}

impl LinkState {
    pub(super) fn lane(&self, direction: Direction) -> &Lane {
        match direction {
            Direction::ToServer => &self.to_server,
            Direction::ToClient => &self.to_client,
        }
    }

    pub(super) fn lane_mut(&mut self, direction: Direction) -> &mut Lane {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }

    fn open(&mut self) {
        self.phase = Phase::Open;
        self.settle(Direction::ToServer);
        self.settle(Direction::ToClient);
    }

    /// Lets everything happen whose place is reached.
    pub(super) fn settle(&mut self, direction: Direction) {
        while let Some(fault) = self.lane_mut(direction).next_fault() {
            self.strike(direction, fault);
        }
        if let Some(credit) = self.lane_mut(direction).take_credit() {
            self.lane_mut(direction.opposite()).put(Frame::window_update(credit));
        }
    }

    fn strike(&mut self, direction: Direction, fault: Fault) {
        let lane = self.lane_mut(direction);
        match fault {
            Fault::Cut => self.end(End::Closed),
            Fault::Reset => self.end(End::Reset),
            Fault::HalfClose => lane.strike_end(End::Closed),
            Fault::Stall => lane.stall(),
            Fault::Drip(most) => lane.drip(most),
            Fault::Frame(frame) => lane.put(frame),
            Fault::ResetStream { stream, code } => {
                self.to_server.put(Frame::reset_stream(stream, code));
                self.to_client.put(Frame::reset_stream(stream, code));
            }
        }
    }

    fn end(&mut self, end: End) {
        self.to_server.strike_end(end);
        self.to_client.strike_end(end);
        self.phase = Phase::Over;
    }
}

/// One end of a connection.
#[derive(Debug)]
pub(super) struct LinkEnd {
    link: Arc<Link>,
    writes: Direction,
}

impl LinkEnd {
    /// Waits until the connection is lost.
    pub(super) fn lost(&self) -> impl Future<Output = ()> + Send + use<> {
        let link = Arc::clone(&self.link);
        async move { link.until(|state| state.phase == Phase::Over).await }
    }
}

impl AsyncRead for LinkEnd {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.link.change(|state| state.lane_mut(self.writes.opposite()).read(cx, buffer))
    }
}

impl AsyncWrite for LinkEnd {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.link.change(|state| {
            let written = ready!(state.lane_mut(self.writes).write(cx, slices));
            state.settle(self.writes);
            Poll::Ready(written)
        })
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.link.change(|state| state.lane_mut(self.writes).close());
        Poll::Ready(Ok(()))
    }
}

impl Drop for LinkEnd {
    fn drop(&mut self) {
        self.link.change(|state| {
            state.lane_mut(self.writes).close();
            state.lane_mut(self.writes.opposite()).abandon();
            state.phase = Phase::Over;
        });
    }
}
