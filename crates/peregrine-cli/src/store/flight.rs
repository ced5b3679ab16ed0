//! One flight of the store: a file under a name.

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use peregrine::proto::FlightError;
use peregrine::stream::{FlightDataStream, FlightStreamChunk, IpcSource};
use peregrine::transport::panic_text;

use super::content::{Batches, Content, Description};
use super::error::unreadable;
use super::listing::{Format, NamedFile};
use super::positioned::PositionedFile;
use super::{arrow_file, parquet_file};

/// A flight: a file that was there when the folder was listed.
///
/// Whatever the file holds, its methods give an error that names the flight, and do not panic. What a file claims is
/// held against limits before memory is taken for it, and a reader holds a batch, and of a Parquet file at most 1 GiB
/// of pages. How large a batch of a Parquet file gets has no limit in bytes: its number of rows is chosen for 4 MiB by
/// what the file says, so a forged file, with long strings that few bytes repeat or rows of endless lists, can make it
/// large.
#[derive(Debug, Clone)]
pub(crate) struct StoredFlight {
    file: NamedFile,
}

impl StoredFlight {
    pub(super) fn new(file: NamedFile) -> Self {
        Self { file }
    }

    /// The flight's name.
    pub(crate) fn name(&self) -> &str {
        &self.file.name
    }

    /// Reads what the file says about itself.
    pub(crate) fn describe(&self) -> Result<Description, FlightError> {
        contain(self.name(), || {
            let file = self.open()?;
            match self.file.format {
                Format::Arrow => arrow_file::describe(file),
                Format::Parquet => parquet_file::describe(&file),
            }
        })
    }

    /// Opens the file for its data.
    pub(crate) fn read(&self) -> Result<FlightContent, FlightError> {
        let content = contain(self.name(), || {
            let file = self.open()?;
            match self.file.format {
                Format::Arrow => arrow_file::read(file),
                Format::Parquet => parquet_file::read(file).map(|(schema, batches)| Content::Batches(schema, batches)),
            }
        })?;
        let name = self.file.name.clone();
        Ok(match content {
            Content::Batches(schema, batches) => {
                FlightContent::Batches(FlightBatches { name, schema, batches: Some(batches) })
            }
            Content::Messages(messages) => {
                FlightContent::Messages(Box::new(messages.map_errors(move |error| named(&name, error))))
            }
        })
    }

    fn open(&self) -> Result<PositionedFile, FlightError> {
        PositionedFile::open(&self.file.path).map_err(unreadable)
    }
}

/// What is in a flight, its errors naming the flight.
pub(crate) enum FlightContent {
    /// To be encoded.
    Batches(FlightBatches),
    /// To be sent as it is.
    Messages(Box<IpcSource>),
}

impl FlightContent {
    /// The content on its way to a client, read on threads for that.
    pub(crate) fn into_stream(self) -> FlightDataStream {
        match self {
            Self::Messages(messages) => FlightDataStream::from_ipc(*messages),
            Self::Batches(batches) => {
                let schema = batches.schema().clone();
                FlightDataStream::from_blocking(schema, batches.map(|batch| batch.map(FlightStreamChunk::batch)))
            }
        }
    }
}

/// The batches of a flight. Each call of `next` reads one, and blocks for it. Behind an error there are none.
pub(crate) struct FlightBatches {
    name: String,
    schema: SchemaRef,
    batches: Option<Batches>,
}

impl FlightBatches {
    /// The schema of all batches.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }
}

impl Iterator for FlightBatches {
    type Item = Result<RecordBatch, FlightError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batches = self.batches.as_mut()?;
        let next = contain(&self.name, || batches.next().transpose()).transpose();
        if !matches!(next, Some(Ok(_))) {
            self.batches = None;
        }
        next
    }
}

/// Runs file work so that whatever goes wrong is the flight's error: panics too, since the parquet crate's answer to a
/// forged file may be one.
fn contain<T>(flight: &str, work: impl FnOnce() -> Result<T, FlightError>) -> Result<T, FlightError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| named(flight, error)),
        Err(panic) => {
            let reason = panic_text(&*panic);
            Err(FlightError::internal(format!("flight {flight:?}: reading the file panicked: {reason}")))
        }
    }
}

fn named(flight: &str, error: FlightError) -> FlightError {
    FlightError::new(error.kind(), format!("flight {flight:?}: {}", error.message())).with_source(error)
}
