//! A connection's bytes under watch: the peer must greet in time, and go on reading.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::SetOnce;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::http2::Http2Config;
use crate::io::Io;

/// What a client sends first.
pub(crate) const CLIENT_GREETING: &[Option<u8>] = &preface(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/// What a server sends first: SETTINGS, of which this is the frame's head, its length and flags left open.
pub(crate) const SERVER_GREETING: &[Option<u8>] =
    &[None, None, None, Some(4), None, Some(0), Some(0), Some(0), Some(0)];

/// How long the end of a connection waits for the peer to close its side.
const LINGER: Duration = Duration::from_secs(2);
/// How many times it reads before it looks at the clock again and lets others run.
const LINGER_READS: usize = 16;

const fn preface<const N: usize>(text: &[u8; N]) -> [Option<u8>; N] {
    let mut pattern = [None; N];
    let mut at = 0;
    while at < N {
        pattern[at] = Some(text[at]);
        at += 1;
    }
    pattern
}

/// A byte stream that fails with [`TimedOut`](io::ErrorKind::TimedOut) where its peer is silent from the start or
/// stops reading. hyper waits for both for ever: its pings cannot be written to a peer that does not read.
pub(crate) struct StallGuard {
    io: Box<dyn Io>,
    greeting: Option<Greeting>,
    stall: Option<Stall>,
    /// Runs since the writing side was closed.
    linger: Option<Pin<Box<Sleep>>>,
}

/// The wait for the peer's first bytes.
struct Greeting {
    /// The bytes still to come, and what they must be. `None` where the peer said something else.
    missing: Option<&'static [Option<u8>]>,
    limit: Duration,
    timer: Pin<Box<Sleep>>,
    greeted: Arc<SetOnce<()>>,
}

/// The watch over writes that wait.
struct Stall {
    limit: Duration,
    since: Option<Instant>,
    /// Set once a write has to wait, and left to run out: a write that waits is nothing rare.
    timer: Option<Pin<Box<Sleep>>>,
}

impl StallGuard {
    /// Watches a new connection, and tells when the peer has greeted.
    pub(crate) fn new(
        io: Box<dyn Io>,
        greeting: &'static [Option<u8>],
        limit: Duration,
        http2: &Http2Config,
    ) -> (Self, Arc<SetOnce<()>>) {
        let greeted = Arc::new(SetOnce::new());
        let timer = Box::pin(sleep(limit));
        let greeting = Greeting { missing: Some(greeting), limit, timer, greeted: Arc::clone(&greeted) };
        let stall = http2.stall_limit().map(|limit| Stall { limit, since: None, timer: None });
        (Self { io, greeting: Some(greeting), stall, linger: None }, greeted)
    }

    fn wrote<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        let Some(stall) = &mut self.stall else { return polled };
        if polled.is_ready() {
            stall.since = None;
            return polled;
        }
        match stall.poll(cx) {
            Poll::Ready(error) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Reads and drops what still comes, until the peer closes its side. A socket that is closed with bytes unread
    /// resets its connection, and the peer loses what it has not read: the end of a stream, say.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let linger = self.linger.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        if linger.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let mut scratch = [0; 4 << 10];
        for _ in 0..LINGER_READS {
            let mut buffer = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
        // A peer that never pauses must neither hold the worker nor outrun the timer.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Greeting {
    /// Takes what has come. True when the peer has greeted.
    fn take(&mut self, bytes: &[u8]) -> bool {
        let Some(missing) = self.missing.take() else { return false };
        let (now, later) = missing.split_at(bytes.len().min(missing.len()));
        if now.iter().zip(bytes).all(|(expected, byte)| expected.is_none_or(|expected| expected == *byte)) {
            self.missing = Some(later);
        }
        self.missing.is_some_and(<[_]>::is_empty)
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        ready!(self.timer.as_mut().poll(cx));
        let message = format!("the peer did not speak HTTP/2 within {:?}", self.limit);
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, message))
    }
}

impl Stall {
    /// Ready if the write that waits has waited too long.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(since + self.limit)));
        while timer.as_mut().poll(cx).is_ready() {
            let end = since + self.limit;
            if Instant::now() >= end {
                let message = format!("the peer has not read anything for {:?}", self.limit);
                return Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, message));
            }
            timer.as_mut().reset(end);
        }
        Poll::Pending
    }
}

impl AsyncRead for StallGuard {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buffer);
        let Some(greeting) = &mut self.greeting else { return polled };
        match polled {
            Poll::Ready(Ok(())) if greeting.take(&buffer.filled()[before..]) => {
                // Nobody else sets it.
                let _ = greeting.greeted.set(());
                self.greeting = None;
            }
            Poll::Ready(_) => {}
            Poll::Pending => return greeting.poll(cx).map(Err),
        }
        polled
    }
}

impl AsyncWrite for StallGuard {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.wrote(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        self.wrote(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.io).poll_flush(cx);
        self.wrote(cx, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            let polled = Pin::new(&mut self.io).poll_shutdown(cx);
            ready!(self.wrote(cx, polled))?;
        }
        self.poll_linger(cx).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    /// A peer that always has more to say.
    struct Flood;

    impl AsyncRead for Flood {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            buffer.put_slice(&[0; 100]);
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Flood {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_never_pauses_does_not_hold_the_end_of_its_connection() {
        let limit = Duration::from_secs(1);
        let (mut watched, _greeted) = StallGuard::new(Box::new(Flood), CLIENT_GREETING, limit, &Http2Config::server());
        let closing = tokio::spawn(async move { watched.shutdown().await });
        tokio::task::yield_now().await;
        assert!(!closing.is_finished());
        tokio::time::advance(LINGER).await;
        closing.await.unwrap().unwrap();
    }
}
