//! The file formats that a download can be written in, batch by batch.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Result, bail};
use arrow_array::RecordBatch;
use arrow_ipc::writer::{DictionaryHandling, FileWriter, IpcWriteOptions};
use arrow_schema::{DataType, IntervalUnit, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::dictionaries::{GrowingDictionaries, can_grow};

/// A Parquet writer holds a row group until it is full, so this bounds its memory.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// A format, known by the ending of a file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileFormat {
    /// `.parquet`, compressed with Snappy.
    Parquet,
    /// `.arrow`, the IPC file format, not compressed.
    Arrow,
    /// `.csv`, with a header line.
    Csv,
}

impl FileFormat {
    /// The format of a path, by its ending.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("parquet") => Ok(Self::Parquet),
            Some("arrow") => Ok(Self::Arrow),
            Some("csv") => Ok(Self::Csv),
            _ => bail!("the ending of {path:?} names no format: use .parquet, .arrow or .csv"),
        }
    }

    /// Whether the format can hold values of a type. The parquet crate panics at a schema with a union.
    fn can_hold(self, kind: &DataType) -> bool {
        match (self, kind) {
            // One dictionary a column grows along with the batches; those further in cannot be exchanged for it.
            (Self::Arrow, DataType::Dictionary(_, values)) => !has_dictionary(values) && can_grow(values),
            (Self::Arrow, kind) => !has_dictionary(kind),
            (Self::Csv, kind) => !kind.is_nested(),
            (Self::Parquet, DataType::Union(..) | DataType::Interval(IntervalUnit::MonthDayNano)) => false,
            (Self::Parquet, kind) => within(kind).into_iter().all(|kind| self.can_hold(kind)),
        }
    }

    /// Begins a file. What the format cannot hold is an error here, before there is data.
    pub(super) fn begin(self, file: File, schema: &SchemaRef) -> Result<FormatWriter> {
        if let Some(field) = schema.fields().iter().find(|field| !self.can_hold(field.data_type())) {
            let (name, kind) = (field.name(), field.data_type());
            let why = match self {
                Self::Arrow => "in an Arrow file a dictionary cannot change, and this one is not a column's own",
                Self::Parquet | Self::Csv => "try .arrow",
            };
            bail!("{self:?} cannot hold column {name:?} of type {kind}: {why}");
        }
        match self {
            Self::Parquet => begin_parquet(file, schema),
            Self::Arrow => begin_arrow(file, schema),
            Self::Csv => begin_csv(file, schema),
        }
    }
}

/// A file that is being written. Dropping it leaves the file without its end.
pub(super) enum FormatWriter {
    Parquet(Box<ArrowWriter<File>>),
    Arrow { writer: FileWriter<BufWriter<File>>, dictionaries: GrowingDictionaries },
    Csv(arrow_csv::Writer<BufWriter<File>>),
}

impl FormatWriter {
    /// Adds a batch.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match self {
            Self::Parquet(writer) => writer.write(batch)?,
            Self::Arrow { writer, dictionaries } => writer.write(&dictionaries.unify(batch)?)?,
            Self::Csv(writer) => writer.write(batch)?,
        }
        Ok(())
    }

    /// Writes what ends the file.
    pub(super) fn finish(self) -> Result<()> {
        match self {
            Self::Parquet(writer) => {
                writer.close()?;
            }
            Self::Arrow { mut writer, .. } => writer.finish()?,
            Self::Csv(writer) => writer.into_inner().flush()?,
        }
        Ok(())
    }
}

/// Whether a type is a dictionary or has one inside.
fn has_dictionary(kind: &DataType) -> bool {
    matches!(kind, DataType::Dictionary(..)) || within(kind).into_iter().any(has_dictionary)
}

/// The types that a type is made of.
fn within(kind: &DataType) -> Vec<&DataType> {
    match kind {
        DataType::Dictionary(_, values) => vec![&**values],
        DataType::Struct(fields) => fields.iter().map(|field| field.data_type()).collect(),
        DataType::Union(fields, _) => fields.iter().map(|(_, field)| field.data_type()).collect(),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _)
        | DataType::RunEndEncoded(_, item) => vec![item.data_type()],
        _ => Vec::new(),
    }
}

fn begin_parquet(file: File, schema: &SchemaRef) -> Result<FormatWriter> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .build();
    Ok(FormatWriter::Parquet(Box::new(ArrowWriter::try_new(file, schema.clone(), Some(properties))?)))
}

fn begin_arrow(file: File, schema: &SchemaRef) -> Result<FormatWriter> {
    let options = IpcWriteOptions::default().with_dictionary_handling(DictionaryHandling::Delta);
    let writer = FileWriter::try_new_with_options(BufWriter::new(file), schema, options)?;
    Ok(FormatWriter::Arrow { writer, dictionaries: GrowingDictionaries::new(schema)? })
}

