//! The footer of a file: its schema, and where its messages are.

use std::ops::Range;
use std::sync::Arc;

use arrow_ipc::{Block as WireBlock, Footer as WireFooter, MetadataVersion as WireVersion};
use arrow_schema::SchemaRef;
use bytes::Bytes;
use flatbuffers::Vector;
use peregrine_proto::{MessageLimits, MetadataVersion, decode_verified_schema, encode_schema_header_with_ids};

use super::file_block::{FIRST_MESSAGE, FileBlock, check_overlap};
use super::prefix::word;
use crate::error::Error;
use crate::format_problem::FormatProblem;
use crate::message::MessageKind;
use crate::schema::DictionaryIds;
use crate::verify;

const MAGIC: &[u8; 6] = b"ARROW1";

/// What the footer of a file says: the file's schema, and where its messages are.
///
/// A file is read from its end: the [trailer](Self::trailer) tells where the footer [is](Self::locate), and that tells
/// the rest. Everything may be forged: the footer is verified, and no block is believed that does not lie inside
/// the file, within the limits, and apart from the others.
///
/// ```
/// use bytes::Bytes;
/// use peregrine_ipc::{Decoded, Decoder, FileFooter, IpcReadOptions, MessageLimits};
/// # use arrow_array::{ArrayRef, Int64Array, RecordBatch};
/// # let ids: ArrayRef = std::sync::Arc::new(Int64Array::from(vec![1, 2, 3]));
/// # let batch = RecordBatch::try_from_iter([("id", ids)])?;
/// # let mut writer = arrow_ipc::writer::FileWriter::try_new(Vec::new(), batch.schema_ref())?;
/// # writer.write(&batch)?;
/// # let file = Bytes::from(writer.into_inner()?);
/// // let file: Bytes = ..;
/// let limits = MessageLimits::default();
/// let footer = FileFooter::of_file(&file, &limits)?;
/// let mut decoder = Decoder::new(IpcReadOptions::default(), limits.clone());
/// decoder.decode(footer.schema_header(), Bytes::new())?;
/// for block in footer.blocks() {
///     let part = |range: std::ops::Range<u64>| file.slice(range.start as usize..range.end as usize);
///     let message = block.message(&part(block.header()), part(block.body()), &limits)?;
///     if let Decoded::RecordBatch(batch) = decoder.decode(&message.header, message.body)? {
///         assert_eq!(batch.schema(), *footer.schema());
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct FileFooter {
    schema_header: Bytes,
    schema: SchemaRef,
    dictionaries: Vec<FileBlock>,
    record_batches: Vec<FileBlock>,
}

impl FileFooter {
    /// How many of the first bytes of a file [`locate`](Self::locate) needs.
    pub const HEAD: usize = MAGIC.len();

    /// Where the trailer is, which follows the footer.
    ///
    /// # Errors
    /// [`FormatProblem::Magic`] for a file that is too short to be one.
    pub fn trailer(file: u64) -> Result<Range<u64>, Error> {
        let start = file.checked_sub(TRAILER).filter(|start| *start >= FIRST_MESSAGE);
        Ok(start.ok_or_else(|| Error::format(FormatProblem::Magic))?..file)
    }

    /// Where the footer is in a file of `file` bytes, by the file's first bytes and its trailer.
    ///
    /// # Errors
    /// [`FormatProblem::Magic`], [`FormatProblem::FooterLength`], and [`Error::Limit`] if the footer is larger than a
    /// header may be.
    pub fn locate(file: u64, head: &[u8], trailer: &[u8], limits: &MessageLimits) -> Result<Range<u64>, Error> {
        let end = Self::trailer(file)?.start;
        if !head.starts_with(MAGIC) || trailer.len() as u64 != TRAILER || !trailer.ends_with(MAGIC) {
            return Err(Error::format(FormatProblem::Magic));
        }
        let stated = word(trailer, 0).unwrap_or_default() as i32;
        let length = u64::try_from(stated).ok().filter(|length| *length > 0);
        let start = length.and_then(|length| end.checked_sub(length)).filter(|start| *start >= FIRST_MESSAGE);
        let start = start.ok_or_else(|| Error::format(FormatProblem::FooterLength { stated, file }))?;
        verify::header_length((end - start) as usize, limits)?;
        Ok(start..end)
    }

    /// Reads the footer, whose bytes were found at `range`.
    ///
    /// # Errors
    /// The problems of footers and blocks in [`FormatProblem`]; [`Error::Schema`] for a schema that is refused, as one of
    /// big-endian data is; [`Error::Limit`] for blocks over the limits; [`Error::Unsupported`] for an unknown version.
    pub fn read(footer: &[u8], range: Range<u64>, limits: &MessageLimits) -> Result<Self, Error> {
        let verified = verify::footer(footer, limits)?;
        let (wire, schema) = (verified.get(), verified.schema());
        let schema = schema.ok_or_else(|| Error::format(FormatProblem::NoSchema))?;
        let version = match wire.version() {
            WireVersion::V4 => MetadataVersion::V4,
            WireVersion::V5 => MetadataVersion::V5,
            _ => return Err(Error::Unsupported { what: verify::OTHER_VERSION }),
        };
        let refused = |source| Error::Schema { source };
        let schema = Arc::new(decode_verified_schema(schema, limits).map_err(refused)?);
        let ids = DictionaryIds::OfFields.of(&schema);
        let schema_header = encode_schema_header_with_ids(&schema, version, &ids).map_err(refused)?;
        let (dictionaries, record_batches) = blocks(wire, range.start, limits)?;
        check_overlap(dictionaries.iter().chain(&record_batches))?;
        Ok(Self { schema_header, schema, dictionaries, record_batches })
    }

    /// Reads the footer of a file that is at hand whole.
    ///
    /// # Errors
    /// As [`locate`](Self::locate) and [`read`](Self::read) have them.
    pub fn of_file(file: &[u8], limits: &MessageLimits) -> Result<Self, Error> {
        let length = file.len() as u64;
        let trailer = Self::trailer(length)?.start as usize;
        let range = Self::locate(length, file, &file[trailer..], limits)?;
        Self::read(&file[range.start as usize..range.end as usize], range, limits)
    }

    /// The schema.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The schema as the header of a message, with the ids of its dictionaries, which its batches need.
    pub fn schema_header(&self) -> &Bytes {
        &self.schema_header
    }

    /// The dictionaries, in the order in which they are to be read.
    pub fn dictionaries(&self) -> &[FileBlock] {
        &self.dictionaries
    }

    /// The record batches, in the order of their rows.
    pub fn record_batches(&self) -> &[FileBlock] {
        &self.record_batches
    }

    /// All messages but the schema's in the order of a stream: the dictionaries, then the record batches, wherever they
    /// lie in the file.
    pub fn blocks(&self) -> impl Iterator<Item = &FileBlock> {
        self.dictionaries.iter().chain(&self.record_batches)
    }
}

/// The bytes behind the footer: its length, and the magic once more.
const TRAILER: u64 = 4 + MAGIC.len() as u64;

type Blocks = (Vec<FileBlock>, Vec<FileBlock>);

fn blocks(footer: WireFooter<'_>, end: u64, limits: &MessageLimits) -> Result<Blocks, Error> {
    let check = |wire: Option<Vector<'_, WireBlock>>, kind| {
        wire.iter().flatten().map(|block| FileBlock::new(block, kind, end, limits)).collect::<Result<Vec<_>, _>>()
    };
    let dictionaries = check(footer.dictionaries(), MessageKind::DictionaryBatch)?;
    Ok((dictionaries, check(footer.recordBatches(), MessageKind::RecordBatch)?))
}
