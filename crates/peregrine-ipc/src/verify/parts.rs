//! The parts of a batch's header, checked against its body and its schema before anything is made of either.

use arrow_ipc::{
    BodyCompressionMethod, Buffer as WireBuffer, FieldNode, Message, MetadataVersion, RecordBatch as WireBatch,
};
use flatbuffers::Vector;

use crate::compression::{CompressionCodec, OLD_CODEC};
use crate::error::Error;
use crate::schema::Counts;

/// Buffers may share bytes, but the work and the copies that they take stay in proportion to the body.
const MAX_LAYERS: usize = 8;
const OVERLAP: &str = "bytes of buffers that lie over each other";

/// The parts of a batch: as many as its schema needs, and every buffer inside the body.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) codec: Option<CompressionCodec>,
    /// Unions and run ends have the place of a validity bitmap, as they had before version 5.
    pub(crate) old_validity: bool,
    nodes: Option<Vector<'a, FieldNode>>,
    buffers: Option<Vector<'a, WireBuffer>>,
    variadic: Option<Vector<'a, i64>>,
}

impl<'a> Parts<'a> {
    pub(crate) fn new(batch: WireBatch<'a>, message: Message<'_>, counts: Counts, body: usize) -> Result<Self, Error> {
        let is_old = message.version() == MetadataVersion::V4;
        let parts = Self {
            codec: match codec(batch)? {
                None if is_old => old_codec(message)?,
                codec => codec,
            },
            old_validity: is_old,
            nodes: batch.nodes(),
            buffers: batch.buffers(),
            variadic: batch.variadicBufferCounts(),
        };
        parts.check_counts(counts)?;
        parts.check_ranges(body)?;
        Ok(parts)
    }

    pub(crate) fn node(&self, index: usize) -> Option<FieldNode> {
        self.nodes.filter(|nodes| index < nodes.len()).map(|nodes| *nodes.get(index))
    }

    /// Where a buffer lies: checked to be inside the body.
    pub(crate) fn buffer(&self, index: usize) -> Option<(usize, usize)> {
        let buffer = self.buffers.filter(|buffers| index < buffers.len())?.get(index);
        Some((usize::try_from(buffer.offset()).ok()?, usize::try_from(buffer.length()).ok()?))
    }

    /// How many data buffers the view array of this index has.
    pub(crate) fn views(&self, index: usize) -> Option<usize> {
        let count = self.variadic.filter(|counts| index < counts.len())?.get(index);
        usize::try_from(count).ok()
    }

    fn check_counts(&self, counts: Counts) -> Result<(), Error> {
        let count = |what, expected, actual| {
            if expected == actual { Ok(()) } else { Err(Error::Count { what, expected, actual }) }
        };
        count("field nodes", counts.nodes, self.nodes.map_or(0, |nodes| nodes.len()))?;
        // Some writers list counts where there are no views: those would be left over.
        count("variadic buffer counts", counts.views, self.variadic.map_or(0, |variadic| variadic.len()))?;
        let actual = self.buffers.map_or(0, |buffers| buffers.len());
        let mut expected = counts.buffers + if self.old_validity { counts.old_validity } else { 0 };
        for stated in self.variadic.into_iter().flatten() {
            let views = usize::try_from(stated).ok().filter(|&views| views <= actual);
            expected += views.ok_or(Error::Missing { part: "data buffers of a view array" })?;
        }
        count("buffers", expected, actual)
    }

    fn check_ranges(&self, body: usize) -> Result<(), Error> {
        let mut total: usize = 0;
        for (index, buffer) in self.buffers.into_iter().flatten().enumerate() {
            let (offset, length) = (buffer.offset(), buffer.length());
            let end = offset.checked_add(length).filter(|_| offset >= 0 && length >= 0);
            if end.and_then(|end| usize::try_from(end).ok()).is_none_or(|end| end > body) {
                return Err(Error::BufferRange { index, offset, length, body });
            }
            total = total.saturating_add(length as usize);
        }
        let limit = body.saturating_mul(MAX_LAYERS);
        if total <= limit { Ok(()) } else { Err(Error::Limit { what: OVERLAP, limit, actual: total }) }
    }
}

fn codec(batch: WireBatch<'_>) -> Result<Option<CompressionCodec>, Error> {
    let Some(compression) = batch.compression() else { return Ok(None) };
    if compression.method() != BodyCompressionMethod::BUFFER {
        return Err(Error::Unsupported { what: "a body compressed other than buffer by buffer" });
    }
    let codec = CompressionCodec::from_wire(compression.codec());
    codec.map(Some).ok_or(OTHER_CODEC)
}

/// What Arrow 0.17 wrote, whose batches had no place for their codec.
fn old_codec(message: Message<'_>) -> Result<Option<CompressionCodec>, Error> {
    let mut metadata = message.custom_metadata().into_iter().flatten();
    let name = metadata.find(|entry| entry.key() == Some(OLD_CODEC)).and_then(|entry| entry.value());
    name.map(|name| CompressionCodec::from_old_name(name).ok_or(OTHER_CODEC)).transpose()
}

const OTHER_CODEC: Error = Error::Unsupported { what: "a compression codec other than LZ4 and ZSTD" };