fn begin_csv(file: File, schema: &SchemaRef) -> Result<FormatWriter> {
    let mut writer = arrow_csv::Writer::new(BufWriter::new(file));
    // The header line is written with the first batch, and there may be none.
    writer.write(&RecordBatch::new_empty(SchemaRef::new(Schema::clone(schema))))?;
    Ok(FormatWriter::Csv(writer))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek};
    use std::sync::Arc;

    use arrow_array::types::Int32Type;
    use arrow_array::{ArrayRef, DictionaryArray, Int64Array};
    use arrow_ipc::reader::FileReader;
    use arrow_schema::{Field, UnionFields, UnionMode};

    use super::*;

    fn write(format: FileFormat, schema: &SchemaRef, batches: &[RecordBatch]) -> Result<File> {
        let mut file = tempfile::tempfile()?;
        let mut writer = format.begin(file.try_clone()?, schema)?;
        batches.iter().try_for_each(|batch| writer.write(batch))?;
        writer.finish()?;
        file.rewind()?;
        Ok(file)
    }

    #[test]
    fn the_ending_tells_the_format() {
        assert_eq!(FileFormat::of(Path::new("a/b.parquet")).unwrap(), FileFormat::Parquet);
        assert_eq!(FileFormat::of(Path::new("b.c.arrow")).unwrap(), FileFormat::Arrow);
        assert_eq!(FileFormat::of(Path::new("b.csv")).unwrap(), FileFormat::Csv);
        for other in ["b", "b.txt", ".csv", "b.CSV", "b.", ""] {
            let error = FileFormat::of(Path::new(other)).unwrap_err();
            assert!(error.to_string().contains(".parquet, .arrow or .csv"), "{other}: {error}");
        }
    }

    #[test]
    fn csv_has_its_header_without_rows() {
        let schema =
            Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true), Field::new("b", DataType::Utf8, true)]));
        let mut text = String::new();
        write(FileFormat::Csv, &schema, &[]).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "a,b\n");
    }

    #[test]
    fn what_a_format_cannot_hold_is_told_at_once() {
        let union = UnionFields::try_new([0], [Field::new("a", DataType::Int64, true)]).unwrap();
        let union = DataType::Union(union, UnionMode::Dense);
        let list = |item: &DataType| DataType::List(Arc::new(Field::new("item", item.clone(), true)));
        let schema = |kind: DataType| Arc::new(Schema::new(vec![Field::new("column", kind, true)]));
        let letters = |values: DataType| DataType::Dictionary(Box::new(DataType::Int32), Box::new(values));
        let months = DataType::Interval(IntervalUnit::MonthDayNano);
        for (format, kind, holds) in [
            (FileFormat::Csv, list(&DataType::Int64), false),
            (FileFormat::Parquet, list(&list(&DataType::Int64)), true),
            (FileFormat::Parquet, list(&list(&union)), false),
            (FileFormat::Parquet, months, false),
            (FileFormat::Arrow, list(&union), true),
            (FileFormat::Arrow, letters(DataType::Utf8), true),
            (FileFormat::Arrow, letters(list(&letters(DataType::Utf8))), false),
            (FileFormat::Arrow, list(&letters(DataType::Utf8)), false),
            (FileFormat::Parquet, list(&letters(DataType::Utf8)), true),
        ] {
            let written = write(format, &schema(kind.clone()), &[]);
            assert_eq!(written.is_ok(), holds, "{format:?} {kind}");
            if let Err(error) = written {
                assert!(error.to_string().contains("cannot hold column \"column\""), "{error}");
            }
        }
    }

    #[test]
    fn an_arrow_file_takes_a_new_dictionary_with_each_batch() {
        let batch = |values: [&str; 3]| {
            let letters: DictionaryArray<Int32Type> = values.into_iter().collect();
            let ids = Int64Array::from(vec![1, 2, 3]);
            RecordBatch::try_from_iter([("id", Arc::new(ids) as ArrayRef), ("letter", Arc::new(letters))]).unwrap()
        };
        let batches = [batch(["a", "b", "a"]), batch(["c", "b", "d"]), batch(["d", "a", "e"])];
        let file = write(FileFormat::Arrow, &batches[0].schema(), &batches).unwrap();
        let read = FileReader::try_new(file, None).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
        let spelled_out = |batches: &[RecordBatch]| -> Vec<ArrayRef> {
            batches.iter().map(|batch| arrow_cast::cast(batch.column(1), &DataType::Utf8).unwrap()).collect()
        };
        assert_eq!(spelled_out(&read), spelled_out(&batches));
    }
}
