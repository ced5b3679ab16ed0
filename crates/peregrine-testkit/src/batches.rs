//! Batches to test with: every type, with nulls, the same each time.

use std::sync::Arc;

use arrow_array::builder::{FixedSizeBinaryBuilder, StringDictionaryBuilder};
use arrow_array::types::Int32Type;
use arrow_array::*;
use arrow_buffer::i256;
use arrow_schema::{DataType, Field, IntervalUnit, Schema, SchemaRef, TimeUnit};

/// Three batches of one schema with a column for each flat type: of 100 rows, of none, and of 7. A third of the
/// values is null.
///
/// ```
/// let batches = peregrine_testkit::batches::one_per_type();
/// assert_eq!(batches.iter().map(|batch| batch.num_rows()).collect::<Vec<_>>(), [100, 0, 7]);
/// ```
pub fn one_per_type() -> Vec<RecordBatch> {
    let fields: Vec<_> = flat_types().into_iter().map(|data_type| nullable(data_type.to_string(), data_type)).collect();
    let schema = Arc::new(Schema::new(fields));
    [100, 0, 7].map(|rows| of_schema(&schema, rows)).into()
}

/// A batch with four columns of int64 without nulls, as benches use.
pub fn int64(rows: usize) -> RecordBatch {
    let columns = (0..4i64).map(|column| {
        let values = Int64Array::from_iter_values((0..rows as i64).map(|row| row * 31 + column));
        (format!("c{column}"), Arc::new(values) as ArrayRef)
    });
    batch(columns.collect())
}

/// Batches of one dictionary column: the first two share a dictionary, the third replaces it.
pub fn dictionaries() -> Vec<RecordBatch> {
    let first: ArrayRef = Arc::new(StringArray::from(vec!["oslo", "lima", "rome"]));
    let second: ArrayRef = Arc::new(StringArray::from(vec!["bern", "kiev"]));
    let column = |keys: Vec<Option<i32>>, values: &ArrayRef| {
        let array = DictionaryArray::<Int32Type>::new(Int32Array::from(keys), values.clone());
        // Nullable in all three, so that they have one schema.
        RecordBatch::try_from_iter_with_nullable([("city", Arc::new(array) as ArrayRef, true)]).expect("one column")
    };
    vec![
        column(vec![Some(0), None, Some(2)], &first),
        column(vec![Some(1), Some(1)], &first),
        column(vec![Some(1), Some(0), None], &second),
    ]
}

/// Every type that has no children, dictionaries of strings included.
pub fn flat_types() -> Vec<DataType> {
    use DataType::*;
    let units = [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond];
    let mut types = vec![
        Null,
        Boolean,
        Int8,
        Int16,
        Int32,
        Int64,
        UInt8,
        UInt16,
        UInt32,
        UInt64,
        Float16,
        Float32,
        Float64,
        Date32,
        Date64,
        Utf8,
        LargeUtf8,
        Utf8View,
        Binary,
        LargeBinary,
        BinaryView,
    ];
    types.extend([FixedSizeBinary(5), Time32(TimeUnit::Second), Time32(TimeUnit::Millisecond)]);
    types.extend([Time64(TimeUnit::Microsecond), Time64(TimeUnit::Nanosecond)]);
    types.extend([Decimal32(9, 2), Decimal64(18, 3), Decimal128(38, 4), Decimal256(76, 5)]);
    types.extend(units.map(Duration));
    types.extend(units.map(|unit| Timestamp(unit, None)));
    types.extend(units.map(|unit| Timestamp(unit, Some("Europe/Oslo".into()))));
    types.extend([IntervalUnit::YearMonth, IntervalUnit::DayTime, IntervalUnit::MonthDayNano].map(Interval));
    types.push(Dictionary(Box::new(Int32), Box::new(Utf8)));
    types
}

