//! Those who wait for one body from two sides.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

/// Who is to be woken when something comes: whichever of the two polled last, the other may be the only one that waits.
#[derive(Default)]
pub(crate) struct Wakers {
    pub(crate) reader: Mutex<Option<Waker>>,
    pub(crate) sender: Mutex<Option<Waker>>,
}

impl Wakers {
    /// Keeps who waits in a slot.
    pub(crate) fn keep(slot: &Mutex<Option<Waker>>, waker: &Waker) {
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *slot {
            Some(kept) => kept.clone_from(waker),
            None => *slot = Some(waker.clone()),
        }
    }

    /// Wakes who waits in a slot.
    pub(crate) fn wake_one(slot: &Mutex<Option<Waker>>) {
        let waker = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        waker.into_iter().for_each(Waker::wake);
    }

    /// Wakes whoever waits.
    pub(crate) fn wake_both(&self) {
        Self::wake_one(&self.reader);
        Self::wake_one(&self.sender);
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_both();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_both();
    }
}
