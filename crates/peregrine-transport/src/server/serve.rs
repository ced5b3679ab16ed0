//! The server: takes connections in, and ends in an orderly way.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use peregrine_proto::{FlightError, Location};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::accept::{Accept, Listener};
use super::accepted::Accepted;
use super::call_service::CallService;
use super::control::Control;
use super::http_service::HttpService;
use super::incoming_call::{CallHandler, CallTasks};
use super::router::Router;
use super::serve_config::ServeConfig;
use crate::listen_address::ListenAddress;

/// How long calls may go on when the last handle of a server was dropped without a shutdown.
const ABANDONED: Duration = Duration::from_secs(10);
/// How long tasks that were cut get to go. Only one that blocks its thread needs longer, and it is not waited for.
const CUT: Duration = Duration::from_secs(1);
/// The pauses after accepts that failed, but not over a single connection: in general the process is out of file
/// descriptors.
const ACCEPT_PAUSES: std::ops::RangeInclusive<Duration> = Duration::from_millis(5)..=Duration::from_secs(1);

/// Serves a listener until the handle's [`shutdown`](ServeHandle::shutdown). Returns at once; must be called within a
/// tokio runtime.
///
/// # Errors
/// [`InvalidArgument`](peregrine_proto::FlightErrorKind::InvalidArgument) for settings that HTTP/2 does not allow and
/// for mounts that contradict each other.
///
/// ```
/// use std::time::Duration;
///
/// use http::HeaderMap;
/// use peregrine_transport::{
///     CallStart, Channel, ChannelConfig, IncomingCall, Listener, Outgoing, Reply, ServeConfig, Status, frame_message,
///     serve,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (listener, connector) = Listener::in_memory();
/// let echo = |mut call: IncomingCall| async move {
///     match call.messages.next_message().await {
///         Some(Ok(message)) => Reply::complete(HeaderMap::new(), frame_message(message).unwrap(), Status::ok()),
///         Some(Err(status)) => Reply::end(HeaderMap::new(), status),
///         None => Reply::end(HeaderMap::new(), Status::ok()),
///     }
/// };
/// let server = serve(listener, echo, ServeConfig::default())?;
///
/// let channel = Channel::new(server.location().clone(), connector, ChannelConfig::default())?;
/// let request = Outgoing::whole(frame_message(bytes::Bytes::from("hello"))?);
/// let mut reply = channel.call(CallStart::new("/test.Echo/Echo"), request).await?;
/// assert_eq!(reply.next_message().await.unwrap()?, "hello");
/// assert!(reply.next_message().await.is_none());
/// server.shutdown(Duration::from_secs(1)).await;
/// # Ok(())
/// # }
/// ```
pub fn serve(listener: Listener, handler: impl CallHandler, config: ServeConfig) -> Result<ServeHandle, FlightError> {
    config.http2.check()?;
    config.mounts.check()?;
    let control = Control::default();
    let address = listener.local_addr();
    let location = config.location(&address);
    let max_connections = config.max_connections.clamp(1, Semaphore::MAX_PERMITS);
    let tasks = CallTasks::new(control.tasks.clone());
    let data_cap = config.http2.max_data_frame;
    let calls = CallService::new(Arc::new(handler), config.message_limit, data_cap, tasks);
    let service = HttpService::new(Router::new(calls, config.mounts.clone(), data_cap));
    let server = Server {
        control: control.clone(),
        service: config.layers.wrap(service),
        permits: Arc::new(Semaphore::new(max_connections)),
        config: Arc::new(config),
    };
    tokio::spawn(server.run(listener));
    Ok(ServeHandle { owner: Arc::new(ServerOwner { address, location, control }) })
}

/// A running server. Clones are the same server.
///
/// Dropping the last handle ends the server too: it takes no connection and no call any more, and those that run have
/// ten seconds.
#[derive(Clone)]
pub struct ServeHandle {
    owner: Arc<ServerOwner>,
}

struct ServerOwner {
    address: ListenAddress,
    location: Location,
    control: Control,
}

/// How a shutdown went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shutdown {
    /// All calls came to their end.
    Drained,
    /// The time was over, and what still ran was cut.
    Cut,
}

impl ServeHandle {
    /// Where the server listens.
    pub fn local_addr(&self) -> &ListenAddress {
        &self.owner.address
    }

    /// The location that clients would write, see [`ServeConfig::location`].
    pub fn location(&self) -> &Location {
        &self.owner.location
    }

    /// Stops taking connections and calls, lets the calls that run come to their end, and cuts what is left after
    /// `limit`: connections are closed, handlers dropped. Dropping the future leaves the server draining.
    pub async fn shutdown(&self, limit: Duration) -> Shutdown {
        let control = &self.owner.control;
        control.drain.cancel();
        if timeout(limit, control.tasks.wait()).await.is_ok() {
            return Shutdown::Drained;
        }
        control.cut.cancel();
        if timeout(CUT, control.tasks.wait()).await.is_err() {
            warn!("{} tasks of the server block their threads and were left alone", control.tasks.len());
        }
        Shutdown::Cut
    }

    /// Waits until the server takes no more connections and calls, which is how a shutdown begins.
    pub async fn draining(&self) {
        self.owner.control.drain.cancelled().await;
    }

    /// Waits until the server has ended, which a shutdown brings about.
    pub async fn wait(&self) {
        self.owner.control.tasks.wait().await;
    }
}

impl fmt::Debug for ServeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServeHandle").field("address", &self.owner.address).finish_non_exhaustive()
    }
}

impl Drop for ServerOwner {
    fn drop(&mut self) {
        self.control.drain.cancel();
        self.control.abandoned.cancel();
    }
}

struct Server {
    control: Control,
    /// Each connection runs on a clone.
    service: HttpService,
    permits: Arc<Semaphore>,
    config: Arc<ServeConfig>,
}

impl Server {
    async fn run(self, listener: Listener) {
        let control = self.control.clone();
        control.drain.run_until_cancelled(self.accept_all(listener)).await;
        control.tasks.close();
        tokio::select! {
            () = control.tasks.wait() => {}
            () = control.abandoned.cancelled() => {
                tokio::select! {
                    () = control.tasks.wait() => {}
                    () = sleep(ABANDONED) => control.cut.cancel(),
                }
            }
        }
    }

    async fn accept_all(self, mut listener: Listener) {
        let mut pause = *ACCEPT_PAUSES.start();
        loop {
            let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((io, address)) => {
                    pause = *ACCEPT_PAUSES.start();
                    debug!(peer = %address, "accepted a connection");
                    let accepted = Accepted {
                        service: self.service.clone(),
                        config: Arc::clone(&self.config),
                        control: self.control.clone(),
                    };
                    self.control.tasks.spawn(with_permit(permit, accepted.run(io, address)));
                }
                Err(error) if listener.lost_one(&error) => debug!(%error, "a connection was lost before it was there"),
                Err(error) => {
                    warn!(%error, "accepting a connection failed");
                    sleep(pause).await;
                    pause = (pause * 2).min(*ACCEPT_PAUSES.end());
                }
            }
        }
    }
}

async fn with_permit(permit: OwnedSemaphorePermit, connection: impl Future<Output = ()>) {
    connection.await;
    drop(permit);
}