/// A batch of a schema of [`flat_types`].
///
/// # Panics
/// If the schema has a type that is not flat.
pub fn of_schema(schema: &SchemaRef, rows: usize) -> RecordBatch {
    let columns = schema.fields().iter().map(|field| column(field.data_type(), rows)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options).expect("columns of the schema's types")
}

fn nullable(name: String, data_type: DataType) -> Field {
    Field::new(name, data_type, true)
}

fn batch(columns: Vec<(String, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}

/// The value of each row; every third is null.
fn values<T>(rows: usize, value: impl Fn(i64) -> T) -> impl Iterator<Item = Option<T>> {
    (0..rows as i64).map(move |row| (row % 3 != 1).then(|| value(row * 7 - 50)))
}

/// Text of different lengths, some over the 12 bytes that a view holds inline, some not ASCII.
fn text(value: i64) -> String {
    format!("{}ø{value}", "long enough to lie outside ".repeat(value.rem_euclid(3) as usize))
}

fn column(data_type: &DataType, rows: usize) -> ArrayRef {
    match data_type {
        DataType::Null => Arc::new(NullArray::new(rows)),
        DataType::Boolean => Arc::new(BooleanArray::from_iter(values(rows, |v| v % 2 == 0))),
        DataType::Utf8 => Arc::new(StringArray::from_iter(values(rows, text))),
        DataType::LargeUtf8 => Arc::new(LargeStringArray::from_iter(values(rows, text))),
        DataType::Utf8View => Arc::new(StringViewArray::from_iter(values(rows, text))),
        DataType::Binary => Arc::new(BinaryArray::from_iter(values(rows, |v| text(v).into_bytes()))),
        DataType::LargeBinary => Arc::new(LargeBinaryArray::from_iter(values(rows, |v| text(v).into_bytes()))),
        DataType::BinaryView => Arc::new(BinaryViewArray::from_iter(values(rows, |v| text(v).into_bytes()))),
        DataType::FixedSizeBinary(width) => fixed_size_binary(*width, rows),
        DataType::Dictionary(..) => dictionary(rows),
        DataType::Float32 => Arc::new(Float32Array::from_iter(values(rows, |v| v as f32 / 4.0))),
        DataType::Float64 => Arc::new(Float64Array::from_iter(values(rows, |v| v as f64 / 8.0))),
        _ => fixed_width(data_type, rows),
    }
}

/// A column of any other type of fixed width: integers of that width under the type's name.
fn fixed_width(data_type: &DataType, rows: usize) -> ArrayRef {
    let integers = match data_type.primitive_width() {
        Some(1) => Int8Array::from_iter(values(rows, |v| v as i8)).into_data(),
        Some(2) => Int16Array::from_iter(values(rows, |v| v as i16)).into_data(),
        Some(4) => Int32Array::from_iter(values(rows, |v| v as i32)).into_data(),
        Some(8) => Int64Array::from_iter(values(rows, |v| v)).into_data(),
        Some(16) => Decimal128Array::from_iter(values(rows, |v| i128::from(v) << 70)).into_data(),
        Some(32) => Decimal256Array::from_iter(values(rows, |v| i256::from_i128(i128::from(v) << 100))).into_data(),
        _ => panic!("{data_type} is not a flat type"),
    };
    make_array(integers.into_builder().data_type(data_type.clone()).build().expect("integers of the type's width"))
}

fn fixed_size_binary(width: i32, rows: usize) -> ArrayRef {
    let mut builder = FixedSizeBinaryBuilder::new(width);
    for value in values(rows, |v| vec![v as u8; width as usize]) {
        match value {
            Some(value) => builder.append_value(value).expect("of the width"),
            None => builder.append_null(),
        }
    }
    Arc::new(builder.finish())
}

fn dictionary(rows: usize) -> ArrayRef {
    let mut builder = StringDictionaryBuilder::<Int32Type>::new();
    builder.extend(values(rows, |v| text(v % 5)));
    Arc::new(builder.finish())
}
