//! File work as a stream: each step runs on the blocking pool, one step ahead of the network.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use peregrine::proto::FlightError;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

/// Runs file work on the blocking pool.
pub(super) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FlightError> + Send + 'static,
) -> Result<T, FlightError> {
    spawn_blocking(work).await.map_err(broke_off)?
}

/// What an iterator gives that blocks.
///
/// While an item waits to be sent, the next one is read, and no more: two are in memory at a time. A thread is taken for
/// each step anew, so that a client that does not read holds none. Dropping the stream ends the iterator behind the step
/// that it is at.
pub(super) struct Steps<I: Iterator> {
    step: Option<JoinHandle<(I, Option<I::Item>)>>,
}

impl<T, I> Steps<I>
where
    T: Send + 'static,
    I: Iterator<Item = Result<T, FlightError>> + Send + 'static,
{
    /// Begins with the first step at once. Called inside of a runtime.
    pub(super) fn of(items: I) -> Self {
        Self { step: Some(Self::start(items)) }
    }

    fn start(mut items: I) -> JoinHandle<(I, Option<I::Item>)> {
        spawn_blocking(move || {
            let item = items.next();
            (items, item)
        })
    }
}

impl<T, I> Stream for Steps<I>
where
    T: Send + 'static,
    I: Iterator<Item = Result<T, FlightError>> + Send + 'static,
{
    type Item = Result<T, FlightError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(step) = &mut self.step else { return Poll::Ready(None) };
        let done = ready!(Pin::new(step).poll(cx));
        self.step = None;
        let (items, item) = match done {
            Ok(done) => done,
            Err(error) => return Poll::Ready(Some(Err(broke_off(error)))),
        };
        if matches!(item, Some(Ok(_))) {
            self.step = Some(Self::start(items));
        }
        Poll::Ready(item)
    }
}

impl<I: Iterator> Drop for Steps<I> {
    fn drop(&mut self) {
        // A step that has not begun never does.
        if let Some(step) = &self.step {
            step.abort();
        }
    }
}

fn broke_off(error: JoinError) -> FlightError {
    FlightError::internal("reading files broke off").with_source(error)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
        poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
    }

    #[tokio::test]
    async fn gives_what_the_iterator_gives_up_to_the_first_error() {
        let items = [Ok(1), Ok(2), Err(FlightError::not_found("gone")), Ok(4)];
        let mut steps = Steps::of(items.into_iter());
        assert!(matches!(next(&mut steps).await, Some(Ok(1))));
        assert!(matches!(next(&mut steps).await, Some(Ok(2))));
        assert!(matches!(next(&mut steps).await, Some(Err(error)) if error.message() == "gone"));
        assert!(next(&mut steps).await.is_none());
    }

    #[tokio::test]
    async fn the_iterator_is_dropped_with_the_stream() {
        let (held, dropped) = tokio::sync::oneshot::channel::<()>();
        let mut steps = Steps::of((0..).map(move |i| {
            let _held = &held;
            Ok(i)
        }));
        assert!(matches!(next(&mut steps).await, Some(Ok(0))));
        drop(steps);
        assert!(dropped.await.is_err());
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let mut steps = Steps::of(std::iter::once_with(|| -> Result<(), FlightError> { panic!("no") }));
        assert!(matches!(next(&mut steps).await, Some(Err(error)) if error.message().contains("broke off")));
        assert!(next(&mut steps).await.is_none());
    }
}
