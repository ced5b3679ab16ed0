//! Which calls came to an early end.

use std::collections::BTreeSet;
use std::sync::{Arc, MutexGuard};

use peregrine::transport::Mutex;

/// What the service has noticed. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Noticed(Arc<Mutex<BTreeSet<String>>>);

impl Noticed {
    pub(crate) fn has(&self, what: &str) -> bool {
        self.lock().contains(what)
    }

    /// Notices the end of a call when it is dropped, under a name.
    pub(crate) fn on_drop(&self, what: impl Into<String>) -> NoticeOnDrop {
        NoticeOnDrop { noticed: self.clone(), what: Some(what.into()) }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock()
    }
}

/// Stands in a handler for as long as it runs.
pub(crate) struct NoticeOnDrop {
    noticed: Noticed,
    what: Option<String>,
}

impl NoticeOnDrop {
    /// There is nothing to notice: the call went its way.
    pub(crate) fn disarm(mut self) {
        self.what = None;
    }
}

impl Drop for NoticeOnDrop {
    fn drop(&mut self) {
        self.noticed.lock().extend(self.what.take());
    }
}
