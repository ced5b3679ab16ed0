//! Uploads that are cut short on the wire: whatever cuts them, no handler takes what came for the whole.

use peregrine::client::FlightClient;
use peregrine::proto::{FlightErrorKind as Kind, Location};
use peregrine::stream::FlightStreamWriter;
use peregrine::transport::Http2Config;
use peregrine_testkit::batches;
use peregrine_testkit::fault::{Direction, ErrorCode, Fault, Faults, Frame};
use peregrine_testkit::waiting::soon;

use crate::support::uploads::{Answers, BOTH_RPCS, Rpc, open};
use crate::support::watched_uploads::{BOTH_READS, Reads, Seen, Watch, watched};

const CODES: [(ErrorCode, Kind); 5] = [
    (ErrorCode::NoError, Kind::Internal),
    (ErrorCode::Cancel, Kind::Cancelled),
    (ErrorCode::RefusedStream, Kind::Unavailable),
    (ErrorCode::InternalError, Kind::Internal),
    (ErrorCode::EnhanceYourCalm, Kind::ResourceExhausted),
];

/// Every way of calling and of reading.
fn ways() -> impl Iterator<Item = (Rpc, Reads)> {
    BOTH_RPCS.into_iter().flat_map(|rpc| BOTH_READS.map(|reads| (rpc, reads)))
}

/// Opens an upload and lets the handler see two batches of it.
async fn half_uploaded(client: &FlightClient, rpc: Rpc, watch: &mut Watch) -> (FlightStreamWriter, Answers) {
    let (mut writer, answers) = open(client, rpc).await;
    for rows in [10, 20] {
        writer.write_batch(&batches::int64(rows)).await.unwrap();
        assert_eq!(watch.batch().await, batches::int64(rows));
    }
    (writer, answers)
}

/// The handler got no end: a reader that is still there says that the call was cancelled, others are gone.
fn assert_cancelled(reads: Reads, seen: Seen, what: &str) {
    match seen {
        Seen::Dropped if reads == Reads::InTheHandler => {}
        Seen::Error(error) if error.kind() == Kind::Cancelled => {}
        seen => panic!("{what}: {seen:?}"),
    }
}

/// An upload from its beginning to its end.
async fn assert_uploads(client: &FlightClient, rpc: Rpc, watch: &mut Watch) {
    let (mut writer, _answers) = open(client, rpc).await;
    writer.write_batch(&batches::int64(30)).await.unwrap();
    soon(writer.close()).await.unwrap();
    let (batches, end) = watch.rest().await;
    assert!(matches!(end, Seen::End), "{end:?}");
    assert_eq!(batches, [batches::int64(30)]);
}

