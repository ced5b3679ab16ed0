//! One connection of a channel, and the making of it.

use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};
use peregrine_proto::{Code, Location};
use tokio::sync::{SetOnce, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};
use tracing::debug;

use super::connect::Connect;
use super::outgoing::RequestBody;
use crate::call::drive::{NextCall, StreamExecutor};
use crate::grpc::status::{Status, innermost};
use crate::http2::Http2Config;
use crate::security::Security;
use crate::stall_guard::{SERVER_GREETING, StallGuard};

/// How many cancelled calls are remembered, and for how long. Data that a server had sent before it saw the reset
/// counts as a stream error once the call is forgotten; h2 remembers 50 for a second by itself.
const RESET_STREAMS: usize = 1024;
const RESET_MEMORY: Duration = Duration::from_secs(30);

/// Where connections lead, and how they are made.
#[derive(Clone)]
pub(crate) struct LinkTarget {
    pub(crate) location: Arc<Location>,
    pub(crate) connect: Arc<dyn Connect>,
}

/// How a connection is made.
#[derive(Clone)]
pub(crate) struct LinkSettings {
    pub(crate) http2: Http2Config,
    /// How long it may take.
    pub(crate) limit: Duration,
    pub(crate) security: Security,
}

/// A connection to a server.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) sender: SendRequest<RequestBody>,
    pub(crate) next: NextCall,
    /// When the making of it began.
    pub(crate) started: Instant,
    /// Set once the server has spoken HTTP/2.
    pub(crate) greeted: Arc<SetOnce<()>>,
}

/// A connection on its way. Made in a task of its own, so that it goes on when a call that waits for it is given up.
#[derive(Clone)]
pub(crate) struct Linking {
    pub(crate) started: Instant,
    result: watch::Receiver<Option<Result<Link, Status>>>,
    task: AbortHandle,
}

impl Linking {
    pub(crate) fn start(target: LinkTarget, settings: LinkSettings) -> Self {
        let (sender, result) = watch::channel(None);
        let task = tokio::spawn(async move {
            let link = open(&target, &settings).await;
            sender.send_replace(Some(link));
        });
        Self { started: Instant::now(), result, task: task.abort_handle() }
    }

    pub(crate) async fn wait(&self) -> Result<Link, Status> {
        let mut result = self.result.clone();
        match result.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(link)) => link.clone(),
            Ok(None) | Err(_) => Err(lost_task()),
        }
    }

    /// What came of it, once something did.
    pub(crate) fn result(&self) -> Option<Result<Link, Status>> {
        let is_lost = self.result.has_changed().is_err();
        let result = self.result.borrow().clone();
        result.or_else(|| is_lost.then(|| Err(lost_task())))
    }

    /// Ends it, for nobody waits any more.
    pub(crate) fn give_up(&self) {
        self.task.abort();
    }
}

fn lost_task() -> Status {
    Status::new(Code::Internal, "the task that connects has panicked")
}

async fn open(target: &LinkTarget, settings: &LinkSettings) -> Result<Link, Status> {
    let LinkTarget { location, connect } = target;
    let &LinkSettings { ref http2, limit, security } = settings;
    let unavailable = |what: &dyn std::fmt::Display| {
        Status::new(Code::Unavailable, format!("cannot connect to {}: {what}", connect.address(location)))
    };
    let started = Instant::now();
    let opened = timeout(limit, async {
        let secured = async { security.secure(connect.connect(location).await?).await };
        let io = secured.await.map_err(|error| unavailable(&error).with_source(error))?.io;
        let executor = StreamExecutor::default();
        let next = executor.next.clone();
        // A server that never greets is found out by the watch, and its calls fail: they do not wait for it here,
        // which would cost each connection the time of a round trip.
        let (io, greeted) = StallGuard::new(io, SERVER_GREETING, limit, http2);
        let handshake = builder(http2, executor).handshake(TokioIo::new(io)).await;
        let (sender, connection) = handshake.map_err(|error| unavailable(innermost(&error)).with_source(error))?;
        tokio::spawn(async move {
            match connection.await {
                Ok(()) => debug!("a connection ended"),
                Err(error) => debug!(%error, "a connection was lost"),
            }
        });
        Ok(Link { sender, next, started, greeted })
    });
    opened.await.unwrap_or_else(|_| Err(unavailable(&format_args!("it took longer than {limit:?}"))))
}

fn builder(settings: &Http2Config, executor: StreamExecutor) -> http2::Builder<StreamExecutor> {
    let mut builder = http2::Builder::new(executor);
    builder
        .timer(TokioTimer::new())
        .initial_stream_window_size(settings.stream_window)
        .initial_connection_window_size(settings.connection_window())
        .max_frame_size(settings.max_frame_size)
        .max_send_buf_size(settings.send_buffer())
        .max_header_list_size(settings.max_header_list_size)
        .max_concurrent_reset_streams(RESET_STREAMS)
        .reset_stream_duration(RESET_MEMORY)
        .max_local_error_reset_streams(settings.max_stream_errors)
        .keep_alive_interval(settings.keepalive_interval)
        .keep_alive_timeout(settings.keepalive_timeout)
        .keep_alive_while_idle(settings.keepalive_while_idle);
    builder
}
