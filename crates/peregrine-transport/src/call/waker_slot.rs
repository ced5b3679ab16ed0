//! `WakerSlot`: the task that waits for something.

use std::task::Waker;

/// The task that waits for something, of which there is one at a time.
#[derive(Default)]
pub(crate) struct WakerSlot {
    waker: Option<Waker>,
}

impl WakerSlot {
    /// Keeps the waker of the task that polled last.
    pub(crate) fn keep(&mut self, waker: &Waker) {
        match &mut self.waker {
            Some(kept) => kept.clone_from(waker),
            None => self.waker = Some(waker.clone()),
        }
    }

    /// Takes the waker out, to wake it where no lock is held.
    pub(crate) fn take(&mut self) -> Option<Waker> {
        self.waker.take()
    }
}
