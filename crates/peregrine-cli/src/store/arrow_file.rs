//! Flights from Arrow IPC files: described by their headers, read one message at a time.

use arrow_ipc::{Message, RecordBatch as RawBatch};
use arrow_schema::SchemaRef;
use bytes::Bytes;
use peregrine::ipc::{Decoded, Decoder, IpcReadOptions};
use peregrine::proto::{FlightError, MessageLimits};

use super::arrow_footer::{Block, Footer, message};
use super::error::broken;
use super::flight::{Batches, Description, Totals};
use super::positioned::PositionedFile;

/// Describes a file without reading the bodies of its messages. Row counts stand in the messages' headers, so these are
/// read beside the footer.
pub(super) fn describe(file: &PositionedFile) -> Result<Description, FlightError> {
    let limits = limits();
    let footer = Footer::read(file, &limits)?;
    let schema = decode_schema(&mut decoder(&limits), &footer)?;
    let mut totals = Totals::default();
    for block in footer.dictionaries.iter().chain(&footer.batches) {
        let header = block.read_header(file)?;
        totals.add(count(&message(&header, &limits)?)?);
    }
    Ok(Description { schema, totals })
}

/// Opens a file for reading. The dictionaries are read at once, each record batch when its turn comes.
pub(super) fn read(file: PositionedFile) -> Result<(SchemaRef, Batches), FlightError> {
    let limits = limits();
    let footer = Footer::read(&file, &limits)?;
    let mut decoder = decoder(&limits);
    let schema = decode_schema(&mut decoder, &footer)?;
    for block in &footer.dictionaries {
        match decode(&mut decoder, &file, block)? {
            Decoded::Dictionary => {}
            _ => return Err(broken("a dictionary of its footer is another message")),
        }
    }
    if decoder.stats().num_replaced_dictionaries > 0 {
        return Err(broken("it replaces a dictionary, which files cannot do"));
    }
    let batches = footer.batches.into_iter().map(move |block| match decode(&mut decoder, &file, &block)? {
        Decoded::RecordBatch(batch) => Ok(batch),
        _ => Err(broken("a record batch of its footer is another message")),
    });
    Ok((schema, Box::new(batches)))
}

/// What a file may make the server hold. A stream reads a batch while the one before is sent, so two batches and the
/// dictionaries are in memory for each download.
fn limits() -> MessageLimits {
    const LIMIT: usize = 256 << 20;
    MessageLimits {
        message: LIMIT,
        dictionaries: LIMIT,
        decompressed_buffer: LIMIT,
        decompressed_message: LIMIT,
        ..MessageLimits::default()
    }
}

fn decoder(limits: &MessageLimits) -> Decoder {
    Decoder::new(IpcReadOptions::default(), limits.clone())
}

fn decode_schema(decoder: &mut Decoder, footer: &Footer) -> Result<SchemaRef, FlightError> {
    match decoder.decode(&footer.schema_header, Bytes::new())? {
        Decoded::Schema(schema) => Ok(schema),
        _ => Err(broken("its footer has no schema")),
    }
}

fn decode(decoder: &mut Decoder, file: &PositionedFile, block: &Block) -> Result<Decoded, FlightError> {
    Ok(decoder.decode(&block.read_header(file)?, block.read_body(file)?)?)
}

/// The rows of a message and the bytes of its buffers. A dictionary counts its bytes and no rows.
fn count(message: &Message<'_>) -> Result<Totals, FlightError> {
    let (rows, batch) = match (message.header_as_record_batch(), message.header_as_dictionary_batch()) {
        (Some(batch), _) => (batch.length(), batch),
        (None, Some(dictionary)) => (0, dictionary.data().ok_or_else(|| broken("a dictionary has no data"))?),
        (None, None) => return Err(broken("a message is neither a record batch nor a dictionary")),
    };
    let rows = u64::try_from(rows).map_err(|_| broken(format_args!("a record batch has {rows} rows")))?;
    Ok(Totals { rows, bytes: buffer_bytes(&batch)? })
}

/// The sum of the buffers' lengths. What a compressed buffer holds stands in the body and not in the header, so for
/// compressed batches this is not known.
fn buffer_bytes(batch: &RawBatch<'_>) -> Result<Option<u64>, FlightError> {
    if batch.compression().is_some() {
        return Ok(None);
    }
    let mut sum = 0_u64;
    for buffer in batch.buffers().iter().flatten() {
        let length = u64::try_from(buffer.length()).map_err(|_| broken("a buffer has a negative length"))?;
        sum = sum.saturating_add(length);
    }
    Ok(Some(sum))
}
