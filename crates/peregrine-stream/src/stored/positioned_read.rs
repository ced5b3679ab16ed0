//! Bytes that are read at positions, and into recycled buffers.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use peregrine_proto::FlightError;

use super::errors::unreadable;
use crate::buffers::Recycler;

/// Bytes that are read at positions, without a cursor: a file, bytes in memory, or whatever else can do it, as an
/// object store. Reads may block.
///
/// Files are read and never mapped: a mapped file that is cut short kills the process.
///
/// ```
/// use bytes::Bytes;
/// use peregrine_stream::PositionedRead;
///
/// let mut three = [0; 3];
/// Bytes::from("0123456789").read_exact_at(&mut three, 4)?;
/// assert_eq!(&three, b"456");
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait PositionedRead {
    /// How many bytes there are. It is asked once; later reads stay below it.
    ///
    /// # Errors
    /// What keeps it from being known.
    fn length(&self) -> io::Result<u64>;

    /// Fills the buffer with the bytes from `offset` on.
    ///
    /// # Errors
    /// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if there are not as many, and whatever keeps them from being
    /// read.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// All bytes of a range, if they are in memory already, to be shared instead of read. `None` unless implemented.
    fn shared(&self, _range: Range<u64>) -> Option<Bytes> {
        None
    }
}

impl PositionedRead for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    #[cfg(unix)]
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, buffer, offset)
    }

    #[cfg(windows)]
    fn read_exact_at(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buffer.is_empty() {
            match std::os::windows::fs::FileExt::seek_read(self, buffer, offset) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    buffer = &mut buffer[count..];
                    offset += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl PositionedRead for Bytes {
    fn length(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let shared = self.shared(offset..offset.saturating_add(buffer.len() as u64));
        buffer.copy_from_slice(&shared.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn shared(&self, range: Range<u64>) -> Option<Bytes> {
        let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
        (start <= end && end <= self.len()).then(|| self.slice(start..end))
    }
}

impl<T: PositionedRead + ?Sized> PositionedRead for Arc<T> {
    fn length(&self) -> io::Result<u64> {
        T::length(self)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        T::read_exact_at(self, buffer, offset)
    }

    fn shared(&self, range: Range<u64>) -> Option<Bytes> {
        T::shared(self, range)
    }
}

/// Reads a range, whose length was held against the limits and against the length of all.
pub(super) fn read_range(
    source: &dyn PositionedRead,
    range: Range<u64>,
    recycler: &Recycler,
) -> Result<Bytes, FlightError> {
    let length = (range.end - range.start) as usize;
    if let Some(shared) = source.shared(range.clone()).filter(|shared| shared.len() == length) {
        return Ok(shared);
    }
    let mut lent = recycler.lend(length)?;
    let mut offset = range.start;
    let read = lent.fill_from(|buffer| {
        source.read_exact_at(buffer, offset)?;
        offset += buffer.len() as u64;
        Ok(buffer.len())
    });
    read.map_err(unreadable)?;
    Ok(lent.freeze())
}
