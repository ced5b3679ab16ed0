//! Two hundred uploads, each cut at a byte and in a way that a seed chooses: a handler sees all of an upload or no end of
//! it, and the server serves the next call.

use futures_util::FutureExt;
use peregrine::client::FlightClient;
use peregrine::proto::{FlightError, Location};
use peregrine::server::{FlightServer, FlightService, ServerCallContext};
use peregrine::stream::{FlightMetadataWriter, FlightStreamReader, FlightStreamWriter, Table};
use peregrine::transport::Http2Config;
use peregrine_testkit::fault::{Direction, ErrorCode, Fault, Faults};
use peregrine_testkit::waiting::soon;
use peregrine_testkit::{Pair, batches};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use tokio::sync::mpsc;

use crate::support::uploads::{BOTH_RPCS, Rpc, open};

const RUNS: u64 = 200;

/// Tells of uploads that were whole.
struct Uploads {
    /// Reads in a task of its own, which the server does not drop.
    reads_in_a_task: bool,
    whole: mpsc::UnboundedSender<Table>,
}

impl Uploads {
    async fn serve(&self, mut reader: FlightStreamReader) -> Result<(), FlightError> {
        let whole = self.whole.clone();
        let reading = async move {
            let table = reader.read_all().await?;
            whole.send(table).map_err(|_| FlightError::internal("the test is over"))
        };
        match self.reads_in_a_task {
            true => tokio::spawn(reading).await.expect("it does not panic"),
            false => reading.await,
        }
    }
}

impl FlightService for Uploads {
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

/// One upload and what happens to it.
#[derive(Debug)]
struct Run {
    rpc: Rpc,
    reads_in_a_task: bool,
    table: Table,
    /// The client's frames of DATA are no larger.
    max_data_frame: usize,
    direction: Direction,
    fault: Fault,
    /// Where it strikes, as a part of all bytes that go that way if nothing strikes. Over 1 it does not.
    place: f64,
    /// The most bytes that pass at a time.
    drip: usize,
}

/// How a run ended.
#[derive(Debug)]
struct Outcome {
    has_struck: bool,
    client: Result<(), FlightError>,
    /// The uploads that came to their end, the next call's last.
    whole: Vec<Table>,
}

impl Run {
    fn of_seed(seed: u64) -> Self {
        let random = &mut StdRng::seed_from_u64(seed);
        let codes = [ErrorCode::NoError, ErrorCode::Cancel, ErrorCode::RefusedStream, ErrorCode::InternalError];
        let reset = Fault::ResetStream { stream: 1, code: pick(random, codes) };
        let most_rows = pick(random, [10, 1000, 50_000]);
        let count = random.random_range(0..6);
        let batches = (0..count).map(|_| batches::int64(random.random_range(1..=most_rows))).collect();
        Self {
            rpc: pick(random, BOTH_RPCS),
            reads_in_a_task: random.random_bool(0.5),
            table: Table::new(batches::int64(0).schema(), batches),
            max_data_frame: pick(random, [1 << 10, 16 << 10, 4 << 20]),
            direction: if random.random_bool(0.75) { Direction::ToServer } else { Direction::ToClient },
            fault: pick(random, [Fault::Cut, Fault::Reset, Fault::HalfClose, reset.clone(), reset]),
            place: random.random_range(0.0..1.1),
            drip: pick(random, [usize::MAX, usize::MAX, usize::MAX, 1000, 20_000]),
        }
    }

    /// A new server, and the uploads to it that were whole.
    fn pair(&self, faults: &Faults) -> (Pair, mpsc::UnboundedReceiver<Table>) {
        let (sender, whole) = mpsc::unbounded_channel();
        let service = Uploads { reads_in_a_task: self.reads_in_a_task, whole: sender };
        (Pair::with_faults(FlightServer::builder(), service, faults), whole)
    }

    /// A client with a connection of its own.
    fn client(&self, pair: &Pair) -> FlightClient {
        let http2 = Http2Config { max_data_frame: self.max_data_frame, ..Http2Config::client() };
        let builder = FlightClient::builder(Location::reuse_connection()).unwrap().http2(http2);
        builder.connector(pair.connector()).build().unwrap()
    }

    async fn upload(&self, client: &FlightClient) -> Result<(), FlightError> {
        let (mut writer, _answers) = open(client, self.rpc).await;
        writer.write_table(&self.table, None).await?;
        writer.close().await
    }

    /// How many bytes go each way if nothing strikes.
    async fn length(&self) -> u64 {
        let faults = Faults::new();
        let (pair, _whole) = self.pair(&faults);
        soon(self.upload(&self.client(&pair))).await.unwrap();
        faults.passed(self.direction)
    }

    async fn run(&self) -> Outcome {
        let place = (self.length().await as f64 * self.place) as u64;
        let faults = Faults::new();
        let (pair, mut tables) = self.pair(&faults);
        let client = self.client(&pair);
        faults.now(self.direction, Fault::Drip(self.drip));
        faults.after(self.direction, place, self.fault.clone());
        let result = soon(self.upload(&client)).await;
        // A reset may still wait for the end of a frame in one direction when it has arrived by the other.
        let has_struck = result.is_err() || faults.struck().now_or_never().is_some();

        let next = self.client(&pair);
        soon(self.upload(&next)).await.unwrap();
        drop((pair, client, next));
        let mut whole = Vec::new();
        // The end: no handler is left, wherever it read.
        while let Some(table) = soon(tables.recv()).await {
            whole.push(table);
        }
        Outcome { has_struck, client: result, whole }
    }
}

fn pick<T: Clone, const N: usize>(random: &mut StdRng, choices: [T; N]) -> T {
    choices.choose(random).expect("a choice").clone()
}

#[tokio::test]
async fn no_upload_that_was_cut_looks_whole() {
    assert_none_looks_whole().await;
}

/// With more ways for bytes and tasks to meet than one thread has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_upload_that_was_cut_looks_whole_with_threads() {
    assert_none_looks_whole().await;
}

async fn assert_none_looks_whole() {
    let (mut before_the_end, mut behind_the_end, mut untouched) = (0, 0, 0);
    for seed in 0..RUNS {
        let run = Run::of_seed(seed);
        let outcome = run.run().await;
        let what = || format!("seed {seed}: {:?} {:?} of {} rows", run.rpc, run.fault, run.table.num_rows());
        for table in &outcome.whole {
            assert_eq!(table, &run.table, "{}: not what was sent", what());
        }
        let was_whole = match outcome.whole.len() {
            1 => false,
            2 => true,
            count => panic!("{}: {count} uploads of two", what()),
        };
        assert!(was_whole || outcome.client.is_err(), "{}: the client believes in it", what());
        match (outcome.has_struck, was_whole) {
            (true, false) => before_the_end += 1,
            (true, true) => behind_the_end += 1,
            (false, _) => untouched += 1,
        }
    }
    println!("{before_the_end} cut before their end, {behind_the_end} behind it, {untouched} not at all");
    assert!(before_the_end > RUNS / 4, "{before_the_end}");
    assert!(behind_the_end > 10, "{behind_the_end}");
}
