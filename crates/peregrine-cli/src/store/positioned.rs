//! One file of the store: read at positions, never mapped and never past its end.
//!
//! A mapped file that is cut short kills the process, and a size that a file states about itself may be forged, so every
//! read is checked against the file's real length before memory is taken for it.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use peregrine::stream::PositionedRead;

/// A regular file, open for reads at positions. Clones share the file and nothing else: there is no cursor.
#[derive(Clone)]
pub(super) struct PositionedFile {
    file: Arc<File>,
    length: u64,
}

impl PositionedFile {
    /// Opens a file. What is not a regular file is refused: a link too, and opening a pipe does not wait for its writer.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(Self { file: Arc::new(file), length: metadata.len() })
    }

    /// The file's length in bytes when it was opened.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Reads `length` bytes from `offset` on.
    ///
    /// A range that ends behind the file's end is `UnexpectedEof`, found before any memory is taken; so is a file that
    /// was cut short since it was opened.
    pub(super) fn read(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let end = offset.checked_add(length as u64).filter(|end| *end <= self.length);
        if end.is_none() {
            return Err(past_the_end(offset, length, self.length));
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes.into())
    }
}

impl PositionedRead for PositionedFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        FileExt::read_exact_at(&*self.file, buffer, offset)
    }
}

impl Length for PositionedFile {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for PositionedFile {
    type T = BufReader<Cursor>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(BufReader::new(Cursor { file: self.clone(), position: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        Ok(self.read(start, length)?)
    }
}

/// Reads on from a position; it stops at the length that the file had when it was opened.
pub(super) struct Cursor {
    file: PositionedFile,
    position: u64,
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.file.length.saturating_sub(self.position);
        let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let count = self.file.file.read_at(&mut buffer[..wanted], self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

fn past_the_end(offset: u64, length: usize, file: u64) -> io::Error {
    let message = format!("{length} bytes at {offset} end behind the file's end at {file}");
    io::Error::new(io::ErrorKind::UnexpectedEof, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_of(bytes: &[u8]) -> (tempfile::TempDir, PositionedFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        std::fs::write(&path, bytes).unwrap();
        let file = PositionedFile::open(&path).unwrap();
        (folder, file)
    }

    #[test]
    fn reads_stay_inside_the_file() {
        let (_folder, file) = file_of(b"0123456789");
        assert_eq!(file.read(2, 3).unwrap(), "234");
        assert_eq!(file.read(10, 0).unwrap(), "");
        for (offset, length) in [(8, 3), (11, 0), (0, usize::MAX), (u64::MAX, 2)] {
            let error = file.read(offset, length).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{offset} {length}");
        }
    }

    #[test]
    fn two_cursors_do_not_disturb_each_other() {
        let (_folder, file) = file_of(b"0123456789");
        let (mut first, mut second) = (file.get_read(0).unwrap(), file.get_read(8).unwrap());
        let mut text = String::new();
        second.read_to_string(&mut text).unwrap();
        assert_eq!(text, "89");
        text.clear();
        first.read_to_string(&mut text).unwrap();
        assert_eq!(text, "0123456789");
    }

    #[test]
    fn what_is_not_a_file_is_refused() {
        let (folder, _) = file_of(b"0123456789");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("data"), &link).unwrap();
        assert!(PositionedFile::open(folder.path()).is_err());
        assert!(PositionedFile::open(&link).is_err());
    }

    #[test]
    fn a_file_that_was_cut_short_is_an_error() {
        let (folder, file) = file_of(b"0123456789");
        std::fs::write(folder.path().join("data"), b"01").unwrap();
        assert_eq!(file.read(0, 10).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
