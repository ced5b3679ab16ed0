//! The encoder of one stream.

use arrow_array::RecordBatch;
use arrow_data::ArrayData;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use peregrine_proto::{encode_schema_header, encode_schema_header_with_ids};

use super::check_batch::{check_batch, check_schema};
use super::gather::{Gather, Layout};
use super::header_writer::{Content, HeaderWriter};
use super::pieces::{Pieces, Target};
use super::rows::Rows;
use super::sent_dictionaries::{Change, SentDictionaries};
use super::walk::walk;
use crate::compression::Compressor;
use crate::error::Error;
use crate::message::{EncodedMessage, MessageKind};
use crate::options::IpcWriteOptions;
use crate::schema::DictionaryIds;
use crate::stats::EncodeStats;

/// Turns record batches of one schema into messages.
///
/// The messages of a stream are the [schema message](Self::schema_message) once, and then what
/// [`encode`](Self::encode) or [`encode_piece`](Self::encode_piece) hand out, in that order. A dictionary is sent
/// before the first batch that has it, again when it or one inside of it changed, and not otherwise; on
/// [request](IpcWriteOptions::dictionary_deltas) only what is new of it.
///
/// ```
/// use std::sync::Arc;
/// use arrow_array::{ArrayRef, Int64Array, RecordBatch};
/// use peregrine_ipc::{Encoder, IpcWriteOptions};
///
/// let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1000));
/// let batch = RecordBatch::try_from_iter([("n", numbers)])?;
/// let options = IpcWriteOptions::default().with_target_message_size(4096);
/// let mut encoder = Encoder::new(batch.schema(), options)?;
///
/// let mut messages = vec![encoder.schema_message()];
/// let mut pieces = encoder.pieces(&batch)?;
/// while encoder.encode_piece(&mut pieces, &mut messages)? {}
/// assert!(messages.iter().all(|message| message.encoded_size() <= 4096));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Encoder {
    schema: SchemaRef,
    schema_header: Bytes,
    /// The last schema of a batch that was found to be like ours, to be known again by its pointer.
    accepted: SchemaRef,
    dictionaries: SentDictionaries,
    target: Option<usize>,
    compressor: Option<Compressor>,
    header: HeaderWriter,
    layout: Layout,
    stats: EncodeStats,
}

/// What an [`Encoder`] knew of its stream at a time.
#[derive(Debug, Clone)]
pub struct EncoderCheckpoint {
    dictionaries: SentDictionaries,
    stats: EncodeStats,
}

impl Encoder {
    /// An encoder for batches of `schema`.
    ///
    /// # Errors
    /// [`Error::Field`] if a field has a type that the format cannot carry: a dictionary whose values are
    /// dictionaries themselves, without a field between; or if fields of one dictionary id have different types.
    /// [`Error::Schema`] if ids are [listed](DictionaryIds::Listed) for more or fewer dictionaries than there are.
    /// [`Error::Compression`] if the codec cannot start.
    pub fn new(schema: SchemaRef, options: IpcWriteOptions) -> Result<Self, Error> {
        check_schema(&schema)?;
        let ids = options.dictionary_ids.of(&schema);
        let schema_header = match options.dictionary_ids {
            DictionaryIds::Counted => encode_schema_header(&schema, options.metadata_version),
            _ => encode_schema_header_with_ids(&schema, options.metadata_version, &ids)
                .map_err(|source| Error::Schema { source })?,
        };
        let compressor = options.compression.map(Compressor::new).transpose();
        let compressor = compressor.map_err(|source| Error::Compression { source })?;
        Ok(Self {
            schema_header,
            dictionaries: SentDictionaries::new(&schema, &ids, options.dictionary_deltas)?,
            accepted: schema.clone(),
            schema,
            target: options.target_message_size,
            compressor,
            header: HeaderWriter::default(),
            layout: Layout::new(options.metadata_version),
            stats: EncodeStats::default(),
        })
    }

    /// The schema that all batches have.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What was done so far.
    pub fn stats(&self) -> EncodeStats {
        self.stats
    }

    /// Where the encoder is now, to be gone back to with [`restore`](Self::restore).
    pub fn checkpoint(&self) -> EncoderCheckpoint {
        EncoderCheckpoint { dictionaries: self.dictionaries.clone(), stats: self.stats }
    }

    /// Goes back to a checkpoint of this encoder: what was encoded since has not been sent.
    pub fn restore(&mut self, checkpoint: EncoderCheckpoint) {
        self.dictionaries = checkpoint.dictionaries;
        self.stats = checkpoint.stats;
    }

