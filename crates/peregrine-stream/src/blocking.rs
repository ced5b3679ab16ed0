//! An iterator that may block, as a stream: driven on threads for that, one item ahead of its reader.

use futures_core::Stream;
use futures_util::stream;
use peregrine_proto::FlightError;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

/// Starts at the first poll, inside a tokio runtime. No thread is held while an item waits to be read, so slow readers
/// do not use up the threads. When the stream is dropped the iterator is, behind the item that it is at; a step that
/// waits for a thread never begins.
pub(crate) fn stream<T, I>(items: I) -> impl Stream<Item = Result<T, FlightError>> + Send
where
    T: Send + 'static,
    I: Iterator<Item = Result<T, FlightError>> + Send + 'static,
{
    stream::unfold(BlockingItems::Resting(items), async |driven| {
        let step = match driven {
            BlockingItems::Resting(items) => step(items),
            BlockingItems::Running(step) => step,
            BlockingItems::Gone => return None,
        };
        match step.done().await {
            Ok((item, items)) => item.map(|item| (item, BlockingItems::Running(self::step(items)))),
            Err(error) => Some((Err(panicked(error)), BlockingItems::Gone)),
        }
    })
}

/// An iterator between two items.
enum BlockingItems<T, I> {
    Resting(I),
    Running(BlockingStep<(Option<T>, I)>),
    Gone,
}

/// Work on a thread, not begun any more once this is dropped.
struct BlockingStep<T>(JoinHandle<T>);

impl<T> BlockingStep<T> {
    async fn done(mut self) -> Result<T, JoinError> {
        (&mut self.0).await
    }
}

impl<T> Drop for BlockingStep<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Takes one item.
fn step<I: Iterator + Send + 'static>(mut items: I) -> BlockingStep<(Option<I::Item>, I)>
where
    I::Item: Send,
{
    BlockingStep(spawn_blocking(move || (items.next(), items)))
}

fn panicked(error: JoinError) -> FlightError {
    FlightError::internal("the reader behind the stream panicked").with_source(error)
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_comes_behind_the_items_before_it() {
        let items = (0..3).map(|i| if i == 2 { panic!("the file is gone") } else { Ok(i) });
        let read: Vec<_> = stream(items).collect().await;
        assert_eq!(read.len(), 3);
        assert!(matches!(read[..2], [Ok(0), Ok(1)]));
        assert!(read[2].as_ref().is_err_and(|error| error.message().contains("panicked")));
    }

    #[tokio::test]
    async fn the_iterator_ends_when_the_stream_is_dropped() {
        let (dropped, is_dropped) = tokio::sync::oneshot::channel::<()>();
        let items = (0..).map(move |i| {
            let _held = &dropped;
            Ok(i)
        });
        let mut endless = Box::pin(stream(items));
        assert!(matches!(endless.next().await, Some(Ok(0))));
        drop(endless);
        assert!(is_dropped.await.is_err(), "the iterator, and the sender in it, are gone");
    }
}
