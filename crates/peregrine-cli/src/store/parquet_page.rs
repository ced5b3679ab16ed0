//! Pages of a Parquet file, each checked before the parquet crate decodes it.
//!
//! The crate takes memory by what a page says about itself. Where that fails the process ends, and no handler comes in
//! between. So the head of each page is read here first, and what it claims is held against its row group and against
//! limits; then the page is decompressed, and what its encoding claims is held against its head.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::{Compression, Encoding, Type as PhysicalType};
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use super::parquet_delta::claims_at_most;
use super::parquet_expand::becomes_at_most;
use super::parquet_page_head::PageHead;
use super::positioned::PositionedFile;

/// A page has at most this many bytes, compressed or not. Writers aim at 1 MiB, for dictionaries too.
const MAX_PAGE_BYTES: u64 = 256 << 20;
/// The pages that a reader has at a time, one a column and its dictionary, have at most this many bytes together.
const MAX_PAGES_BYTES: u64 = 1 << 30;
/// A page with delta-encoded lengths has at most this many values, since each length takes memory and may take no bytes
/// in the file. Writers end such pages after some ten thousand values.
const MAX_DELTA_LENGTHS: u64 = 16 << 20;

/// All row groups of a file.
pub(super) struct CheckedRowGroups {
    file: Arc<PositionedFile>,
    metadata: Arc<ParquetMetaData>,
    held: Arc<AtomicU64>,
}

impl CheckedRowGroups {
    pub(super) fn new(file: PositionedFile, metadata: Arc<ParquetMetaData>) -> Self {
        Self { file: Arc::new(file), metadata, held: Arc::default() }
    }
}

impl RowGroups for CheckedRowGroups {
    fn num_rows(&self) -> usize {
        self.row_groups().map(rows_of).fold(0, u64::saturating_add) as usize
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        let groups = 0..self.metadata.num_row_groups();
        let (file, metadata) = (Arc::clone(&self.file), Arc::clone(&self.metadata));
        Ok(Box::new(Chunks { file, metadata, held: Arc::clone(&self.held), column, groups }))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(self.metadata.row_groups().iter())
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}

/// The chunks of one column, one a row group.
struct Chunks {
    file: Arc<PositionedFile>,
    metadata: Arc<ParquetMetaData>,
    held: Arc<AtomicU64>,
    column: usize,
    groups: Range<usize>,
}

impl Iterator for Chunks {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        let group = self.metadata.row_group(self.groups.next()?);
        let chunk = group.columns().get(self.column).ok_or_else(|| refuse("a row group lacks a column"));
        let pages = chunk.and_then(|chunk| {
            let held = Held { all: Arc::clone(&self.held), dictionary: 0, data: 0 };
            CheckedPages::of(Arc::clone(&self.file), chunk, rows_of(group), held)
        });
        Some(pages.map(|pages| Box::new(pages) as Box<dyn PageReader>))
    }
}

impl PageIterator for Chunks {}

/// The pages of one chunk.
struct CheckedPages {
    pages: SerializedPageReader<PositionedFile>,
    file: Arc<PositionedFile>,
    /// Where the next page's head is.
    position: u64,
    end: u64,
    /// The head at that place, if it was checked already.
    head: Option<PageHead>,
    chunk: ColumnChunkMetaData,
    max_values: u64,
    held: Held,
}

impl CheckedPages {
    fn of(file: Arc<PositionedFile>, chunk: &ColumnChunkMetaData, rows: u64, held: Held) -> Result<Self> {
        let (position, length) = chunk.byte_range();
        let end = position.checked_add(length).ok_or_else(|| refuse("a column lies outside of the file"))?;
        let pages = SerializedPageReader::new(Arc::clone(&file), chunk, rows as usize, None)?;
        let repeats = chunk.column_descr().max_rep_level() > 0;
        let max_values = if repeats { u64::try_from(chunk.num_values()).unwrap_or(0) } else { rows };
        Ok(Self { pages, file, position, end, head: None, chunk: chunk.clone(), max_values, held })
    }

    /// Checks the next page's head, once. `None` behind the last page.
    fn look_ahead(&mut self) -> Result<Option<PageHead>> {
        if self.head.is_none() && self.position < self.end {
            let head = PageHead::read(&self.file, self.position, self.end)?;
            self.check_head(&head)?;
            self.head = Some(head);
        }
        Ok(self.head)
    }

    fn check_head(&self, head: &PageHead) -> Result<()> {
        if head.uncompressed.max(head.compressed) > MAX_PAGE_BYTES {
            return Err(refuse("a page has more than 256 MiB"));
        }
        if !head.is_dictionary && head.values > self.max_values {
            return Err(refuse("a page has more values than its row group"));
        }
        if head.nulls > head.values {
            return Err(refuse("a page has more nulls than values"));
        }
        Ok(())
    }

    /// Goes behind a page.
    fn pass(&mut self, head: &PageHead) {
        self.position += head.length + head.compressed;
        self.head = None;
    }

