//! A call as a server gets it, and the trait that handles it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use peregrine_proto::CallInfo;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use super::reply::Reply;
use crate::call::message_reader::MessageReader;
use crate::call::token::CallToken;

/// A call that has arrived: its headers are there, its messages are on their way.
#[derive(Debug)]
#[non_exhaustive]
pub struct IncomingCall {
    /// Method, caller, headers and deadline. The transport ends the call at its deadline, whatever the handler does.
    pub info: Arc<CallInfo>,
    /// Tells when the call is cancelled, and ends it.
    pub token: CallToken,
    /// What the caller sends.
    pub messages: MessageReader,
    /// Where the handler may start tasks that belong to the call.
    pub tasks: CallTasks,
}

/// Starts tasks that a server's shutdown waits for.
#[derive(Debug, Clone, Default)]
pub struct CallTasks {
    tracker: TaskTracker,
}

impl CallTasks {
    pub(crate) fn new(tracker: TaskTracker) -> Self {
        Self { tracker }
    }

    /// Starts a task. It is its own business to end with the call.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.tracker.spawn(task)
    }
}

/// The future of a reply.
pub type ReplyFuture = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// Handles calls.
pub trait CallHandler: Send + Sync + 'static {
    /// Handles one call. Runs in the task of the call, never in that of a connection.
    ///
    /// The future is dropped when the peer resets the call, the connection is lost or the deadline passes; so is the
    /// reply's stream.
    fn handle(&self, call: IncomingCall) -> ReplyFuture;
}

impl<F, R> CallHandler for F
where
    F: Fn(IncomingCall) -> R + Send + Sync + 'static,
    R: Future<Output = Reply> + Send + 'static,
{
    fn handle(&self, call: IncomingCall) -> ReplyFuture {
        Box::pin(self(call))
    }
}
