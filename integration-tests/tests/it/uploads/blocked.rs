//! Handlers that never read and clients that never read: memory stays bounded, and the call can still be ended.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use peregrine::client::FlightCallOptions;
use peregrine::proto::{FlightDescriptor, FlightError, FlightErrorKind as Kind, FlightMessage, PutResult};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::{FlightMetadataWriter, FlightStreamReader, FlightStreamWriter};
use peregrine_testkit::one_rpc::{DoExchange, DoPut};
use peregrine_testkit::waiting::{Dropped, OnDrop, Once, idle, soon};
use peregrine_testkit::{Pair, batches};
use tokio::time::Instant;

use crate::support::bare_http::{BareServer, prefixed};
use crate::support::uploads::{BOTH_RPCS, open, open_with};

/// The bytes of a batch of 10 000 rows.
const BATCH: usize = 320_000;

/// What a client may be ahead of a handler: the server's window, the client's send buffer, the frame on its way and the
/// one that is being filled.
const MOST_AHEAD_OF_SERVER: usize = (4 + 4 + 4 + 1) << 20;
/// What a server may be ahead of a client.
const MOST_AHEAD_OF_CLIENT: usize = (16 + 4 + 4 + 1) << 20;

/// Holds its reader and waits for ever.
struct NeverReads(Once<OnDrop>);

impl NeverReads {
    fn new() -> (Self, Dropped) {
        let (guard, dropped) = OnDrop::new();
        (Self(Once::new(guard)), dropped)
    }

    async fn serve(&self, reader: FlightStreamReader) -> Result<(), FlightError> {
        let _held = (self.0.take(), reader);
        pending().await
    }
}

impl FlightService for NeverReads {
    async fn do_put(
        &self,
        _context: ServerCallContext,
        reader: FlightStreamReader,
        _writer: FlightMetadataWriter,
    ) -> Result<(), FlightError> {
        self.serve(reader).await
    }

    async fn do_exchange(
        &self,
        _context: ServerCallContext,
        reader: FlightStreamReader,
        _writer: FlightStreamWriter,
    ) -> Result<(), FlightError> {
        self.serve(reader).await
    }
}

