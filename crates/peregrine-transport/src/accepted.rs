//! One accepted connection: its handshake, its calls, its end.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;
use tokio::time::sleep;
use tracing::debug;

use crate::call::CallHandler;
use crate::drive::StreamExecutor;
use crate::io::Io;
use crate::peer::Peer;
use crate::serve::{Control, ServeConfig};
use crate::service::CallService;

/// The length of the preface with which a client says that it speaks HTTP/2.
const PREFACE_LENGTH: usize = 24;

/// What a connection needs to serve.
pub(crate) struct Accepted {
    service: CallService,
    builder: http2::Builder<StreamExecutor>,
    handshake_timeout: std::time::Duration,
    control: Control,
}

impl Accepted {
    pub(crate) fn new(peer: Peer, handler: Arc<dyn CallHandler>, config: &ServeConfig, control: &Control) -> Self {
        let executor = StreamExecutor { tracker: control.tasks.clone(), ..StreamExecutor::default() };
        let service = CallService {
            handler,
            peer: Arc::new(peer),
            next: executor.next.clone(),
            message_limit: config.message_limit,
            data_cap: config.http2.max_data_frame,
        };
        let builder = builder(&executor, config);
        let handshake_timeout = config.handshake_timeout;
        Self { service, builder, handshake_timeout, control: control.clone() }
    }

    /// Serves until the connection ends, is drained, or is cut. Its calls run in tasks of their own, and end with it.
    pub(crate) async fn run(self, io: Box<dyn Io>) {
        let Self { service, builder, handshake_timeout, control } = self;
        let peer = Arc::clone(&service.peer);
        let (io, greeted) = Greeting::watch(io);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(io), service));

        let is_greeted = tokio::select! {
            biased;
            result = &mut connection => return log_end(&peer, result),
            _ = greeted => true,
            () = control.drain.cancelled() => false,
            () = sleep(handshake_timeout) => false,
        };
        if !is_greeted {
            debug!(peer = %peer.address, "closed a connection before it spoke HTTP/2");
            return;
        }
        tokio::select! {
            result = &mut connection => return log_end(&peer, result),
            () = control.drain.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        tokio::select! {
            result = &mut connection => log_end(&peer, result),
            () = control.cut.cancelled() => debug!(peer = %peer.address, "cut a connection"),
        }
    }
}

fn builder(executor: &StreamExecutor, config: &ServeConfig) -> http2::Builder<StreamExecutor> {
    let settings = &config.http2;
    let mut builder = http2::Builder::new(executor.clone());
    builder
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .initial_stream_window_size(settings.stream_window)
        .initial_connection_window_size(settings.connection_window())
        .max_frame_size(settings.max_frame_size)
        .max_send_buf_size(settings.send_buffer())
        .max_concurrent_streams(settings.max_concurrent_streams)
        .max_header_list_size(settings.max_header_list_size)
        .max_pending_accept_reset_streams(settings.max_pending_accept_reset_streams)
        .max_local_error_reset_streams(settings.max_stream_errors)
        .keep_alive_interval(settings.keepalive_interval)
        .keep_alive_timeout(settings.keepalive_timeout);
    builder
}

fn log_end(peer: &Peer, result: hyper::Result<()>) {
    match result {
        Ok(()) => debug!(peer = %peer.address, "a connection ended"),
        Err(error) => debug!(peer = %peer.address, %error, "a connection was lost"),
    }
}

/// Tells when as many bytes have come as the preface has. hyper waits for them for ever.
struct Greeting {
    io: Box<dyn Io>,
    missing: usize,
    greeted: Option<oneshot::Sender<()>>,
}

impl Greeting {
    fn watch(io: Box<dyn Io>) -> (Self, oneshot::Receiver<()>) {
        let (sender, receiver) = oneshot::channel();
        (Self { io, missing: PREFACE_LENGTH, greeted: Some(sender) }, receiver)
    }
}

impl AsyncRead for Greeting {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buffer))?;
        if self.missing > 0 {
            self.missing = self.missing.saturating_sub(buffer.filled().len() - before);
            if self.missing == 0
                && let Some(greeted) = self.greeted.take()
            {
                // Nobody waits where the connection is closed at this moment.
                let _ = greeted.send(());
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Greeting {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
