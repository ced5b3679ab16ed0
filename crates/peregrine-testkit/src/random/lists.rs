//! Lists of types, one of every kind and what is odd about some, and batches of them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field, FieldRef, Fields, IntervalUnit, Schema, TimeUnit, UnionFields, UnionMode};

use super::array;

/// A type of every kind without children, and dictionaries of them.
pub fn flat_types() -> Vec<DataType> {
    use DataType::*;
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
        Binary,
        LargeBinary,
        Utf8,
        LargeUtf8,
        Utf8View,
        BinaryView,
        FixedSizeBinary(0),
        FixedSizeBinary(3),
        FixedSizeBinary(16),
        Decimal32(9, 2),
        Decimal64(18, 3),
        Decimal128(38, 10),
        Decimal256(76, -5),
        Time32(TimeUnit::Second),
        Time32(TimeUnit::Millisecond),
        Time64(TimeUnit::Microsecond),
        Time64(TimeUnit::Nanosecond),
        Interval(IntervalUnit::YearMonth),
        Interval(IntervalUnit::DayTime),
        Interval(IntervalUnit::MonthDayNano),
    ];
    for unit in [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond] {
        types.push(Duration(unit));
        types.push(Timestamp(unit, None));
        types.push(Timestamp(unit, Some("Europe/Paris".into())));
    }
    for keys in [Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64] {
        types.push(dictionary(keys, Utf8));
    }
    types.extend([Int64, LargeBinary, Utf8View, Decimal256(40, 2), Boolean].map(|values| dictionary(Int16, values)));
    types
}

/// Types with children of every kind, dictionaries inside and around some of them.
pub fn nested_types() -> Vec<DataType> {
    use DataType::*;
    let pair = || Struct(Fields::from(vec![Field::new("n", Int32, true), Field::new("s", Utf8, false)]));
    let unions = || {
        UnionFields::try_new(
            [5, 0, 127],
            [Field::new("i", Int32, true), Field::new("s", Utf8View, true), Field::new("b", Boolean, false)],
        )
        .unwrap()
    };
    let mut types = vec![
        List(item(Int32)),
        LargeList(item(Utf8)),
        ListView(item(Utf8)),
        LargeListView(item(Int16)),
        FixedSizeList(item(Int32), 3),
        FixedSizeList(item(Boolean), 0),
        FixedSizeList(strict(Boolean), 5),
        pair(),
        Struct(Fields::empty()),
        List(item(pair())),
        List(strict(Utf8View)),
        map(Utf8, Int32),
        map(Int16, List(item(Utf8))),
        Union(unions(), UnionMode::Sparse),
        Union(unions(), UnionMode::Dense),
        runs(Int16, Utf8),
        runs(Int32, Int64),
        runs(Int64, Boolean),
        List(item(Null)),
        List(item(Decimal256(50, 0))),
    ];
    types.extend([
        List(item(dictionary(Int8, Utf8))),
        Struct(Fields::from(vec![
            Field::new("a", dictionary(Int32, Utf8), true),
            Field::new("b", dictionary(Int32, Utf8), true),
        ])),
        runs(Int32, dictionary(Int32, Utf8)),
        dictionary(Int32, List(item(Int32))),
        dictionary(Int8, pair()),
        dictionary(Int8, List(item(dictionary(Int16, Utf8)))),
        List(item(ListView(item(Union(unions(), UnionMode::Dense))))),
        FixedSizeList(item(runs(Int32, Utf8)), 2),
        map(Utf8, dictionary(Int32, Utf8View)),
        LargeList(item(Struct(Fields::from(vec![Field::new("u", Union(unions(), UnionMode::Sparse), true)])))),
    ]);
    types
}

/// Both.
pub fn all_types() -> Vec<DataType> {
    flat_types().into_iter().chain(nested_types()).collect()
}

/// A batch of a column of each type, with metadata on fields and schema; every third column is without nulls. The arrays
/// begin at the start of their memory.
///
/// ```
/// use peregrine_testkit::random;
///
/// let batch = random::batch(&random::all_types(), 10, 7);
/// assert_eq!(batch, random::batch(&random::all_types(), 10, 7));
/// ```
///
/// # Panics
/// As [`array()`].
pub fn batch(types: &[DataType], rows: usize, seed: u64) -> RecordBatch {
    let metadata = |key: &str| HashMap::from([(key.to_owned(), "value".to_owned())]);
    let fields: Vec<Field> = types
        .iter()
        .enumerate()
        .map(|(index, data_type)| {
            Field::new(format!("c{index}"), data_type.clone(), index % 3 != 0).with_metadata(metadata("field"))
        })
        .collect();
    let columns = fields.iter().zip(seed..).map(|(f, seed)| array(f.data_type(), rows, f.is_nullable(), seed));
    let columns = columns.collect();
    let schema = Schema::new(fields).with_metadata(metadata("schema"));
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(schema), columns, &options).unwrap()
}

fn dictionary(keys: DataType, values: DataType) -> DataType {
    DataType::Dictionary(Box::new(keys), Box::new(values))
}

fn item(data_type: DataType) -> FieldRef {
    Arc::new(Field::new("item", data_type, true))
}

fn strict(data_type: DataType) -> FieldRef {
    Arc::new(Field::new("item", data_type, false))
}

fn runs(ends: DataType, values: DataType) -> DataType {
    DataType::RunEndEncoded(strict_named("run_ends", ends), Arc::new(Field::new("values", values, true)))
}

fn map(keys: DataType, values: DataType) -> DataType {
    let pair = Fields::from(vec![Field::new("keys", keys, false), Field::new("values", values, true)]);
    DataType::Map(strict_named("entries", DataType::Struct(pair)), false)
}

fn strict_named(name: &str, data_type: DataType) -> FieldRef {
    Arc::new(Field::new(name, data_type, false))
}
