//! One connection of a channel, and the making of it.

use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::debug;

use crate::channel::ChannelConfig;
use crate::connect::Connector;
use crate::drive::{NextCall, StreamExecutor};
use crate::http2::Http2Config;
use crate::outgoing::RequestBody;
use crate::status::{Code, Status};
use crate::watched::{SERVER_GREETING, Watched};

/// How many cancelled calls are remembered, and for how long. Data that a server had sent before it saw the reset
/// counts as a stream error once the call is forgotten; h2 remembers 50 for a second by itself.
const RESET_STREAMS: usize = 1024;
const RESET_MEMORY: Duration = Duration::from_secs(30);

/// A connection to a server.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) sender: SendRequest<RequestBody>,
    pub(crate) next: NextCall,
}

/// A connection on its way. Made in a task of its own, so that it goes on when a call that waits for it is given up.
#[derive(Clone)]
pub(crate) struct Linking {
    result: watch::Receiver<Option<Result<Link, Status>>>,
}

impl Linking {
    pub(crate) fn start(connector: Arc<dyn Connector>, config: &ChannelConfig) -> Self {
        let (sender, result) = watch::channel(None);
        let (http2, limit) = (config.http2.clone(), config.connect_timeout);
        tokio::spawn(async move {
            let link = open(connector.as_ref(), &http2, limit).await;
            sender.send_replace(Some(link));
        });
        Self { result }
    }

    pub(crate) async fn wait(&self) -> Result<Link, Status> {
        let mut result = self.result.clone();
        match result.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(link)) => link.clone(),
            Ok(None) | Err(_) => Err(Status::new(Code::Internal, "the task that connects has panicked")),
        }
    }

    /// Whether it came to nothing, which is no answer to a call that begins now.
    pub(crate) fn has_failed(&self) -> bool {
        matches!(&*self.result.borrow(), Some(Err(_)))
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.result.same_channel(&other.result)
    }
}

async fn open(connector: &dyn Connector, http2: &Http2Config, limit: Duration) -> Result<Link, Status> {
    let unavailable = |what: &dyn std::fmt::Display| {
        Status::new(Code::Unavailable, format!("cannot connect to {}: {what}", connector.address()))
    };
    let opened = timeout(limit, async {
        let io = connector.connect().await.map_err(|error| unavailable(&error).with_source(error))?;
        let executor = StreamExecutor::default();
        let next = executor.next.clone();
        // A server that never greets is found out by the watch, and its calls fail: they do not wait for it here,
        // which would cost each connection the time of a round trip.
        let (io, _greeted) = Watched::new(io, SERVER_GREETING, limit, http2);
        let handshake = builder(http2, executor).handshake(TokioIo::new(io)).await;
        let (sender, connection) = handshake.map_err(|error| unavailable(&error).with_source(error))?;
        tokio::spawn(async move {
            match connection.await {
                Ok(()) => debug!("a connection ended"),
                Err(error) => debug!(%error, "a connection was lost"),
            }
        });
        Ok(Link { sender, next })
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