/// What the client gets, from whichever side it looks, and again when it looks again.
async fn assert_client_gets(kind: Kind, writer: &mut FlightStreamWriter, mut answers: Answers, what: &str) {
    for _ in 0..2 {
        let error = soon(writer.close()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{what}: {error}");
    }
    let error = soon(answers.read()).await.unwrap_err();
    assert_eq!(error.kind(), kind, "{what}: {error}");
}

#[tokio::test]
async fn a_reset_is_a_cancellation_whatever_its_code() {
    for (rpc, reads) in ways() {
        let faults = Faults::new();
        let (pair, mut watch) = watched(reads, &faults);
        for (call, (code, kind)) in CODES.into_iter().enumerate() {
            let what = format!("{rpc:?} {reads:?} {code:?}");
            let (mut writer, answers) = half_uploaded(pair.client(), rpc, &mut watch).await;
            let stream = faults.newest_stream().unwrap();
            assert_eq!(stream, 4 * call as u32 + 1, "{what}: the connection goes on");
            faults.now(Direction::ToServer, Fault::Frame(Frame::reset_stream(stream, code)));
            assert_cancelled(reads, watch.rest().await.1, &what);
            faults.now(Direction::ToClient, Fault::Frame(Frame::reset_stream(stream, code)));
            assert_client_gets(kind, &mut writer, answers, &what).await;
            assert_uploads(pair.client(), rpc, &mut watch).await;
        }
    }
}

#[tokio::test]
async fn a_reset_inside_a_message_is_too() {
    for (rpc, reads) in ways() {
        for (code, _) in CODES {
            let faults = Faults::new();
            let (pair, mut watch) = watched(reads, &faults);
            // A message of 320 KB in frames of 16 KiB.
            let http2 = Http2Config { max_data_frame: 16 << 10, ..Http2Config::client() };
            let client = FlightClient::builder(Location::reuse_connection()).unwrap().http2(http2);
            let client = client.connector(pair.connector()).build().unwrap();
            let (mut writer, _answers) = half_uploaded(&client, rpc, &mut watch).await;
            faults.after(Direction::ToServer, 100_000, Fault::ResetStream { stream: 1, code });
            writer.write_batch(&batches::int64(10_000)).await.unwrap();
            let (batches, end) = watch.rest().await;
            assert_cancelled(reads, end, &format!("{rpc:?} {reads:?} {code:?}"));
            assert!(batches.is_empty());
            soon(writer.close()).await.unwrap_err();
            assert_uploads(&client, rpc, &mut watch).await;
            assert_eq!(faults.newest_stream(), Some(3), "the connection goes on");
        }
    }
}

/// Both come in one piece, so the reader may get to the message before the server has dealt with the reset.
#[tokio::test]
async fn a_reset_right_behind_a_message_is_too() {
    for (rpc, reads) in ways() {
        for (code, _) in CODES {
            let faults = Faults::new();
            let (pair, mut watch) = watched(reads, &faults);
            let (mut writer, _answers) = half_uploaded(pair.client(), rpc, &mut watch).await;
            faults.after(Direction::ToServer, 1, Fault::Frame(Frame::reset_stream(1, code)));
            writer.write_batch(&batches::int64(30)).await.unwrap();
            let (batches, end) = watch.rest().await;
            assert_cancelled(reads, end, &format!("{rpc:?} {reads:?} {code:?}"));
            assert!(batches.is_empty() || batches == [batches::int64(30)]);
        }
    }
}

#[tokio::test]
async fn a_lost_connection_is_a_cancellation() {
    let faults_of = |direction| [Fault::Cut, Fault::Reset, Fault::HalfClose].map(|fault| (direction, fault));
    for (direction, fault) in [Direction::ToServer, Direction::ToClient].into_iter().flat_map(faults_of) {
        for (rpc, reads) in ways() {
            let what = format!("{rpc:?} {reads:?} {direction:?} {fault:?}");
            let faults = Faults::new();
            let (pair, mut watch) = watched(reads, &faults);
            let (mut writer, answers) = half_uploaded(pair.client(), rpc, &mut watch).await;
            faults.now(direction, fault.clone());
            let (batches, end) = watch.rest().await;
            assert_cancelled(reads, end, &what);
            assert!(batches.is_empty());
            assert_client_gets(Kind::Unavailable, &mut writer, answers, &what).await;
            assert_uploads(pair.client(), rpc, &mut watch).await;
            assert_eq!(faults.newest_stream(), Some(1), "{what}: on a new connection");
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_at_any_byte_of_a_message_gives_no_end() {
    for (rpc, reads) in ways() {
        let batch = batches::int64(100);
        let faults = Faults::new();
        let (pair, mut watch) = watched(reads, &faults);
        let (mut writer, _answers) = half_uploaded(pair.client(), rpc, &mut watch).await;
        let before = faults.passed(Direction::ToServer);
        writer.write_batch(&batch).await.unwrap();
        watch.batch().await;
        let length = faults.passed(Direction::ToServer) - before;
        for bytes in (0..length).step_by(211).chain([1, 8, 9, 10, 13, 14, 15, length - 1, length]) {
            let faults = Faults::new();
            let (pair, mut watch) = watched(reads, &faults);
            let (mut writer, _answers) = half_uploaded(pair.client(), rpc, &mut watch).await;
            faults.after(Direction::ToServer, bytes, Fault::Cut);
            let _ = writer.write_batch(&batch).await;
            let _ = soon(writer.close()).await.unwrap_err();
            let (batches, end) = watch.rest().await;
            assert_cancelled(reads, end, &format!("{rpc:?} {reads:?} after {bytes} bytes"));
            assert!(batches.is_empty() || bytes >= length, "{bytes} of {length}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_lost_behind_the_end_gives_the_end() {
    for (rpc, reads) in ways() {
        let faults = Faults::new();
        let (pair, mut watch) = watched(reads, &faults);
        let (mut writer, _answers) = half_uploaded(pair.client(), rpc, &mut watch).await;
        faults.now(Direction::ToClient, Fault::Stall);
        writer.done_writing().await.unwrap();
        assert!(matches!(watch.next().await, Seen::End));
        faults.cut();
        let error = soon(writer.close()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unavailable, "the client cannot know: {error}");
    }
}

#[tokio::test]
async fn a_goaway_lets_an_upload_come_to_its_end() {
    for rpc in BOTH_RPCS {
        let faults = Faults::new();
        let (pair, mut watch) = watched(Reads::InTheHandler, &faults);
        let (mut writer, _answers) = half_uploaded(pair.client(), rpc, &mut watch).await;
        faults.now(Direction::ToClient, Fault::Frame(Frame::go_away(1, ErrorCode::NoError)));
        writer.write_batch(&batches::int64(30)).await.unwrap();
        soon(writer.close()).await.unwrap();
        assert_eq!(watch.rest().await.0, [batches::int64(30)]);
        assert_uploads(pair.client(), rpc, &mut watch).await;
        assert_eq!(faults.newest_stream(), Some(1), "on a new connection");
    }
}

#[tokio::test]
async fn a_goaway_that_denies_an_upload_ends_it_and_it_is_not_made_again() {
    for (rpc, reads) in ways() {
        let faults = Faults::new();
        let (pair, mut watch) = watched(reads, &faults);
        let (mut writer, answers) = half_uploaded(pair.client(), rpc, &mut watch).await;
        faults.now(Direction::ToClient, Fault::Frame(Frame::go_away(0, ErrorCode::NoError)));
        assert_client_gets(Kind::Unavailable, &mut writer, answers, "a goaway").await;
        assert_cancelled(reads, watch.rest().await.1, "a goaway");
        assert_uploads(pair.client(), rpc, &mut watch).await;
    }
}
