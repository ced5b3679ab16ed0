//! The two tasks that wait for one body.

use std::sync::Arc;
use std::task::{Wake, Waker};

use super::waker_slot::WakerSlot;
use crate::mutex::Mutex;

/// Who is to be woken when something comes: whichever of the two polled last, the other may be the only one that waits.
#[derive(Default)]
pub(crate) struct Wakers {
    pub(crate) reader: Mutex<WakerSlot>,
    pub(crate) sender: Mutex<WakerSlot>,
}

impl Wakers {
    /// Keeps the task that waits in a slot.
    pub(crate) fn keep(slot: &Mutex<WakerSlot>, waker: &Waker) {
        slot.lock().keep(waker);
    }

    /// Wakes the task that waits in a slot.
    pub(crate) fn wake_one(slot: &Mutex<WakerSlot>) {
        let waker = slot.lock().take();
        waker.into_iter().for_each(Waker::wake);
    }

    /// Wakes both.
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
