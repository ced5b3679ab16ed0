//! Handlers that return while the client still writes: its writer learns of it, and the client always gets the server's
//! own words.

use peregrine::proto::{FlightError, FlightErrorKind as Kind};
use peregrine::server::{FlightServer, FlightService, ServerCallContext};
use peregrine::stream::{FlightMetadataWriter, FlightStreamReader, FlightStreamWriter};
use peregrine_testkit::fault::{Direction, Fault, Faults};
use peregrine_testkit::waiting::soon;
use peregrine_testkit::{Pair, batches};

use crate::support::uploads::{Answers, BOTH_RPCS, open};

/// Reads some batches and returns.
#[derive(Debug, Clone, Copy)]
struct Returns {
    reads: usize,
    fails: bool,
}

impl Returns {
    async fn serve(&self, mut reader: FlightStreamReader) -> Result<(), FlightError> {
        for _ in 0..self.reads {
            reader.read_next().await?;
        }
        match self.fails {
            true => Err(refusal()),
            false => Ok(()),
        }
    }
}

fn refusal() -> FlightError {
    FlightError::unauthorized("that is enough").with_extra_info(&b"\0why\xff"[..])
}

impl FlightService for Returns {
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

fn returns(fails: bool) -> [Returns; 3] {
    [0, 1, 20].map(|reads| Returns { reads, fails })
}

/// Writes until an error comes, which it must.
async fn write_without_end(writer: &mut FlightStreamWriter, rows: usize) -> FlightError {
    let batch = batches::int64(rows);
    let writing = async {
        loop {
            if let Err(error) = writer.write_batch(&batch).await {
                return error;
            }
        }
    };
    soon(writing).await
}

fn assert_refusal(error: &FlightError, what: &str) {
    let got = (error.kind(), error.message(), error.extra_info());
    let refusal = refusal();
    assert_eq!(got, (refusal.kind(), refusal.message(), refusal.extra_info()), "{what}");
}

/// Whatever the client looks at next, and however often, it is the refusal.
async fn assert_refused(writer: &mut FlightStreamWriter, answers: &mut Answers, what: &str) {
    assert_refusal(&writer.write_batch(&batches::int64(1)).await.unwrap_err(), what);
    assert_refusal(&writer.write_metadata("x").await.unwrap_err(), what);
    assert_refusal(&soon(writer.close()).await.unwrap_err(), what);
    assert_refusal(&soon(writer.close()).await.unwrap_err(), what);
    assert_refusal(&soon(answers.read()).await.unwrap_err(), what);
    assert_eq!(soon(answers.read()).await.unwrap(), None, "{what}: an error comes once");
}

#[tokio::test]
async fn an_error_reaches_a_writer_without_end() {
    for rpc in BOTH_RPCS {
        for rows in [1, 1000, 100_000] {
            for service in returns(true) {
                let what = format!("{rpc:?} {rows} {service:?}");
                let pair = Pair::new(service);
                let (mut writer, mut answers) = open(pair.client(), rpc).await;
                assert_refusal(&write_without_end(&mut writer, rows).await, &what);
                assert_refused(&mut writer, &mut answers, &what).await;
            }
        }
    }
}

/// Piece by piece, so that the error comes at every moment of the writing: before the reset behind it, and with it.
#[tokio::test]
async fn an_error_reaches_a_writer_though_bytes_come_in_pieces() {
    for rpc in BOTH_RPCS {
        for (direction, most) in [(Direction::ToServer, 100), (Direction::ToClient, 1), (Direction::ToClient, 10)] {
            for service in returns(true) {
                let what = format!("{rpc:?} {direction:?} {most} {service:?}");
                let faults = Faults::new();
                let pair = Pair::with_faults(FlightServer::builder(), service, &faults);
                faults.now(direction, Fault::Drip(most));
                let (mut writer, mut answers) = open(pair.client(), rpc).await;
                assert_refusal(&write_without_end(&mut writer, 100).await, &what);
                assert_refused(&mut writer, &mut answers, &what).await;
            }
        }
    }
}

/// It does not matter who looks first.
#[tokio::test]
async fn an_error_reaches_the_reader_while_nobody_writes() {
    for rpc in BOTH_RPCS {
        let pair = Pair::new(Returns { reads: 1, fails: true });
        let (mut writer, mut answers) = open(pair.client(), rpc).await;
        writer.write_batch(&batches::int64(10)).await.unwrap();
        assert_refusal(&soon(answers.read()).await.unwrap_err(), "the reader");
        assert_refusal(&write_without_end(&mut writer, 10).await, "the writer");
        assert_refusal(&soon(writer.close()).await.unwrap_err(), "the end");
        assert_refusal(&soon(writer.close()).await.unwrap_err(), "the end again");
    }
}

/// The call went well, as the server says; but what is written after its end goes nowhere, and the writer is told.
#[tokio::test]
async fn a_good_end_stops_a_writer_without_end() {
    for rpc in BOTH_RPCS {
        for rows in [1, 100_000] {
            for service in returns(false) {
                let what = format!("{rpc:?} {rows} {service:?}");
                let pair = Pair::new(service);
                let (mut writer, mut answers) = open(pair.client(), rpc).await;
                let error = write_without_end(&mut writer, rows).await;
                assert_eq!(error.kind(), Kind::FailedPrecondition, "{what}: {error}");
                assert_eq!(soon(answers.read()).await.unwrap(), None, "{what}");
                soon(writer.close()).await.unwrap();
                soon(writer.close()).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_connection_survives_uploads_that_were_ended_early() {
    let faults = Faults::new();
    let pair = Pair::with_faults(FlightServer::builder(), Returns { reads: 1, fails: true }, &faults);
    for call in 0..100 {
        let rpc = BOTH_RPCS[call % 2];
        let (mut writer, _answers) = open(pair.client(), rpc).await;
        assert_refusal(&write_without_end(&mut writer, 1000).await, "an upload");
    }
    assert_eq!(faults.newest_stream(), Some(199), "one connection for all");
}
