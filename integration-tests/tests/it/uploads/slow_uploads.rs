//! Uploads whose bytes come slowly or stop coming: what comes at last is whole, and what does not ends at a deadline or
//! when the connection is found dead.

use std::time::Duration;

use peregrine::client::FlightCallOptions;
use peregrine::proto::FlightErrorKind as Kind;
use peregrine::transport::Http2Config;
use peregrine_testkit::batches;
use peregrine_testkit::fault::{Direction, Fault, Faults};
use peregrine_testkit::waiting::{idle, soon};
use tokio::time::Instant;

use crate::support::uploads::{BOTH_RPCS, open, open_with};
use crate::support::watched_uploads::{BOTH_READS, Reads, Seen, watched};

#[tokio::test]
async fn an_upload_that_comes_byte_by_byte_is_whole() {
    for rpc in BOTH_RPCS {
        let faults = Faults::new();
        let (pair, mut watch) = watched(Reads::InTheHandler, &faults);
        faults.now(Direction::ToServer, Fault::Drip(1));
        faults.now(Direction::ToClient, Fault::Drip(1));
        let (mut writer, _answers) = open(pair.client(), rpc).await;
        for rows in [1, 100] {
            writer.write_batch(&batches::int64(rows)).await.unwrap();
        }
        soon(writer.close()).await.unwrap();
        let (batches, end) = watch.rest().await;
        assert!(matches!(end, Seen::End), "{rpc:?}: {end:?}");
        assert_eq!(batches, [1, 100].map(batches::int64));
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_stalls_and_goes_on_is_whole() {
    for rpc in BOTH_RPCS {
        let faults = Faults::new();
        let (pair, mut watch) = watched(Reads::InTheHandler, &faults);
        let (mut writer, _answers) = open(pair.client(), rpc).await;
        faults.after(Direction::ToServer, 100_000, Fault::Stall);
        writer.write_batch(&batches::int64(10_000)).await.unwrap();
        let closing = tokio::spawn(async move { writer.close().await });
        idle().await;
        assert!(!closing.is_finished());
        faults.lift(Direction::ToServer);
        soon(closing).await.unwrap().unwrap();
        assert_eq!(watch.rest().await.0, [batches::int64(10_000)]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_stalls_ends_at_its_deadline_on_both_sides() {
    for rpc in BOTH_RPCS {
        for reads in BOTH_READS {
            let what = format!("{rpc:?} {reads:?}");
            let faults = Faults::new();
            let (pair, mut watch) = watched(reads, &faults);
            let options = FlightCallOptions::new().with_timeout(Duration::from_secs(5));
            let started = Instant::now();
            let (mut writer, mut answers) = open_with(pair.client(), rpc, &options).await;
            writer.write_batch(&batches::int64(10)).await.unwrap();
            watch.batch().await;
            // Neither side hears of the other any more, not even that it gave up.
            faults.now(Direction::ToServer, Fault::Stall);
            faults.now(Direction::ToClient, Fault::Stall);
            assert_eq!(soon(writer.close()).await.unwrap_err().kind(), Kind::TimedOut, "{what}");
            assert_eq!(soon(answers.read()).await.unwrap_err().kind(), Kind::TimedOut, "{what}");
            match (reads, watch.next().await) {
                (Reads::InTheHandler, Seen::Dropped) => {}
                (_, Seen::Error(error)) => assert_eq!(error.kind(), Kind::TimedOut, "{what}: {error}"),
                (_, seen) => panic!("{what}: {seen:?}"),
            }
            assert_eq!(started.elapsed().as_secs(), 5, "{what}");
        }
    }
}

/// A client that is there no more and could not say so: the server's pings find it out.
#[tokio::test(start_paused = true)]
async fn an_upload_that_stalls_for_ever_is_cancelled_when_pings_are_not_answered() {
    let http2 = Http2Config::server();
    let limit = http2.keepalive_interval.unwrap() + http2.keepalive_timeout;
    for rpc in BOTH_RPCS {
        for reads in BOTH_READS {
            let faults = Faults::new();
            let (pair, mut watch) = watched(reads, &faults);
            let started = Instant::now();
            let (mut writer, _answers) = open(pair.client(), rpc).await;
            writer.write_batch(&batches::int64(10)).await.unwrap();
            watch.batch().await;
            faults.now(Direction::ToServer, Fault::Stall);
            faults.now(Direction::ToClient, Fault::Stall);
            match tokio::time::timeout(limit * 2, watch.rest()).await.unwrap().1 {
                Seen::Dropped => assert_eq!(reads, Reads::InTheHandler),
                Seen::Error(error) => assert_eq!(error.kind(), Kind::Cancelled, "{error}"),
                seen => panic!("{rpc:?} {reads:?}: {seen:?}"),
            }
            assert!(started.elapsed() <= limit + Duration::from_secs(1), "{:?}", started.elapsed());
        }
    }
}
