//! What is dropped: writers that were not done, and readers that nobody wants any more.

use bytes::Bytes;
use h2::Reason;
use http::{HeaderMap, HeaderName, HeaderValue};
use peregrine::proto::{FlightDescriptor, FlightErrorKind as Kind, FlightMessage, PutResult};
use peregrine_testkit::fault::Faults;
use peregrine_testkit::one_rpc::DoExchange;
use peregrine_testkit::waiting::{OnDrop, Once, soon};
use peregrine_testkit::{MemoryService, Pair, batches};

use crate::support::bare_http::{BareServer, prefixed};
use crate::support::uploads::{BOTH_RPCS, open};
use crate::support::watched_uploads::{BOTH_READS, Reads, Seen, watched};

fn ok() -> HeaderMap {
    HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))])
}

#[tokio::test]
async fn a_writer_that_is_dropped_cancels_the_upload() {
    for rpc in BOTH_RPCS {
        for reads in BOTH_READS {
            for batches in 0..3 {
                let faults = Faults::new();
                let (pair, mut watch) = watched(reads, &faults);
                let (mut writer, mut answers) = open(pair.client(), rpc).await;
                for _ in 0..batches {
                    writer.write_batch(&batches::int64(10)).await.unwrap();
                    watch.batch().await;
                }
                drop(writer);
                assert_eq!(soon(answers.read()).await.unwrap_err().kind(), Kind::Cancelled);
                if batches == 0 {
                    // The server may not even have seen the call.
                    continue;
                }
                match (reads, watch.next().await) {
                    (Reads::InTheHandler, Seen::Dropped) => {}
                    (_, Seen::Error(error)) if error.kind() == Kind::Cancelled => {}
                    (_, seen) => panic!("{rpc:?} {reads:?}: {seen:?}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn a_writer_that_is_dropped_resets_its_stream_with_cancel() {
    for rpc in BOTH_RPCS {
        for (is_done, batches) in [(false, 0), (false, 2), (true, 0), (true, 2)] {
            let mut server = BareServer::new();
            let client = server.client.clone();
            let (mut writer, answers) = open(&client, rpc).await;
            let (mut calls, _connection) = soon(server.accept()).await;
            let mut call = soon(calls.recv()).await.unwrap();
            for _ in 0..batches {
                writer.write_batch(&batches::int64(10)).await.unwrap();
                soon(call.request.data()).await.unwrap().unwrap();
            }
            if is_done {
                writer.done_writing().await.unwrap();
            }
            drop(writer);
            let end = loop {
                match soon(call.request.data()).await {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => break error.reason(),
                    None => break None,
                }
            };
            assert_eq!(end, (!is_done).then_some(Reason::CANCEL), "{rpc:?}, done: {is_done}");
            assert!(call.request.is_end_stream() || !is_done, "{rpc:?}");
            drop(answers);
        }
    }
}

#[tokio::test]
async fn a_writer_that_was_done_may_be_dropped() {
    for rpc in BOTH_RPCS {
        let (pair, mut watch) = watched(Reads::InTheHandler, &Faults::new());
        let (mut writer, mut answers) = open(pair.client(), rpc).await;
        writer.write_batch(&batches::int64(10)).await.unwrap();
        writer.done_writing().await.unwrap();
        drop(writer);
        assert_eq!(soon(answers.read()).await.unwrap(), None);
        assert!(matches!(watch.rest().await.1, Seen::End));
    }
}

/// With its acknowledgements unread the upload goes on; nothing of them holds it up or closes the connection.
#[tokio::test]
async fn an_upload_goes_on_without_the_reader_of_its_acknowledgements() {
    let (pair, mut watch) = watched(Reads::InTheHandler, &Faults::new());
    let (mut writer, answers) = pair.client().do_put(path(), batches::int64(0).schema()).await.unwrap();
    drop(answers);
    for _ in 0..20_000 {
        writer.write_with_metadata(&batches::int64(1), "acknowledge me").await.unwrap();
    }
    soon(writer.close()).await.unwrap();
    let (batches, end) = watch.rest().await;
    assert!(matches!(end, Seen::End), "{end:?}");
    assert_eq!(batches.len(), 20_000);
}

/// Both halves may go once the writer is done: the upload was sent.
#[tokio::test]
async fn an_upload_that_is_written_needs_nobody() {
    for writer_goes_first in [true, false] {
        let (pair, mut watch) = watched(Reads::InTheHandler, &Faults::new());
        let (mut writer, answers) = pair.client().do_put(path(), batches::int64(0).schema()).await.unwrap();
        for _ in 0..100 {
            writer.write_with_metadata(&batches::int64(1000), "acknowledge me").await.unwrap();
        }
        writer.done_writing().await.unwrap();
        match writer_goes_first {
            true => drop((writer, answers)),
            false => drop((answers, writer)),
        }
        let (batches, end) = watch.rest().await;
        assert!(matches!(end, Seen::End), "{end:?}");
        assert_eq!(batches.len(), 100);
    }
}

/// Acknowledgements of a server that puts each in a frame of its own, more than HTTP/2's library lets lie unread.
#[tokio::test]
async fn acknowledgements_that_nobody_reads_are_thrown_away() {
    let mut server = BareServer::new();
    let client = server.client.clone();
    let (mut writer, answers) = client.do_put(path(), batches::int64(0).schema()).await.unwrap();
    let (mut calls, _connection) = soon(server.accept()).await;
    let mut call = soon(calls.recv()).await.unwrap();
    drop(answers);
    let mut answer = call.answer();
    let frame = prefixed(&PutResult::new("taken").serialize());
    for _ in 0..50_000 {
        answer.send_data(frame.clone(), false).unwrap();
    }
    answer.send_trailers(ok()).unwrap();
    soon(writer.close()).await.unwrap();
}

fn path() -> FlightDescriptor {
    FlightDescriptor::for_path(["up"])
}

#[tokio::test]
async fn an_exchange_goes_on_writing_without_its_reader() {
    let pair = Pair::new(MemoryService::new());
    let (mut writer, reader) = pair.client().do_exchange(path()).await.unwrap();
    writer.begin(batches::int64(0).schema()).await.unwrap();
    drop(reader);
    // More than the windows hold, so it must be read by someone.
    for _ in 0..200 {
        soon(writer.write_batch(&batches::int64(10_000))).await.unwrap();
    }
    soon(writer.close()).await.unwrap();
}

#[tokio::test]
async fn an_exchange_ends_when_both_halves_are_dropped() {
    for is_done in [false, true] {
        let (guard, dropped) = OnDrop::new();
        let once = Once::new(guard);
        let pair = Pair::new(DoExchange(move |_, _, mut writer: peregrine::stream::FlightStreamWriter| {
            let guard = once.take();
            async move {
                let _guard = guard;
                writer.begin(batches::int64(0).schema()).await?;
                loop {
                    writer.write_batch(&batches::int64(10_000)).await?;
                }
            }
        }));
        let (mut writer, mut reader) = pair.client().do_exchange(path()).await.unwrap();
        assert!(soon(reader.read_next()).await.unwrap().is_some());
        if is_done {
            writer.done_writing().await.unwrap();
        }
        drop(writer);
        drop(reader);
        dropped.wait().await;
    }
}

#[tokio::test]
async fn a_cancelled_upload_is_cancelled_on_both_sides() {
    for rpc in BOTH_RPCS {
        let (pair, mut watch) = watched(Reads::InATask, &Faults::new());
        let (mut writer, mut answers) = open(pair.client(), rpc).await;
        writer.write_batch(&batches::int64(10)).await.unwrap();
        watch.batch().await;
        answers.cancel();
        assert_eq!(soon(answers.read()).await.unwrap_err().kind(), Kind::Cancelled);
        let written = soon(async {
            loop {
                if let Err(error) = writer.write_batch(&batches::int64(10)).await {
                    return error;
                }
            }
        });
        assert_eq!(written.await.kind(), Kind::Cancelled);
        assert_eq!(soon(writer.close()).await.unwrap_err().kind(), Kind::Cancelled);
        let (_, end) = watch.rest().await;
        assert!(matches!(&end, Seen::Error(error) if error.kind() == Kind::Cancelled), "{end:?}");
    }
}

/// What is sent when everything was dropped is a frame of bytes, not an end.
#[tokio::test]
async fn a_client_that_goes_away_altogether_gives_no_end() {
    for rpc in BOTH_RPCS {
        let (pair, mut watch) = watched(Reads::InATask, &Faults::new());
        let (mut writer, answers) = open(pair.client(), rpc).await;
        writer.write_with_metadata(&batches::int64(10), Bytes::from_static(b"x")).await.unwrap();
        watch.batch().await;
        drop(pair);
        drop((writer, answers));
        let (_, end) = watch.rest().await;
        assert!(matches!(&end, Seen::Error(error) if error.kind() == Kind::Cancelled), "{end:?}");
    }
}