/// Writes without end, counting, and gives the error that ends it.
async fn write_without_end(
    mut writer: FlightStreamWriter,
    written: Arc<AtomicUsize>,
) -> (FlightStreamWriter, FlightError) {
    let batch = batches::int64(10_000);
    loop {
        match writer.write_batch(&batch).await {
            Ok(()) => written.fetch_add(1, Ordering::Relaxed),
            Err(error) => return (writer, error),
        };
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_never_reads_stops_the_writer_and_the_deadline_ends_both() {
    for rpc in BOTH_RPCS {
        let (service, mut dropped) = NeverReads::new();
        let pair = Pair::new(service);
        let options = FlightCallOptions::new().with_timeout(Duration::from_secs(5));
        let started = Instant::now();
        let (writer, mut answers) = open_with(pair.client(), rpc, &options).await;
        let written = Arc::new(AtomicUsize::new(0));
        let writing = tokio::spawn(write_without_end(writer, written.clone()));
        idle().await;
        let ahead = written.load(Ordering::Relaxed) * BATCH;
        assert!(ahead >= 4 << 20, "{rpc:?}: the window is used: {ahead}");
        assert!(ahead <= MOST_AHEAD_OF_SERVER, "{rpc:?}: {ahead} bytes were taken for a reader of none");
        assert!(!writing.is_finished() && dropped.is_yet_to_come());
        let (mut writer, error) = soon(writing).await.unwrap();
        assert_eq!(error.kind(), Kind::TimedOut, "{rpc:?}: {error}");
        assert_eq!(soon(writer.close()).await.unwrap_err().kind(), Kind::TimedOut);
        assert_eq!(soon(answers.read()).await.unwrap_err().kind(), Kind::TimedOut);
        assert_eq!(started.elapsed().as_secs(), 5, "{rpc:?}");
        dropped.wait().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_is_stopped_can_be_cancelled_or_dropped() {
    for rpc in BOTH_RPCS {
        for cancels in [true, false] {
            let (service, dropped) = NeverReads::new();
            let pair = Pair::new(service);
            let (writer, mut answers) = open(pair.client(), rpc).await;
            let writing = tokio::spawn(write_without_end(writer, Arc::default()));
            idle().await;
            match cancels {
                true => {
                    answers.cancel();
                    assert_eq!(soon(writing).await.unwrap().1.kind(), Kind::Cancelled, "{rpc:?}");
                }
                false => writing.abort(),
            }
            assert_eq!(soon(answers.read()).await.unwrap_err().kind(), Kind::Cancelled, "{rpc:?}");
            dropped.wait().await;
        }
    }
}

/// The writer goes on where the handler does, with nothing lost.
#[tokio::test(start_paused = true)]
async fn a_writer_that_is_stopped_goes_on_when_the_handler_reads() {
    let (read_on, is_read_on) = tokio::sync::oneshot::channel::<()>();
    let once = Once::new(is_read_on);
    let pair = Pair::new(DoPut(move |_, mut reader: FlightStreamReader, mut writer: FlightMetadataWriter| {
        let is_read_on = once.take();
        async move {
            let _ = is_read_on.await;
            let mut batches = 0;
            while reader.read_next().await?.is_some() {
                batches += 1;
            }
            writer.write(batches.to_string()).await
        }
    }));
    let (mut writer, mut answers) = pair.client().do_put(path(), batches::int64(0).schema()).await.unwrap();
    let writing = tokio::spawn(async move {
        for _ in 0..100 {
            writer.write_batch(&batches::int64(10_000)).await?;
        }
        writer.close().await
    });
    idle().await;
    assert!(!writing.is_finished());
    read_on.send(()).unwrap();
    soon(writing).await.unwrap().unwrap();
    assert_eq!(soon(answers.read()).await.unwrap().unwrap(), "100");
}

fn path() -> FlightDescriptor {
    FlightDescriptor::for_path(["up"])
}

/// A pair whose handler of DoExchange writes without end, and the number of batches that it wrote.
fn endless() -> (Pair, Arc<AtomicUsize>, Dropped) {
    let (guard, dropped) = OnDrop::new();
    let (once, written) = (Once::new(guard), Arc::new(AtomicUsize::new(0)));
    let counter = written.clone();
    let pair = Pair::new(DoExchange(move |_, _, mut writer: FlightStreamWriter| {
        let (guard, counter) = (once.take(), counter.clone());
        async move {
            let _guard = guard;
            writer.begin(batches::int64(0).schema()).await?;
            Err(write_without_end(writer, counter).await.1)
        }
    }));
    (pair, written, dropped)
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_reads_stops_the_handler_and_dropping_it_ends_both() {
    let (pair, written, mut dropped) = endless();
    let (writer, reader) = pair.client().do_exchange(path()).await.unwrap();
    idle().await;
    let ahead = written.load(Ordering::Relaxed) * BATCH;
    assert!(ahead >= 16 << 20, "the window is used: {ahead}");
    assert!(ahead <= MOST_AHEAD_OF_CLIENT, "{ahead} bytes were made for a reader of none");
    assert!(dropped.is_yet_to_come());
    drop(reader);
    drop(writer);
    dropped.wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_reads_is_ended_at_its_deadline() {
    let (pair, _, mut dropped) = endless();
    let options = FlightCallOptions::new().with_timeout(Duration::from_secs(5));
    let (mut writer, mut reader) = pair.client().with(options.clone()).do_exchange(path()).await.unwrap();
    idle().await;
    assert!(dropped.is_yet_to_come());
    dropped.wait().await;
    let error = loop {
        match soon(reader.read_next()).await {
            Ok(batch) => assert!(batch.is_some(), "the stream ended well"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), Kind::TimedOut);
    assert_eq!(soon(writer.close()).await.unwrap_err().kind(), Kind::TimedOut);
}

/// A server of another make puts each acknowledgement in a frame of its own, and a client may upload for long before it
/// looks at them.
#[tokio::test(start_paused = true)]
async fn tiny_frames_that_wait_for_their_reader_do_not_close_the_connection() {
    const COUNT: usize = 50_000;
    let mut server = BareServer::new();
    let client = server.client.clone();
    let (mut writer, mut answers) = client.do_put(path(), batches::int64(0).schema()).await.unwrap();
    let (mut calls, _connection) = soon(server.accept()).await;
    let mut call = soon(calls.recv()).await.unwrap();
    let mut answer = call.answer();
    let frame = prefixed(&PutResult::new("taken").serialize());
    for _ in 0..COUNT {
        answer.send_data(frame.clone(), false).unwrap();
    }
    idle().await;
    writer.write_batch(&batches::int64(1)).await.unwrap();
    for _ in 0..COUNT {
        assert_eq!(soon(answers.read()).await.unwrap().unwrap(), "taken");
    }
}
