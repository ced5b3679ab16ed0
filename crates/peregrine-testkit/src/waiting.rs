//! Waiting without sleeping: bounds on what might hang, and guards that tell when they are dropped.

use std::future::Future;
use std::time::Duration;

use peregrine_transport::Mutex;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Waits for what must come. With a paused clock a test that hangs fails at once: the clock jumps when nothing runs.
///
/// # Panics
/// After a minute.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), future).await.expect("it comes within a minute")
}

/// Waits until nothing can go on without a timer. Needs a paused clock, which jumps only then.
pub async fn idle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Tells that it was dropped.
#[derive(Debug)]
pub struct OnDrop(#[expect(dead_code, reason = "it is there to be dropped")] oneshot::Sender<()>);

/// The other end of an [`OnDrop`].
#[derive(Debug)]
pub struct Dropped(oneshot::Receiver<()>);

impl OnDrop {
    /// A guard, and what waits for its drop.
    pub fn new() -> (Self, Dropped) {
        let (sender, receiver) = oneshot::channel();
        (Self(sender), Dropped(receiver))
    }
}

impl Dropped {
    /// Waits until the guard is dropped.
    ///
    /// # Panics
    /// After a minute.
    pub async fn wait(self) {
        soon(self.0).await.expect_err("a guard sends nothing");
    }

    /// Whether the guard is still held.
    pub fn is_yet_to_come(&mut self) -> bool {
        matches!(self.0.try_recv(), Err(oneshot::error::TryRecvError::Empty))
    }
}

/// Hands something to the one call of a closure that could be called often.
#[derive(Debug)]
pub struct Once<T>(Mutex<Option<T>>);

impl<T> Once<T> {
    /// Holds a value for one call.
    pub fn new(value: T) -> Self {
        Self(Mutex::new(Some(value)))
    }

    /// The value.
    ///
    /// # Panics
    /// If it was taken before.
    pub fn take(&self) -> T {
        self.0.lock().take().expect("one call alone")
    }
}
