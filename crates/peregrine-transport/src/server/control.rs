//! What ends a server, step by step.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What ends a server, step by step.
#[derive(Debug, Clone, Default)]
pub(crate) struct Control {
    /// No new connections and calls.
    pub(crate) drain: CancellationToken,
    /// No calls at all.
    pub(crate) cut: CancellationToken,
    /// No handle is left.
    pub(crate) abandoned: CancellationToken,
    /// All tasks: of connections and of calls. Closed when no connection is accepted any more.
    pub(crate) tasks: TaskTracker,
}
