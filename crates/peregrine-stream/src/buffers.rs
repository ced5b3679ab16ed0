//! Aligned buffers for what is received, which are returned when the last array over them is dropped.
//!
//! A fresh page costs more than moving its bytes through TCP (about 2 us for 4 KiB, measured), so memory that was
//! touched once is kept and used again.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Weak};

use arrow_buffer::MutableBuffer;
use bytes::Bytes;
use peregrine_proto::FlightError;
use peregrine_transport::Mutex;

/// How many bytes of free buffers a recycler keeps.
const KEPT_BYTES: usize = 64 << 20;

/// Below this a buffer is not worth keeping: the allocator has such sizes at hand.
const SMALLEST_KEPT: usize = 4 << 10;

/// How far a buffer is made ready for a reader at a time, so that memory is taken for bytes that really arrive.
const STEP: usize = 256 << 10;

/// The receive buffers that streams share. Clones share one store.
#[derive(Clone, Default)]
pub struct ReceiveBuffers(pub(crate) Recycler);

/// Lends buffers and takes them back. Clones share one store.
#[derive(Clone, Default)]
pub(crate) struct Recycler {
    store: Arc<Mutex<FreeBuffers>>,
}

/// The free buffers by their capacity.
#[derive(Default)]
struct FreeBuffers {
    free: BTreeMap<usize, Vec<MutableBuffer>>,
    bytes: usize,
}

impl Recycler {
    /// An empty buffer with room for `length` bytes, aligned to 64 or more. Room means address space: memory is
    /// taken as bytes are written.
    ///
    /// # Errors
    /// `ResourceExhausted` where the system has not even the address space that a peer's length asks for.
    pub(crate) fn lend(&self, length: usize) -> Result<LentBuffer, FlightError> {
        let capacity = size_class(length);
        let free = if capacity < SMALLEST_KEPT { None } else { self.lock().take(capacity) };
        let buffer = free.map_or_else(|| MutableBuffer::try_with_capacity(capacity), Ok).map_err(|source| {
            let message = format!("there is no memory for a message body of {length} bytes");
            FlightError::resource_exhausted(message).with_source(source)
        })?;
        Ok(LentBuffer { buffer, length, store: Arc::downgrade(&self.store) })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, FreeBuffers> {
        self.store.lock()
    }
}

impl FreeBuffers {
    fn take(&mut self, capacity: usize) -> Option<MutableBuffer> {
        let buffer = self.free.get_mut(&capacity)?.pop()?;
        self.bytes -= buffer.capacity();
        Some(buffer)
    }

    fn put(&mut self, mut buffer: MutableBuffer) {
        let capacity = buffer.capacity();
        if !(SMALLEST_KEPT..=KEPT_BYTES).contains(&capacity) {
            return;
        }
        while self.bytes + capacity > KEPT_BYTES {
            // Sizes that were used before make room for those that are used now.
            let Some(other) = self.free.keys().copied().find(|&other| other != capacity) else { return };
            if self.take(other).is_none() {
                self.free.remove(&other);
            }
        }
        buffer.clear();
        self.bytes += capacity;
        self.free.entry(capacity).or_default().push(buffer);
    }
}

/// A buffer that is being filled.
pub(crate) struct LentBuffer {
    buffer: MutableBuffer,
    length: usize,
    store: Weak<Mutex<FreeBuffers>>,
}

impl LentBuffer {
    /// How many bytes still fit.
    pub(crate) fn missing(&self) -> usize {
        self.length - self.buffer.len()
    }

    /// Copies bytes in behind those that are there.
    ///
    /// # Panics
    /// If there are more than [`missing`](Self::missing).
    pub(crate) fn fill(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= self.missing(), "a lent buffer takes what it was lent for");
        self.buffer.extend_from_slice(bytes);
    }

    /// Has a reader fill the buffer, which says how many bytes it wrote to the front of what it was given. Ends when
    /// the buffer is full or the reader is at its end.
    ///
    /// # Errors
    /// The reader's, but for interruptions, after which it is asked again.
    pub(crate) fn fill_from(&mut self, mut read: impl FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<()> {
        let mut filled = self.buffer.len();
        while filled < self.length {
            let end = self.length.min(filled + STEP);
            self.buffer.resize(end, 0);
            let count = read(&mut self.buffer[filled..]);
            match count {
                Ok(0) => break,
                Ok(count) => filled += count.min(end - filled),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.buffer.truncate(filled);
                    return Err(error);
                }
            }
        }
        self.buffer.truncate(filled);
        Ok(())
    }

    /// The bytes, shared; the buffer goes back to its recycler when the last of them is dropped.
    pub(crate) fn freeze(self) -> Bytes {
        Bytes::from_owner(FilledBuffer { buffer: Some(self.buffer), store: self.store })
    }
}

