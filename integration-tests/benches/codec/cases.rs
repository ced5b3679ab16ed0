//! The batches that are decoded: one for each way in which validation has something to do.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, DictionaryArray, Float64Array, Int32Array, Int64Array, ListArray,
    MapArray, RecordBatch, StringArray, StringViewArray, StructArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Fields};

const ROWS: usize = 64 << 10;

const ASCII_SHORT: &str = "harbour";
const ASCII_LONG: &str =
    "the quick brown fox jumps over the lazy dog, and then over the next one, until all have been over";
const LATIN: &str = "smørrebrød på Ærø";
const CHINESE: &str = "敏捷的棕色狐狸跳过了懒狗，然后又跳过了下一只，直到全部都跳过为止";

/// When a dictionary comes.
pub(crate) enum Dictionary {
    Once,
    EveryTime,
}

/// A batch to decode.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) batch: RecordBatch,
    pub(crate) dictionary: Dictionary,
}

pub(crate) fn all() -> Vec<Case> {
    let again = Case { name: "dictionary, sent each time", batch: one(keys(false)), dictionary: Dictionary::EveryTime };
    let cases = [
        ("int64", int64(ROWS)),
        ("int64 with nulls", one(numbers(true))),
        ("bool with nulls", one(Arc::new(BooleanArray::from_iter((0..ROWS).map(|n| valid(n).then_some(n % 3 == 0)))))),
        ("binary", one(Arc::new(BinaryArray::from_iter_values(text(|_| ASCII_LONG))))),
        ("utf8, short", one(strings(|_| ASCII_SHORT))),
        ("utf8, short, with nulls", one(Arc::new(StringArray::from_iter(nullable(ASCII_SHORT))))),
        ("utf8, long", one(strings(|_| ASCII_LONG))),
        ("utf8, 1 of 100 not ASCII", one(strings(|n| if n % 100 == 7 { LATIN } else { ASCII_SHORT }))),
        ("utf8, latin", one(strings(|_| LATIN))),
        ("utf8, chinese", one(strings(|_| CHINESE))),
        ("utf8view, short", one(views(ASCII_SHORT))),
        ("utf8view, long", one(views(ASCII_LONG))),
        ("utf8view, chinese", one(views(CHINESE))),
        ("dictionary", one(keys(false))),
        ("dictionary with nulls", one(keys(true))),
        ("list of struct", one(lists())),
        ("map", one(maps())),
        ("100 columns of 8 Ki rows", columns_100(8 << 10)),
        ("100 columns of 64 rows", columns_100(64)),
    ];
    let cases = cases.into_iter().map(|(name, batch)| Case { name, batch, dictionary: Dictionary::Once });
    cases.chain([again]).collect()
}

/// Four columns without nulls.
pub(crate) fn int64(rows: usize) -> RecordBatch {
    let values = |column: i64| Int64Array::from_iter_values((0..rows as i64).map(|row| row * 31 + column));
    let column = |column: i64| (format!("c{column}"), Arc::new(values(column)) as ArrayRef);
    RecordBatch::try_from_iter((0..4).map(column)).unwrap()
}

/// Numbers, some with nulls, and text.
pub(crate) fn columns_100(rows: usize) -> RecordBatch {
    let columns: [ArrayRef; 4] = [
        numbers(false).slice(0, rows),
        numbers(true).slice(0, rows),
        Arc::new(Float64Array::from_iter_values((0..rows).map(|n| n as f64))),
        Arc::new(StringArray::from_iter_values(text(|_| ASCII_SHORT).take(rows))),
    ];
    let column = |index: usize| (format!("c{index}"), columns[index % columns.len()].clone(), true);
    RecordBatch::try_from_iter_with_nullable((0..100).map(column)).unwrap()
}

fn one(column: ArrayRef) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([("column", column, true)]).unwrap()
}

/// Every seventh value is null, where there are nulls.
fn valid(row: usize) -> bool {
    row % 7 != 3
}

fn text(word: impl Fn(usize) -> &'static str) -> impl Iterator<Item = String> {
    (0..ROWS).map(move |row| format!("{}{}", word(row), row % 1000))
}

fn nullable(word: &'static str) -> impl Iterator<Item = Option<String>> {
    text(move |_| word).enumerate().map(|(row, text)| valid(row).then_some(text))
}

fn strings(word: impl Fn(usize) -> &'static str) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(text(word)))
}

fn views(word: &'static str) -> ArrayRef {
    Arc::new(StringViewArray::from_iter_values(text(|_| word)))
}

fn numbers(nulls: bool) -> ArrayRef {
    Arc::new(Int64Array::from_iter((0..ROWS).map(|row| (!nulls || valid(row)).then_some(row as i64 * 31))))
}

fn keys(nulls: bool) -> ArrayRef {
    let values = StringArray::from_iter_values(text(|_| ASCII_LONG).take(1000));
    let keys = (0..ROWS).map(|row| (!nulls || valid(row)).then_some((row * 31 % 1000) as i32));
    Arc::new(DictionaryArray::<Int32Type>::new(Int32Array::from_iter(keys), Arc::new(values)))
}

/// Up to three pairs of a number and a text in a list.
fn lists() -> ArrayRef {
    let fields =
        Fields::from(vec![Field::new("number", DataType::Int64, true), Field::new("text", DataType::Utf8, true)]);
    let pairs = StructArray::new(fields.clone(), vec![numbers(true), strings(|_| ASCII_SHORT)], None);
    let item = Arc::new(Field::new("item", DataType::Struct(fields), true));
    let offsets = lengths();
    let nulls = NullBuffer::from_iter((0..offsets.len() - 1).map(valid));
    Arc::new(ListArray::new(item, offsets, Arc::new(pairs), Some(nulls)))
}

/// Up to three entries in a map.
fn maps() -> ArrayRef {
    let fields =
        Fields::from(vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Int64, true)]);
    let entries = StructArray::new(fields.clone(), vec![strings(|_| ASCII_SHORT), numbers(true)], None);
    let field = Arc::new(Field::new("entries", DataType::Struct(fields), false));
    Arc::new(MapArray::new(field, lengths(), entries, None, false))
}

/// Lists of none to three values, nearly [`ROWS`] values in all.
fn lengths() -> OffsetBuffer<i32> {
    OffsetBuffer::from_lengths((0..ROWS * 2 / 3).map(|row| row % 4))
}
