//! Flights from Parquet files: described by their footers, read a few rows at a time.

use std::sync::Arc;

use arrow_schema::{ArrowError, SchemaRef};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels};
use parquet::basic::{Encoding, Type as PhysicalType};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use peregrine::proto::FlightError;
use peregrine::stream::FlightDataStream;

use super::content::{Batches, Description, Totals};
use super::error::{broken, too_large, unreadable};
use super::parquet_page::CheckedRowGroups;
use super::parquet_schema::is_shallow;
use super::positioned::PositionedFile;

/// A batch has at most this many rows.
const MAX_BATCH_ROWS: u64 = 8192;
/// It has fewer where strings may be encoded smaller than they are and the footer does not say how long they are, which
/// older writers leave out: one of 1 KB that a dictionary has once may stand in every row.
const MAX_BATCH_ROWS_OF_UNKNOWN_SIZE: u64 = 1024;
/// With wide rows a batch has fewer rows, for about as many bytes as one message has, by what the footer says. That goes
/// by the average of a row group: a batch of its longest rows is larger.
const BATCH_BYTES: u64 = FlightDataStream::DEFAULT_MESSAGE_TARGET as u64;
/// Behind the footer stand its length in four bytes and the magic.
const TRAILER: usize = 8;
/// A footer has at most this many bytes. Decoded it may take some hundred times as many: the parquet crate reserves
/// memory for lists as long as a footer has bytes left, and their elements are large. That of a file with 1000 columns
/// and 20 row groups has about 2 MiB.
const MAX_FOOTER: usize = 16 << 20;
/// How deep groups may nest. A list, or a struct inside of one, takes two groups, and Arrow schemas end at 64 levels.
const MAX_DEPTH: usize = 130;

/// Describes a file by its footer.
pub(super) fn describe(file: &PositionedFile) -> Result<Description, FlightError> {
    let footer = read_footer(file)?;
    let mut totals = Totals::default();
    for group in footer.metadata().row_groups() {
        totals.add(count(group)?);
    }
    Ok(Description { schema: footer.schema().clone(), totals })
}

/// Opens a file for reading.
pub(super) fn read(file: PositionedFile) -> Result<(SchemaRef, Batches), FlightError> {
    let footer = read_footer(&file)?;
    let schema = footer.schema().clone();
    let rows = batch_rows(footer.metadata());
    let metadata = footer.metadata();
    let columns = metadata.file_metadata().schema_descr();
    let levels = parquet_to_arrow_field_levels(columns, ProjectionMask::all(), Some(schema.fields()));
    let levels = levels.map_err(parquet_error)?;
    let groups = CheckedRowGroups::new(file, Arc::clone(metadata));
    let reader = ParquetRecordBatchReader::try_new_with_row_groups(&levels, &groups, rows, None);
    let reader = reader.map_err(parquet_error)?;
    let full = Arc::clone(&schema);
    // The reader leaves the metadata of the schema out of its batches.
    let batches = reader.map(move |batch| batch?.with_schema(Arc::clone(&full)));
    Ok((schema, Box::new(batches.map(|batch| batch.map_err(arrow_error)))))
}

/// Reads the footer, which the file's last eight bytes tell the length of.
fn read_footer(file: &PositionedFile) -> Result<ArrowReaderMetadata, FlightError> {
    let not_parquet = || broken("it is not a Parquet file: it does not end with PAR1");
    let end = file.length().checked_sub(TRAILER as u64).ok_or_else(not_parquet)?;
    let trailer = file.read(end, TRAILER).map_err(unreadable)?;
    match &trailer[4..] {
        b"PAR1" => {}
        b"PARE" => return Err(FlightError::unimplemented("the file is encrypted, which is not supported")),
        _ => return Err(not_parquet()),
    }
    let length = u32::from_le_bytes([trailer[0], trailer[1], trailer[2], trailer[3]]) as usize;
    let start = end.checked_sub(length as u64).ok_or_else(|| broken("its footer is longer than the file"))?;
    if length > MAX_FOOTER {
        return Err(too_large("its footer", length as u64, MAX_FOOTER));
    }
    let footer = file.read(start, length).map_err(unreadable)?;
    match is_shallow(&footer, MAX_DEPTH) {
        Some(true) => {}
        Some(false) => return Err(broken(format_args!("its schema nests deeper than {MAX_DEPTH} groups"))),
        None => return Err(broken("its footer does not begin with a schema")),
    }
    let metadata = ParquetMetaDataReader::decode_metadata(&footer).map_err(parquet_error)?;
    ArrowReaderMetadata::try_new(Arc::new(metadata), ArrowReaderOptions::default()).map_err(parquet_error)
}

