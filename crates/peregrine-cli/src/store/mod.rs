//! Files as flights: every data file below a folder is a flight, named by its place in the folder.
//!
//! Everything here but the service blocks: it is called on the blocking pool and never on a connection's task.

mod arrow_file;
mod content;
mod error;
mod flight;
mod listing;
mod parquet_delta;
mod parquet_expand;
mod parquet_file;
mod parquet_page;
mod parquet_page_head;
mod parquet_schema;
mod positioned;
mod service;
#[cfg(test)]
mod tests;
mod thrift;

use std::io;
use std::path::{Path, PathBuf};

use peregrine::proto::FlightError;

use self::content::Description;
use self::flight::StoredFlight;
pub(crate) use self::service::StoreService;

/// A folder whose files are flights.
///
/// It is read anew whenever it is asked. Names are only ever compared with those of the files that are there, so no name
/// leads out of the folder.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    root: PathBuf,
}

impl Store {
    /// Opens a folder.
    ///
    /// # Errors
    /// There is no such folder, or it cannot be read.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let root = folder.canonicalize()?;
        root.read_dir()?;
        Ok(Self { root })
    }

    /// All flights, sorted by name. Broken files are among them: what is in a file shows when it is described.
    pub(crate) fn flights(&self) -> Result<Vec<StoredFlight>, FlightError> {
        let files = listing::list(&self.root)
            .map_err(|error| FlightError::unavailable("the served folder cannot be read").with_source(error))?;
        Ok(files.into_iter().map(StoredFlight::new).collect())
    }

    /// The flight of a name.
    pub(crate) fn flight(&self, name: &str) -> Result<StoredFlight, FlightError> {
        let found = self.flights()?.into_iter().find(|flight| flight.name() == name);
        found.ok_or_else(|| FlightError::not_found(format!("no flight is named {name:?}")))
    }
}
