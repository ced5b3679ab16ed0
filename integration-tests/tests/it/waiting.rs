//! Waiting without sleeping: bounds on what might hang, and guards that tell when they are dropped.

use std::future::Future;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

/// Waits for what must come. With a paused clock a test that hangs fails at once: the clock jumps when nothing runs.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), future).await.expect("it comes within a minute")
}

/// Waits until nothing can go on without a timer. Needs a paused clock, which jumps only then.
pub(crate) async fn idle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Tells that it was dropped.
pub(crate) struct OnDrop(#[expect(dead_code, reason = "it is there to be dropped")] oneshot::Sender<()>);

/// The other end of an [`OnDrop`].
pub(crate) struct Dropped(oneshot::Receiver<()>);

impl OnDrop {
    pub(crate) fn new() -> (Self, Dropped) {
        let (sender, receiver) = oneshot::channel();
        (Self(sender), Dropped(receiver))
    }
}

impl Dropped {
    /// Waits until the guard is dropped.
    pub(crate) async fn wait(self) {
        soon(self.0).await.expect_err("a guard sends nothing");
    }

    pub(crate) fn is_yet_to_come(&mut self) -> bool {
        matches!(self.0.try_recv(), Err(oneshot::error::TryRecvError::Empty))
    }
}

/// Hands something to the one call of a closure that could be called often.
pub(crate) struct Once<T>(std::sync::Mutex<Option<T>>);

impl<T> Once<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(Some(value)))
    }

    pub(crate) fn take(&self) -> T {
        self.0.lock().unwrap().take().expect("one call alone")
    }
}
