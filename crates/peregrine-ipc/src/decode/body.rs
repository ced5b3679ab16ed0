//! Takes buffers out of a message's body: shared, or decompressed, and aligned as their type needs.

use std::io;

use arrow_buffer::Buffer;
use peregrine_proto::MessageLimits;

use crate::compression::{CompressionCodec, Inflater, LENGTH_PREFIX, NOT_COMPRESSED};
use crate::error::Error;
use crate::problem::Problem;
use crate::stats::DecodeStats;

/// A message may decompress to this much however small it is: honest ones of a few values can be very small.
const OF_ANY_RATIO: usize = 64 << 20;

/// The body of one message, and what is counted while it is read.
pub(super) struct Body<'a> {
    bytes: Buffer,
    empty: Buffer,
    codec: Option<CompressionCodec>,
    inflater: &'a mut Inflater,
    limits: &'a MessageLimits,
    stats: &'a mut DecodeStats,
    decompressed: usize,
    realigned: usize,
    viewed: usize,
}

impl<'a> Body<'a> {
    pub(super) fn new(
        bytes: Buffer,
        codec: Option<CompressionCodec>,
        inflater: &'a mut Inflater,
        limits: &'a MessageLimits,
        stats: &'a mut DecodeStats,
    ) -> Self {
        let empty = Buffer::default();
        Self { bytes, empty, codec, inflater, limits, stats, decompressed: 0, realigned: 0, viewed: 0 }
    }

    /// The memory that arrays of this message hold on to, as far as it is known by now.
    pub(super) fn held(&self) -> usize {
        self.bytes.len() + self.decompressed + self.realigned
    }

    /// A buffer of whatever length it has. The range was checked to be inside the body.
    pub(super) fn buffer(&mut self, (offset, length): (usize, usize)) -> Result<Buffer, Error> {
        let raw = self.bytes.slice_with_length(offset, length);
        match self.codec {
            Some(codec) if !raw.is_empty() => self.decompress(codec, &raw),
            _ => Ok(raw),
        }
    }

    /// The first `needed` bytes of a buffer, at a place that is a multiple of `align`.
    pub(super) fn exact(
        &mut self,
        range: (usize, usize),
        needed: usize,
        align: usize,
        name: &'static str,
    ) -> Result<Buffer, Error> {
        if needed == 0 {
            // A place in the body need not be aligned, and need not be decompressed.
            return Ok(self.empty.clone());
        }
        let buffer = self.buffer(range)?;
        if buffer.len() < needed {
            return Err(Error::field(Problem::ShortBuffer { buffer: name, needed, actual: buffer.len() }));
        }
        let buffer = buffer.slice_with_length(0, needed);
        Ok(if buffer.as_ptr().align_offset(align) == 0 { buffer } else { self.realign(&buffer) })
    }

    /// The one copy that a misplaced buffer takes, by itself.
    fn realign(&mut self, buffer: &Buffer) -> Buffer {
        self.realigned += buffer.len();
        self.stats.realigned_buffers += 1;
        self.stats.realigned_bytes += buffer.len() as u64;
        Buffer::from_slice_ref(buffer.as_slice())
    }

    /// Counts bytes that views point to as if they were decompressed: a view takes 16 bytes and may point to any
    /// number of them, which many views may share and which are looked at for each.
    pub(super) fn count_viewed(&mut self, length: usize) -> Result<(), Error> {
        self.viewed = self.viewed.saturating_add(length);
        let limit = self.limits.decompressed_message;
        if self.viewed <= limit {
            return Ok(());
        }
        Err(Error::Limit { what: "bytes that views of a message point to", limit, actual: self.viewed })
    }

    /// The length that a buffer has or will have when decompressed, by its own word.
    pub(super) fn length(&mut self, (offset, length): (usize, usize)) -> Result<usize, Error> {
        let Some(codec) = self.codec.filter(|_| length > 0) else { return Ok(length) };
        let raw = self.bytes.slice_with_length(offset, length);
        match self.stored(codec, &raw)? {
            Stored::Plain(values) => Ok(values.len()),
            Stored::Empty => Ok(0),
            Stored::Packed { length, .. } => {
                self.decompressed += length;
                Ok(length)
            }
        }
    }

    fn decompress(&mut self, codec: CompressionCodec, raw: &Buffer) -> Result<Buffer, Error> {
        let (packed, length) = match self.stored(codec, raw)? {
            Stored::Plain(values) => return Ok(values),
            Stored::Empty => return Ok(self.empty.clone()),
            Stored::Packed { packed, length } => (packed, length),
        };
        let claimed = length as i64;
        let broken = |source: Option<io::Error>| {
            let source = source.map(Into::into);
            Error::field(Problem::Compressed { codec, claimed, source })
        };
        let buffer = self.inflater.inflate(codec, &packed, length).map_err(broken)?;
        self.decompressed += length;
        self.stats.decompressed_bytes += length as u64;
        Ok(buffer)
    }

    fn stored(&self, codec: CompressionCodec, raw: &Buffer) -> Result<Stored, Error> {
        let Some((prefix, _)) = raw.split_first_chunk::<LENGTH_PREFIX>() else {
            let (needed, actual) = (LENGTH_PREFIX, raw.len());
            return Err(Error::field(Problem::ShortBuffer { buffer: "compressed", needed, actual }));
        };
        let packed = raw.slice(LENGTH_PREFIX);
        match i64::from_le_bytes(*prefix) {
            NOT_COMPRESSED => Ok(Stored::Plain(packed)),
            // Java writes a length and nothing else.
            0 => Ok(Stored::Empty),
            claimed => {
                let negative = || Error::field(Problem::Compressed { codec, claimed, source: None });
                let length = usize::try_from(claimed).map_err(|_| negative())?;
                self.check_limits(length)?;
                Ok(Stored::Packed { packed, length })
            }
        }
    }

    fn check_limits(&self, length: usize) -> Result<(), Error> {
        let over = |what, limit, actual| Err(Error::Limit { what, limit, actual });
        let (buffer, message) = (self.limits.decompressed_buffer, self.limits.decompressed_message);
        if length > buffer {
            return over("bytes of a decompressed buffer", buffer, length);
        }
        let actual = self.decompressed.saturating_add(length);
        if actual > message {
            return over("decompressed bytes of a message", message, actual);
        }
        let limit = self.bytes.len().saturating_mul(self.limits.decompression_ratio).max(OF_ANY_RATIO);
        if actual > limit {
            return over("decompressed bytes of a message of this size", limit, actual);
        }
        Ok(())
    }
}

/// How a buffer of a compressed body is stored.
enum Stored {
    /// As it is.
    Plain(Buffer),
    Empty,
    /// Compressed, and so long when decompressed.
    Packed {
        packed: Buffer,
        length: usize,
    },
}
