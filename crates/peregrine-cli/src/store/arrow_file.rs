//! Flights from Arrow IPC files: described by their headers, sent as they are where every client takes that.

use arrow_ipc::RecordBatch as RawBatch;
use peregrine::ipc::IpcReadOptions;
use peregrine::proto::{FlightError, MessageLimits, Verified};
use peregrine::stream::{FlightDataStream, IpcFile, IpcSource};

use super::content::{Content, Description, Totals};
use super::error::broken;
use super::positioned::PositionedFile;

/// Describes a file without reading the bodies of its messages. Row counts stand in the messages' headers, so these are
/// read beside the footer.
pub(super) fn describe(file: PositionedFile) -> Result<Description, FlightError> {
    let limits = limits();
    let file = IpcFile::open(file, limits.clone())?;
    let mut totals = Totals::default();
    for block in file.dictionaries().iter().chain(file.record_batches()) {
        totals.add(count(&file.read_header(block)?, &limits)?);
    }
    Ok(Description { schema: file.schema().clone(), totals })
}

/// Opens a file for reading. Its messages are read when their turn comes, and sent as they are, unless there is a record
/// batch that is better cut: then all are decoded.
pub(super) fn read(file: PositionedFile) -> Result<Content, FlightError> {
    let file = IpcFile::open(file, limits())?;
    let messages = IpcSource::from_file(&file)?;
    // Many clients refuse messages of more than 4 MiB unless configured otherwise.
    if file.record_batches().iter().all(|block| block.length() <= FlightDataStream::DEFAULT_MESSAGE_TARGET) {
        return Ok(Content::Messages(Box::new(messages)));
    }
    let batches = messages.into_batches(IpcReadOptions::default())?;
    Ok(Content::Batches(batches.schema().clone(), Box::new(batches)))
}

/// What a file may make the server hold. A stream reads a message while the one before is sent, so two of them are in
/// memory for each download, and the dictionaries where the file is decoded.
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

/// The rows of a message and the bytes of its buffers. A dictionary counts its bytes and no rows.
fn count(header: &[u8], limits: &MessageLimits) -> Result<Totals, FlightError> {
    let message = Verified::message(header, limits);
    let message = message.map_err(|error| broken(format_args!("the header of a message: {error}")))?.get();
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