/// Keeps a filled buffer for those who share it.
struct FilledBuffer {
    buffer: Option<MutableBuffer>,
    store: Weak<Mutex<FreeBuffers>>,
}

impl AsRef<[u8]> for FilledBuffer {
    fn as_ref(&self) -> &[u8] {
        self.buffer.as_deref().unwrap_or_default()
    }
}

impl Drop for FilledBuffer {
    fn drop(&mut self) {
        if let (Some(buffer), Some(store)) = (self.buffer.take(), self.store.upgrade()) {
            store.lock().put(buffer);
        }
    }
}

/// Rounds up in steps of an eighth to a quarter, so that neighbours in size share buffers and none is a fifth too
/// big.
fn size_class(length: usize) -> usize {
    let step = (length.next_power_of_two() / 8).max(64);
    length.div_ceil(step) * step
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_dropped_buffer_is_lent_again() {
        let recycler = Recycler::default();
        let mut lent = recycler.lend(10_000).unwrap();
        lent.fill(&[7; 10_000]);
        let bytes = lent.freeze();
        let (place, part) = (bytes.as_ptr(), bytes.slice(5_000..));
        drop(bytes);
        assert_ne!(recycler.lend(9_900).unwrap().freeze().as_ptr(), place, "a part is still in use");
        assert_eq!(part.as_ref(), [7; 5_000]);
        drop(part);
        let mut again = recycler.lend(9_900).unwrap();
        again.fill(&[1]);
        assert_eq!(again.freeze().as_ptr(), place);
    }

    #[test]
    fn kept_memory_is_bounded() {
        let recycler = Recycler::default();
        let lent: Vec<_> = (0..10).map(|_| recycler.lend(KEPT_BYTES / 4).unwrap().freeze()).collect();
        drop(lent);
        assert!(recycler.lock().bytes <= KEPT_BYTES);
    }

    #[test]
    fn sizes_of_before_make_room_for_those_of_now() {
        let recycler = Recycler::default();
        let fill = |length: usize| (0..4).map(|_| recycler.lend(length).unwrap().freeze()).collect::<Vec<_>>();
        drop(fill(KEPT_BYTES / 4));
        drop(fill(KEPT_BYTES / 8));
        let held: Vec<_> = recycler.lock().free.iter().map(|(size, free)| (*size, free.len())).collect();
        assert!(held.contains(&(KEPT_BYTES / 8, 4)), "{held:?}");
        assert!(recycler.lock().bytes <= KEPT_BYTES);
    }

    #[test]
    fn a_reader_fills_a_buffer_bit_by_bit() {
        let source: Vec<u8> = (0..3 * STEP).map(|i| i as u8).collect();
        for length in [0, 1, STEP, 2 * STEP + 77, source.len(), source.len() + 5] {
            let (mut rest, mut interrupted) = (&source[..], false);
            let mut lent = Recycler::default().lend(length).unwrap();
            lent.fill_from(|buffer| {
                interrupted = !interrupted;
                assert!(buffer.len() <= STEP);
                let part = buffer.len().min(99_999);
                if interrupted { Err(io::ErrorKind::Interrupted.into()) } else { rest.read(&mut buffer[..part]) }
            })
            .unwrap();
            assert_eq!(lent.freeze(), source[..length.min(source.len())]);
        }
        let mut lent = Recycler::default().lend(10).unwrap();
        lent.fill(&[1, 2]);
        assert!(lent.fill_from(|_| Err(io::ErrorKind::NotFound.into())).is_err());
        assert_eq!(lent.freeze(), &[1, 2][..], "what was not read is not there");
    }

    #[test]
    fn a_length_that_no_memory_has_is_an_error() {
        let error = Recycler::default().lend(usize::MAX / 4).err().unwrap();
        assert_eq!(error.kind(), peregrine_proto::FlightErrorKind::ResourceExhausted);
    }

    #[test]
    fn buffers_outlive_their_recycler() {
        let recycler = Recycler::default();
        let mut lent = recycler.lend(5_000).unwrap();
        lent.fill(b"alive");
        let bytes = lent.freeze();
        drop(recycler);
        assert_eq!(bytes.as_ref(), b"alive");
    }

    #[test]
    fn buffers_are_aligned_and_classes_are_tight() {
        for length in [1, 64, 4_097, 100_000, 2 << 20] {
            let mut lent = Recycler::default().lend(length).unwrap();
            lent.fill(&[1]);
            assert_eq!(lent.freeze().as_ptr() as usize % 64, 0);
            let class = size_class(length);
            assert!(class >= length && class <= length.max(64) + length / 4 + 64, "{length} -> {class}");
        }
    }
}
