//! A service that tells what its handlers see of an upload, step by step.

use std::time::Duration;

use arrow_array::RecordBatch;
use peregrine::proto::FlightError;
use peregrine::server::{FlightServer, FlightService, ServerCallContext};
use peregrine::stream::{FlightMetadataWriter, FlightStreamReader, FlightStreamWriter};
use peregrine_testkit::Pair;
use peregrine_testkit::fault::Faults;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// What a handler saw.
#[derive(Debug)]
pub(crate) enum Seen {
    /// A message, with a batch or without.
    Chunk(Option<RecordBatch>),
    /// The end of the upload: it was whole.
    End,
    /// An error in place of the end.
    Error(FlightError),
    /// Nothing any more: it was dropped while it waited.
    Dropped,
}

/// Where handlers read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    /// In the handler, as most do.
    InTheHandler,
    /// In a task of its own, which the server does not drop.
    InATask,
}

pub(crate) const BOTH_READS: [Reads; 2] = [Reads::InTheHandler, Reads::InATask];

/// Reads uploads to their end, acknowledges what carries metadata, and tells.
struct Watched {
    reads: Reads,
    seen: mpsc::UnboundedSender<Seen>,
}

/// What a service has told.
pub(crate) struct Watch(mpsc::UnboundedReceiver<Seen>);

/// A pair through faults that serves DoPut and DoExchange, and what its handlers see.
pub(crate) fn watched(reads: Reads, faults: &Faults) -> (Pair, Watch) {
    let (seen, watch) = mpsc::unbounded_channel();
    (Pair::with_faults(FlightServer::builder(), Watched { reads, seen }, faults), Watch(watch))
}

impl Watch {
    /// What was seen next.
    pub(crate) async fn next(&mut self) -> Seen {
        // Longer than a server takes to find out that a connection is dead.
        timeout(Duration::from_secs(300), self.0.recv()).await.expect("in time").expect("the service is there")
    }

    /// Waits until a batch was seen.
    pub(crate) async fn batch(&mut self) -> RecordBatch {
        match self.next().await {
            Seen::Chunk(Some(batch)) => batch,
            other => panic!("a batch was to come: {other:?}"),
        }
    }

    /// The batches until the end or what came in its place.
    pub(crate) async fn rest(&mut self) -> (Vec<RecordBatch>, Seen) {
        let mut batches = Vec::new();
        loop {
            match self.next().await {
                Seen::Chunk(batch) => batches.extend(batch),
                end => return (batches, end),
            }
        }
    }
}

/// Where acknowledgements go.
enum Answers {
    Put(FlightMetadataWriter),
    Exchange(Box<FlightStreamWriter>),
}

impl Answers {
    async fn write(&mut self, app_metadata: bytes::Bytes) -> Result<(), FlightError> {
        match self {
            Self::Put(writer) => writer.write(app_metadata).await,
            Self::Exchange(writer) => writer.write_metadata(app_metadata).await,
        }
    }
}

/// Tells of a reader that was dropped before its end.
struct Teller(Option<mpsc::UnboundedSender<Seen>>);

impl Teller {
    fn tell(&self, seen: Seen) {
        // A test that is over does not listen any more.
        let _ = self.0.as_ref().map(|sender| sender.send(seen));
    }

    fn end(mut self, seen: Seen) {
        self.tell(seen);
        self.0 = None;
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.tell(Seen::Dropped);
    }
}

async fn read(mut reader: FlightStreamReader, mut answers: Answers, teller: Teller) -> Result<(), FlightError> {
    loop {
        let chunk = match reader.read_chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => {
                teller.end(Seen::End);
                return Ok(());
            }
            Err(error) => {
                teller.end(Seen::Error(error.clone()));
                return Err(error);
            }
        };
        teller.tell(Seen::Chunk(chunk.data));
        if let Some(app_metadata) = chunk.app_metadata
            && let Err(error) = answers.write(app_metadata).await
        {
            teller.end(Seen::Error(error.clone()));
            return Err(error);
        }
    }
}

impl Watched {
    async fn serve(&self, reader: FlightStreamReader, answers: Answers) -> Result<(), FlightError> {
        let reading = read(reader, answers, Teller(Some(self.seen.clone())));
        match self.reads {
            Reads::InTheHandler => reading.await,
            Reads::InATask => tokio::spawn(reading).await.expect("it does not panic"),
        }
    }
}

impl FlightService for Watched {
    async fn do_put(
        &self,
        _context: ServerCallContext,
        reader: FlightStreamReader,
        writer: FlightMetadataWriter,
    ) -> Result<(), FlightError> {
        self.serve(reader, Answers::Put(writer)).await
    }

    async fn do_exchange(
        &self,
        _context: ServerCallContext,
        reader: FlightStreamReader,
        writer: FlightStreamWriter,
    ) -> Result<(), FlightError> {
        self.serve(reader, Answers::Exchange(Box::new(writer))).await
    }
}
