//! Checks a header against its body and its schema, before anything is made of either.

use arrow_ipc::{
    BodyCompressionMethod, Buffer as WireBuffer, FieldNode, Footer, Message, MessageHeader, MetadataVersion,
    RecordBatch as WireBatch,
};
use flatbuffers::{InvalidFlatbuffer, Vector, VerifierOptions};
use peregrine_proto::MessageLimits;

use crate::compression::{CompressionCodec, OLD_CODEC};
use crate::error::Error;
use crate::format_problem::FormatProblem;
use crate::schema::Counts;

/// No schema that proto reads has more levels, whatever its limits; each is a table in the header, and batches are flat.
const MAX_LEVELS: usize = 128;
const TABLES_AROUND_LEVELS: usize = 4;

pub(crate) const OTHER_VERSION: &str = "metadata of a version other than 4 and 5";

/// Buffers may share bytes, but the work and the copies that they take stay in proportion to the body.
const MAX_LAYERS: usize = 8;
const OVERLAP: &str = "bytes of buffers that lie over each other";

/// A header that is a valid flatbuffer of a version that is read.
pub(crate) fn message<'a>(header: &'a [u8], limits: &MessageLimits) -> Result<Message<'a>, Error> {
    header_length(header.len(), limits)?;
    let options = verifier(header);
    let message = arrow_ipc::root_as_message_with_opts(&options, header).map_err(|error| refused(error, limits))?;
    match message.version() {
        MetadataVersion::V4 | MetadataVersion::V5 => Ok(message),
        _ => Err(Error::Unsupported { what: OTHER_VERSION }),
    }
}

/// The footer of a file that is a valid flatbuffer.
pub(crate) fn footer(bytes: &[u8]) -> Result<Footer<'_>, Error> {
    arrow_ipc::root_as_footer_with_opts(&verifier(bytes), bytes)
        .map_err(|source| Error::format(FormatProblem::Footer { source: Box::new(source) }))
}

/// Fails for a header over the limit.
pub(crate) fn header_length(length: usize, limits: &MessageLimits) -> Result<(), Error> {
    let limit = limits.header;
    if length > limit { Err(Error::Limit { what: "bytes of header", limit, actual: length }) } else { Ok(()) }
}

/// Fails for a message over the limit.
pub(crate) fn message_length(header: usize, body: usize, limits: &MessageLimits) -> Result<(), Error> {
    let (limit, actual) = (limits.message, header.saturating_add(body));
    if actual > limit { Err(Error::Limit { what: "bytes of a message", limit, actual }) } else { Ok(()) }
}

fn verifier(bytes: &[u8]) -> VerifierOptions {
    VerifierOptions {
        max_depth: MAX_LEVELS + TABLES_AROUND_LEVELS,
        max_tables: bytes.len() / size_of::<u32>(),
        // Shared parts count each time, which real writers have only for vtables.
        max_apparent_size: bytes.len().saturating_mul(8).saturating_add(1024),
        ignore_missing_null_terminator: true,
    }
}

fn refused(error: InvalidFlatbuffer, limits: &MessageLimits) -> Error {
    match error {
        InvalidFlatbuffer::DepthLimitReached => {
            let limit = limits.schema_depth.min(MAX_LEVELS);
            Error::Limit { what: "levels of a schema's types", limit, actual: MAX_LEVELS + 1 }
        }
        source => Error::Header { source: Box::new(source) },
    }
}

/// The length of the body, as far as the bytes at hand have it.
pub(crate) fn body_length(message: Message<'_>, actual: usize) -> Result<usize, Error> {
    let stated = message.bodyLength();
    match usize::try_from(stated) {
        Ok(length) if length <= actual => Ok(length),
        _ => Err(Error::BodyLength { stated, actual }),
    }
}

/// Why a message of a kind that is neither schema nor batch is refused.
pub(crate) fn other_kind(kind: MessageHeader) -> Error {
    match kind {
        MessageHeader::Tensor | MessageHeader::SparseTensor => Error::Unsupported { what: "a tensor message" },
        MessageHeader::NONE => Error::Missing { part: "kind" },
        _ => Error::Unsupported { what: "a message of an unknown kind" },
    }
}

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