/// The rows of a row group, and the bytes of its columns as they are encoded and before they are compressed: the only
/// size that the footer has for every column.
fn count(group: &RowGroupMetaData) -> Result<Totals, FlightError> {
    let count = |value: i64, what| u64::try_from(value).map_err(|_| broken(format_args!("{what} is {value}")));
    let mut bytes = 0_u64;
    for column in group.columns() {
        bytes = bytes.saturating_add(count(column.uncompressed_size(), "the size of a column")?);
    }
    Ok(Totals { rows: count(group.num_rows(), "the number of rows in a row group")?, bytes: Some(bytes) })
}

/// How many rows a batch gets, by the row group with the widest rows.
fn batch_rows(metadata: &ParquetMetaData) -> usize {
    let width = |group: &RowGroupMetaData| {
        let bytes: u64 = group.columns().iter().map(decoded_bytes).fold(0, u64::saturating_add);
        bytes / unsigned(group.num_rows()).max(1)
    };
    let widest = metadata.row_groups().iter().map(width).max().unwrap_or(0);
    let mut columns = metadata.row_groups().iter().flat_map(RowGroupMetaData::columns);
    let most = if columns.any(is_of_unknown_size) { MAX_BATCH_ROWS_OF_UNKNOWN_SIZE } else { MAX_BATCH_ROWS };
    (BATCH_BYTES / widest.max(1)).clamp(1, most) as usize
}

/// Whether a column may have far more bytes in memory than the footer tells.
fn is_of_unknown_size(column: &ColumnChunkMetaData) -> bool {
    column.column_type() == PhysicalType::BYTE_ARRAY
        && column.unencoded_byte_array_data_bytes().is_none()
        && column.encodings().any(|encoding| !matches!(encoding, Encoding::PLAIN | Encoding::RLE))
}

/// About how many bytes a column has in memory. Runs and dictionaries make it smaller in the file.
fn decoded_bytes(column: &ColumnChunkMetaData) -> u64 {
    let width = match column.column_type() {
        PhysicalType::BOOLEAN => 1,
        PhysicalType::INT32 | PhysicalType::FLOAT => 4,
        PhysicalType::INT64 | PhysicalType::DOUBLE | PhysicalType::BYTE_ARRAY => 8,
        PhysicalType::INT96 => 12,
        PhysicalType::FIXED_LEN_BYTE_ARRAY => unsigned(column.column_descr().type_length().into()),
    };
    let values = unsigned(column.num_values()).saturating_mul(width);
    let strings = unsigned(column.unencoded_byte_array_data_bytes().unwrap_or(0));
    values.saturating_add(strings).max(unsigned(column.uncompressed_size()))
}

/// A number of the footer that cannot be negative; where it is, the file is broken and its reader will say so.
fn unsigned(value: i64) -> u64 {
    value.try_into().unwrap_or(0)
}

fn parquet_error(error: ParquetError) -> FlightError {
    match error {
        ParquetError::NYI(_) => FlightError::unimplemented(error.to_string()).with_source(error),
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(error) => unreadable(*error),
            Err(source) => broken(&source).with_source(source),
        },
        error => broken(&error).with_source(error),
    }
}

/// An error in the middle of the data. Whatever arrow calls it, the file does not hold what it should.
fn arrow_error(error: ArrowError) -> FlightError {
    match error {
        ArrowError::NotYetImplemented(_) => error.into(),
        ArrowError::ExternalError(source) => match source.downcast::<ParquetError>() {
            Ok(error) => parquet_error(*error),
            Err(source) => broken(&source).with_source(source),
        },
        error => broken(&error).with_source(error),
    }
}