    /// The message that begins a stream, with or without batches.
    pub fn schema_message(&mut self) -> EncodedMessage {
        self.stats.num_messages += 1;
        let header = self.schema_header.clone();
        EncodedMessage { header, body: Vec::new(), body_length: 0, kind: MessageKind::Schema, rows: 0 }
    }

    /// Appends the dictionaries that `batch` needs to `out`, and then the batch as one message of whatever size.
    ///
    /// # Errors
    /// [`Error::BatchSchema`] if names or types differ from the encoder's schema (metadata may, and what list items,
    /// map entries and run ends are called), and
    /// [`Problem::UnexpectedNulls`](crate::Problem::UnexpectedNulls) for nulls in a column that is declared without,
    /// and [`Problem::SharedDictionary`](crate::Problem::SharedDictionary) for fields of one dictionary id with
    /// different values. Then nothing was appended, and the next batch may be encoded.
    pub fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<EncodedMessage>) -> Result<(), Error> {
        check_batch(&self.schema, &mut self.accepted, batch)?;
        let mut pieces = Pieces::new(batch);
        self.encode_rows(&mut pieces, None, out)
    }

    /// Begins to encode `batch` in pieces under [`IpcWriteOptions::target_message_size`].
    ///
    /// Pieces are cut at multiples of 64 rows, or below where 64 rows are too many; one row is never cut, and may be
    /// over the target. Dictionaries are not cut either. With compression the sizes before compression count.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn pieces(&mut self, batch: &RecordBatch) -> Result<Pieces, Error> {
        check_batch(&self.schema, &mut self.accepted, batch)?;
        Ok(Pieces::new(batch))
    }

    /// Appends the next piece to `out`, before the first one the dictionaries. `false` if there was none left.
    ///
    /// Between two pieces of a batch no other batch may be encoded.
    ///
    /// # Errors
    /// [`Error::Compression`] if a codec fails, and
    /// [`Problem::SharedDictionary`](crate::Problem::SharedDictionary) as [`encode`](Self::encode). Then nothing was
    /// appended.
    pub fn encode_piece(&mut self, pieces: &mut Pieces, out: &mut Vec<EncodedMessage>) -> Result<bool, Error> {
        if pieces.is_done() {
            return Ok(false);
        }
        let (compressed, version) = (self.compressor.is_some(), self.layout.version);
        let target = self.target.map(|bytes| Target { bytes, compressed, version });
        self.encode_rows(pieces, target, out)?;
        Ok(true)
    }

    fn encode_rows(
        &mut self,
        pieces: &mut Pieces,
        target: Option<Target>,
        out: &mut Vec<EncodedMessage>,
    ) -> Result<(), Error> {
        let before = out.len();
        let rows = pieces.next_rows(target);
        let encoded = self.encode_dictionaries(&pieces.columns, out).and_then(|()| {
            let message = self.message(&pieces.columns, rows, Content::Rows)?;
            self.stats.num_record_batches += 1;
            out.push(message);
            Ok(())
        });
        if encoded.is_err() {
            out.truncate(before);
            self.dictionaries.forget();
        } else {
            pieces.advance(rows);
        }
        encoded
    }

    fn encode_dictionaries(&mut self, columns: &[ArrayData], out: &mut Vec<EncodedMessage>) -> Result<(), Error> {
        for index in 0..self.dictionaries.len() {
            let Some((values, change)) = self.dictionaries.change(index, columns)? else { continue };
            let is_delta = matches!(change, Change::Grown { .. });
            let content = Content::Dictionary { id: self.dictionaries.id(index), is_delta };
            let message = self.message(std::slice::from_ref(values), change.rows(values), content)?;
            self.stats.num_dictionary_batches += 1;
            self.stats.num_dictionary_deltas += u64::from(is_delta);
            self.stats.num_replaced_dictionaries += u64::from(change == Change::Replaced);
            self.dictionaries.set(index, values);
            out.push(message);
        }
        Ok(())
    }

    fn message(&mut self, columns: &[ArrayData], rows: Rows, content: Content) -> Result<EncodedMessage, Error> {
        let codec = self.compressor.as_ref().map(Compressor::codec);
        let mut gather = Gather::new(&mut self.layout, self.compressor.as_mut(), &mut self.stats);
        columns.iter().for_each(|column| walk(column, rows, &mut gather));
        let body = gather.finish().map_err(|source| Error::Compression { source })?;
        let header = self.header.batch(&self.layout, rows.count, codec, content);
        let kind = match content {
            Content::Rows => MessageKind::RecordBatch,
            Content::Dictionary { .. } => MessageKind::DictionaryBatch,
        };
        self.stats.num_messages += 1;
        Ok(EncodedMessage { header, body, body_length: self.layout.body_length, kind, rows: rows.count })
    }
}
