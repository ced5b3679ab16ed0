//! One accepted connection: it is secured, served, and ended.

use std::pin::pin;
use std::sync::Arc;

use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use peregrine_proto::{Peer, PeerAddress};
use tokio::time::{Instant, timeout_at};
use tracing::debug;

use super::connection_service::ConnectionService;
use super::control::Control;
use super::http_service::HttpService;
use super::serve_config::ServeConfig;
use crate::call::drive::StreamExecutor;
use crate::io::Io;
use crate::security::Secured;
use crate::stall_guard::{CLIENT_GREETING, StallGuard};

/// What a connection needs to serve.
pub(crate) struct Accepted {
    pub(crate) service: HttpService,
    pub(crate) config: Arc<ServeConfig>,
    pub(crate) control: Control,
}

impl Accepted {
    /// Serves until the connection ends, is drained, or is cut. Its calls run in tasks of their own, and end with it.
    pub(crate) async fn run(self, io: Box<dyn Io>, address: PeerAddress) {
        // What comes before the first request is done in this time, all together.
        let handshake = Instant::now().checked_add(self.config.handshake_timeout);
        let security = self.config.security();
        let secured = async {
            match handshake {
                Some(handshake) => {
                    timeout_at(handshake, security.secure(io)).await.unwrap_or_else(|_| Err(timed_out()))
                }
                None => security.secure(io).await,
            }
        };
        let secured = tokio::select! {
            biased;
            secured = secured => secured,
            () = self.control.drain.cancelled() => return debug!(peer = %address, "closed a silent connection"),
        };
        match secured {
            Ok(secured) => self.serve(secured, address, handshake).await,
            Err(error) => debug!(peer = %address, %error, "a connection could not be secured"),
        }
    }

    async fn serve(self, secured: Secured, address: PeerAddress, handshake: Option<Instant>) {
        let Self { service, config, control } = self;
        let mut peer = Peer::new(address);
        peer.certificates = secured.certificates;
        let peer = Arc::new(peer);

        let executor = StreamExecutor { tracker: control.tasks.clone(), ..StreamExecutor::default() };
        let service = ConnectionService::new(service, Arc::clone(&peer), executor.next.clone());
        let left = handshake.map_or(config.handshake_timeout, |end| end.saturating_duration_since(Instant::now()));
        let (io, greeted) = StallGuard::new(secured.io, CLIENT_GREETING, left, &config.http2);
        let mut connection = pin!(builder(&executor, &config).serve_connection(TokioIo::new(io), service));

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

fn timed_out() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::TimedOut, "the peer did not finish the handshake in time")
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
