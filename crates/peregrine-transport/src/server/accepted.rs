//! One accepted connection: its handshake, its calls, its end.

use std::pin::pin;
use std::sync::Arc;

use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use tracing::debug;

use crate::call::drive::StreamExecutor;
use crate::io::Io;
use crate::peer::Peer;
use crate::server::call_service::CallService;
use crate::server::incoming_call::{CallHandler, CallTasks};
use crate::server::native::NativeService;
use crate::server::serve::{Control, ServeConfig};
use crate::stall_guard::{CLIENT_GREETING, Watched};

/// What a connection needs to serve.
pub(crate) struct Accepted {
    service: NativeService,
    builder: http2::Builder<StreamExecutor>,
    config: Arc<ServeConfig>,
    control: Control,
}

impl Accepted {
    pub(crate) fn new(peer: Peer, handler: Arc<dyn CallHandler>, config: &Arc<ServeConfig>, control: &Control) -> Self {
        let executor = StreamExecutor { tracker: control.tasks.clone(), ..StreamExecutor::default() };
        let service = NativeService {
            calls: CallService::new(handler, config, CallTasks::new(control.tasks.clone())),
            config: Arc::clone(config),
            peer: Arc::new(peer),
            next: executor.next.clone(),
        };
        let builder = builder(&executor, config);
        Self { service, builder, config: Arc::clone(config), control: control.clone() }
    }

    /// Serves until the connection ends, is drained, or is cut. Its calls run in tasks of their own, and end with it.
    pub(crate) async fn run(self, io: Box<dyn Io>) {
        let Self { service, builder, config, control } = self;
        let peer = Arc::clone(&service.peer);
        let (io, greeted) = Watched::new(io, CLIENT_GREETING, config.handshake_timeout, &config.http2);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(io), service));

        tokio::select! {
            biased;
            result = &mut connection => return log_end(&peer, result),
            _ = greeted.wait() => {}
            // hyper would wait for the greeting before it drains.
            () = control.drain.cancelled() => return debug!(peer = %peer.address, "closed a silent connection"),
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
