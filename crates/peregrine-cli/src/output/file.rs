//! A file that appears under its name when it is whole, and not before.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use tempfile::NamedTempFile;

use super::format::{FileFormat, FormatWriter};

/// A file that is not yet begun: it has a place beside its later one. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct UnnamedFile {
    path: PathBuf,
    format: FileFormat,
    file: NamedTempFile,
}

/// A file that is being written. Dropping it removes it.
pub(crate) struct OutputFile {
    path: PathBuf,
    file: NamedTempFile,
    writer: FormatWriter,
}

impl UnnamedFile {
    /// Makes a file in the folder of `path`. Its name begins with a dot, so that no server in that folder shows it.
    pub(crate) fn create(path: &Path, format: FileFormat) -> Result<Self> {
        ensure!(!path.is_dir(), "{path:?} is a folder");
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        // Open to all but for the umask, as other programs make their files.
        let file = tempfile::Builder::new()
            .prefix(".peregrine-")
            .suffix(".part")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)
            .with_context(|| format!("cannot write in folder {folder:?}"))?;
        Ok(Self { path: path.to_path_buf(), format, file })
    }

    /// Begins the file for data of this schema.
    pub(crate) fn begin(self, schema: &SchemaRef) -> Result<OutputFile> {
        let writer = self.reopen().and_then(|file| self.format.begin(file, schema));
        let writer = writer.with_context(|| format!("cannot begin {:?}", self.path))?;
        Ok(OutputFile { path: self.path, file: self.file, writer })
    }

    fn reopen(&self) -> Result<File> {
        Ok(self.file.as_file().try_clone()?)
    }
}

impl OutputFile {
    /// Adds a batch.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer.write(batch).with_context(|| format!("cannot write {:?}", self.path))
    }

    /// Ends the file and gives it its name. A file that had the name is replaced.
    pub(crate) fn finish(self) -> Result<()> {
        let Self { path, file, writer } = self;
        writer.finish().with_context(|| format!("cannot end {path:?}"))?;
        // Before it has its name, or a machine that goes down may leave a file of that name without its data.
        file.as_file().sync_all().with_context(|| format!("cannot write {path:?}"))?;
        file.persist(&path).with_context(|| format!("cannot name the finished file {path:?}"))?;
        Ok(())
    }
}
