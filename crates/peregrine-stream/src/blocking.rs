//! An iterator that may block, as a stream: driven on a thread for that, a little ahead of its reader.

use futures_core::Stream;
use futures_util::{StreamExt, stream};
use peregrine_proto::FlightError;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

/// How many items wait for the network at most.
const AHEAD: usize = 2;

/// Starts at the first poll, inside a tokio runtime. The iterator ends early when the stream is dropped.
pub(crate) fn stream<T, I>(items: I) -> impl Stream<Item = Result<T, FlightError>> + Send
where
    T: Send + 'static,
    I: Iterator<Item = Result<T, FlightError>> + Send + 'static,
{
    stream::once(async move {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let task = spawn_blocking(move || {
            for item in items {
                if sender.blocking_send(item).is_err() {
                    break;
                }
            }
        });
        stream::unfold((receiver, Some(task)), next)
    })
    .flatten()
}

type State<T> = (mpsc::Receiver<Result<T, FlightError>>, Option<JoinHandle<()>>);

async fn next<T>((mut receiver, mut task): State<T>) -> Option<(Result<T, FlightError>, State<T>)> {
    if let Some(item) = receiver.recv().await {
        return Some((item, (receiver, task)));
    }
    // The sender is gone: because the iterator ended, or because it panicked.
    let error = task.take()?.await.err()?;
    Some((Err(panicked(error)), (receiver, None)))
}

fn panicked(error: JoinError) -> FlightError {
    FlightError::internal("the reader behind the stream panicked").with_source(error)
}

#[cfg(test)]
mod tests {
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
