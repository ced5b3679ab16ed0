//! The input that is being run, in a file, so that it is there when the process is not any more.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;

use anyhow::{Context, Result};

/// A file with the input of the moment: its length in 8 bytes, then the input, then what was left of longer ones.
pub(crate) struct Record(File);

impl Record {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        File::create(path).map(Self).with_context(|| format!("make {}", path.display()))
    }

    pub(crate) fn write(&mut self, input: &[u8]) -> Result<()> {
        let length = input.len() as u64;
        self.0.rewind()?;
        Ok(self.0.write_all(&[&length.to_le_bytes(), input].concat())?)
    }
}
