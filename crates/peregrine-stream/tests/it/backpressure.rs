//! What nobody reads is not made without bound, and what nobody wants any more ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arrow_array::RecordBatchIterator;
use futures_util::stream;
use peregrine_proto::{FlightError, Ticket};
use peregrine_stream::FlightDataStream;
use peregrine_testkit::one_rpc::DoGet;
use peregrine_testkit::waiting::{OnDrop, Once, idle, soon};
use peregrine_testkit::{Pair, batches};
use peregrine_transport::Shutdown;

/// The bytes of a batch of 10 000 rows.
const BATCH: usize = 320_000;

/// The client's window, the server's send buffer, and what is on its way between them and from the source.
const MOST_AHEAD: usize = (16 + 4 + 4 + 4) << 20;

/// An endless stream that counts its batches.
fn endless(made: Arc<AtomicUsize>, guard: impl Send + 'static) -> FlightDataStream {
    let batch = batches::int64(10_000);
    let schema = batch.schema();
    let batches = stream::repeat_with(move || {
        let _held = &guard;
        made.fetch_add(1, Ordering::Relaxed);
        Ok::<_, FlightError>(batch.clone())
    });
    FlightDataStream::from_stream(schema, batches)
}

#[tokio::test(start_paused = true)]
async fn a_stream_runs_ahead_of_its_reader_by_windows_and_no_further() {
    let made = Arc::new(AtomicUsize::new(0));
    let counted = made.clone();
    let pair = Pair::new(DoGet(move |_, _| {
        let stream = endless(counted.clone(), ());
        async { Ok(stream) }
    }));
    let mut reader = pair.client().do_get(Ticket::new("")).await.unwrap();
    idle().await;
    let ahead = made.load(Ordering::Relaxed);
    assert!(ahead * BATCH <= MOST_AHEAD, "{ahead} batches were made for a reader of none");
    for _ in 0..200 {
        soon(reader.read_next()).await.unwrap().unwrap();
    }
    idle().await;
    let ahead = made.load(Ordering::Relaxed) - 200;
    assert!(ahead * BATCH <= MOST_AHEAD, "{ahead} batches were made ahead of their reader");
}

#[tokio::test]
async fn a_blocking_reader_ends_with_the_call_that_reads_it() {
    let (guard, dropped) = OnDrop::new();
    let once = Once::new(guard);
    let pair = Pair::new(DoGet(move |_, _| {
        let guard = once.take();
        let batches = (0..).map(move |_: u64| {
            let _held = &guard;
            Ok(batches::int64(1000))
        });
        async { Ok(FlightDataStream::from_reader(RecordBatchIterator::new(batches, batches::int64(0).schema()))) }
    }));
    let mut reader = pair.client().do_get(Ticket::new("")).await.unwrap();
    assert_eq!(soon(reader.read_next()).await.unwrap(), Some(batches::int64(1000)));
    drop(reader);
    dropped.wait().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_calls_that_are_given_up_leaves_nothing_behind() {
    let made = Arc::new(AtomicUsize::new(0));
    let alive = Arc::new(());
    let held = alive.clone();
    let pair = Pair::new(DoGet(move |_, _| {
        let stream = endless(made.clone(), held.clone());
        async { Ok(stream) }
    }));
    let calls: Vec<_> = (0..200)
        .map(|number: usize| {
            let client = pair.client().clone();
            tokio::spawn(async move {
                // Given up before the answer, at once, or after some batches.
                let mut open = Box::pin(client.do_get(Ticket::new("")));
                if number.is_multiple_of(5) {
                    let _ = futures_util::poll!(&mut open);
                    return;
                }
                let mut reader = open.await.unwrap();
                for _ in 0..number % 4 {
                    reader.read_next().await.unwrap().unwrap();
                }
            })
        })
        .collect();
    for call in calls {
        soon(call).await.unwrap();
    }
    let server = pair.server().clone();
    assert_eq!(soon(server.shutdown(Duration::from_secs(30))).await, Shutdown::Drained);
    drop(pair);
    assert_eq!(Arc::strong_count(&alive), 1, "streams of calls that are gone");
}