    fn check_expansion(&self, head: &PageHead) -> Result<()> {
        let codec = self.chunk.compression();
        if !head.is_compressed || !matches!(codec, Compression::GZIP(_) | Compression::BROTLI(_) | Compression::LZ4) {
            return Ok(());
        }
        let bytes = self.file.read(self.position + head.length, head.compressed as usize)?;
        let most = head.uncompressed.saturating_sub(head.levels);
        match bytes.get(head.levels as usize..) {
            // The parquet crate does not decompress these.
            Some(_) if most == 0 => Ok(()),
            Some(bytes) if becomes_at_most(codec, bytes, most) == Some(true) => Ok(()),
            _ => Err(refuse("a page does not decompress to the size that it says")),
        }
    }

    fn check_values(&self, page: &Page) -> Result<()> {
        let broken = || refuse("a page's levels or lengths are broken");
        let (encoding, values) = match page {
            Page::DictionaryPage { buf, num_values, .. } => {
                let width = width_of(&self.chunk);
                let bytes = u64::from(*num_values).saturating_mul(width);
                // A dictionary of values without bytes has one.
                if bytes > buf.len() as u64 && *num_values > 1 {
                    return Err(refuse("a dictionary has more values than bytes for them"));
                }
                return Ok(());
            }
            Page::DataPage { buf, encoding, num_values, def_level_encoding, rep_level_encoding, .. } => {
                let column = self.chunk.column_descr();
                let mut values = &buf[..];
                for (max, encoding) in
                    [(column.max_rep_level(), rep_level_encoding), (column.max_def_level(), def_level_encoding)]
                {
                    if max > 0 {
                        values = behind_levels(values, *encoding, max, *num_values).ok_or_else(broken)?;
                    }
                }
                (*encoding, values)
            }
            Page::DataPageV2 { buf, encoding, def_levels_byte_len, rep_levels_byte_len, .. } => {
                let levels = u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len);
                (*encoding, buf.get(levels as usize..).ok_or_else(broken)?)
            }
        };
        let most = u64::from(page.num_values()).min(MAX_DELTA_LENGTHS);
        match claims_at_most(encoding, values, most) {
            Some(true) => Ok(()),
            Some(false) => Err(refuse("a page's encoding claims more values than the page")),
            None if page.num_values() == 0 || values.is_empty() => Ok(()),
            None => Err(broken()),
        }
    }
}

impl PageReader for CheckedPages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let Some(head) = self.look_ahead()? else { return Ok(None) };
        self.check_expansion(&head)?;
        self.held.take(&head)?;
        let page = self.pages.get_next_page()?;
        self.pass(&head);
        if let Some(page) = &page {
            self.check_values(page)?;
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.look_ahead()?;
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        if let Some(head) = self.look_ahead()? {
            self.pages.skip_next_page()?;
            self.pass(&head);
        }
        Ok(())
    }
}

impl Iterator for CheckedPages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

/// The bytes of the pages that a chunk has in memory, counted together with those of the other columns.
struct Held {
    all: Arc<AtomicU64>,
    dictionary: u64,
    data: u64,
}

impl Held {
    fn take(&mut self, head: &PageHead) -> Result<()> {
        let bytes = head.uncompressed.max(head.compressed);
        let place = if head.is_dictionary { &mut self.dictionary } else { &mut self.data };
        let before = std::mem::replace(place, bytes);
        self.all.fetch_sub(before, Ordering::Relaxed);
        if self.all.fetch_add(bytes, Ordering::Relaxed) + bytes > MAX_PAGES_BYTES {
            return Err(refuse("the pages that are read at a time have more than 1 GiB"));
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.fetch_sub(self.dictionary + self.data, Ordering::Relaxed);
    }
}

/// What stands behind the levels of a page of the first version.
fn behind_levels(page: &[u8], encoding: Encoding, max: i16, values: u32) -> Option<&[u8]> {
    #[expect(deprecated, reason = "old files have it")]
    let length = match encoding {
        Encoding::RLE => 4 + u64::from(u32::from_le_bytes(page.get(..4)?.try_into().ok()?)),
        Encoding::BIT_PACKED => (u64::from(values) * u64::from(16 - max.leading_zeros())).div_ceil(8),
        _ => return None,
    };
    page.get(usize::try_from(length).ok()?..)
}

/// How many bytes a value of a dictionary takes at least.
fn width_of(chunk: &ColumnChunkMetaData) -> u64 {
    match chunk.column_type() {
        // No writer makes dictionaries of these.
        PhysicalType::BOOLEAN => 1,
        PhysicalType::INT32 | PhysicalType::FLOAT | PhysicalType::BYTE_ARRAY => 4,
        PhysicalType::INT64 | PhysicalType::DOUBLE => 8,
        PhysicalType::INT96 => 12,
        PhysicalType::FIXED_LEN_BYTE_ARRAY => chunk.column_descr().type_length().max(1) as u64,
    }
}

fn rows_of(group: &RowGroupMetaData) -> u64 {
    group.num_rows().try_into().unwrap_or(0)
}

fn refuse(reason: &str) -> ParquetError {
    ParquetError::General(reason.to_owned())
}
