//! Writes the sample files of `examples/data` into the folder that it is given: `cargo xtask sample-data`.
//!
//! The files are the same on every run. Together they hold what a first look at a server should meet: dictionaries,
//! timestamps with and without a zone, decimals, nulls, several batches and row groups, a batch without rows, and
//! many columns.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow_array::builder::{BooleanBuilder, FixedSizeBinaryBuilder, StringDictionaryBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, BinaryArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array, Int16Array,
    Int32Array, Int64Array, LargeStringArray, RecordBatch, StringArray, StringViewArray, Time64MicrosecondArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray, UInt16Array, UInt64Array,
};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

/// 2026-01-01 in UTC, in seconds.
const NEW_YEAR: i64 = 1_767_225_600;

const VENDORS: [&str; 5] = ["Falcon Cabs", "Kestrel", "Merlin & Sons", "Übermut", "Hobby Taxi"];

fn main() -> Result<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).context("usage: sample_data FOLDER")?);
    write(&folder)
}

fn write(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder.join("deep/er"))?;
    write_parquet(&folder.join("trips.parquet"), &trips(12_000)?, 4_096)?;
    write_parquet(&folder.join("deep/er/wide.parquet"), &wide(120, 500)?, 200)?;
    write_ipc(&folder.join("sensors.arrow"), &sensors()?)
}

/// Taxi rides: what a table of facts looks like.
fn trips(rows: usize) -> Result<RecordBatch> {
    let mut random = Random(1);
    let mut vendors = StringDictionaryBuilder::<Int32Type>::new();
    let mut shared = BooleanBuilder::new();
    let (mut pickups, mut dropoffs, mut distances) = (Vec::new(), Vec::new(), Vec::new());
    let (mut fares, mut passengers, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    let mut pickup = NEW_YEAR * 1_000_000;
    for row in 0..rows {
        pickup += random.below(90_000_000);
        let metres = 300 + random.below(25_000);
        match random.below(20) {
            0 => vendors.append_null(),
            _ => vendors.append_value(VENDORS[random.below(VENDORS.len() as i64) as usize]),
        }
        pickups.push(pickup);
        dropoffs.push((random.below(50) > 0).then_some(pickup + metres * 120_000));
        distances.push(metres as f64 / 1000.0);
        fares.push((random.below(30) > 0).then_some(i128::from(290 + metres / 5)));
        passengers.push((random.below(10) > 0).then_some(1 + random.below(5) as i8));
        notes.push((row % 97 == 0).then(|| format!("ride {row}: lost property")));
        shared.append_value(random.below(6) == 0);
    }
    let zone = "Europe/Berlin";
    Ok(RecordBatch::try_from_iter_with_nullable([
        ("trip_id", Arc::new(Int64Array::from_iter_values(0..rows as i64)) as ArrayRef, false),
        ("vendor", Arc::new(vendors.finish()), true),
        ("pickup", Arc::new(TimestampMicrosecondArray::from(pickups).with_timezone(zone)), false),
        ("dropoff", Arc::new(TimestampMicrosecondArray::from(dropoffs).with_timezone(zone)), true),
        ("distance_km", Arc::new(Float64Array::from(distances)), false),
        ("fare", Arc::new(Decimal128Array::from(fares).with_precision_and_scale(9, 2)?), true),
        ("passengers", Arc::new(Int8Array::from(passengers)), true),
        ("shared", Arc::new(shared.finish()), false),
        ("note", Arc::new(StringArray::from(notes)), true),
    ])?)
}

/// Readings in four batches, the third without rows, all with one dictionary, as an IPC file demands.
fn sensors() -> Result<Vec<RecordBatch>> {
    let mut random = Random(2);
    let names: ArrayRef = Arc::new(StringArray::from(vec!["roof", "cellar", "garden", "attic"]));
    let mut batches = Vec::new();
    let mut time = NEW_YEAR * 1_000_000_000;
    for rows in [1_000_usize, 1_500, 0, 700] {
        let keys: Vec<i32> = (0..rows).map(|_| random.below(4) as i32).collect();
        let times = Vec::from_iter((0..rows).map(|_| {
            time += 1 + random.below(2_000_000_000);
            time
        }));
        let values =
            Vec::from_iter((0..rows).map(|_| (random.below(25) > 0).then(|| random.below(4_000) as f32 / 100.0)));
        let raw: Vec<Option<Vec<u8>>> =
            (0..rows).map(|row| (row % 7 > 0).then(|| row.to_le_bytes()[..row % 5].to_vec())).collect();
        let states = ["ok", "warming up, please come back in a while", "low battery"];
        let states = (0..rows).map(|_| random.below(9)).map(|n| states.get(n as usize).copied());
        let sensor = arrow_array::DictionaryArray::<Int32Type>::try_new(Int32Array::from(keys), Arc::clone(&names))?;
        batches.push(RecordBatch::try_from_iter_with_nullable([
            ("time", Arc::new(TimestampNanosecondArray::from(times).with_timezone("UTC")) as ArrayRef, false),
            ("sensor", Arc::new(sensor), false),
            ("celsius", Arc::new(Float32Array::from(values)), true),
            ("state", Arc::new(StringViewArray::from_iter(states)), true),
            ("raw", Arc::new(BinaryArray::from_iter(raw)), true),
        ])?);
    }
    let schema = batches[0].schema().as_ref().clone();
    let schema = Arc::new(schema.with_metadata(HashMap::from([("site".into(), "field station 7".into())])));
    batches.into_iter().map(|batch| Ok(batch.with_schema(Arc::clone(&schema))?)).collect()
}

/// Many columns of many types.
fn wide(columns: usize, rows: usize) -> Result<RecordBatch> {
    let mut random = Random(3);
    let mut fields = Vec::new();
    let mut arrays = Vec::new();
    for column in 0..columns {
        let array = column_of(column % 13, rows, &mut random)?;
        fields.push(Field::new(format!("c{column:03}"), array.data_type().clone(), true));
        arrays.push(array);
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}

/// A column of one of 13 types; each seventh value or so is null.
fn column_of(kind: usize, rows: usize, random: &mut Random) -> Result<ArrayRef> {
    let numbers = Vec::from_iter((0..rows).map(|_| (random.below(7) > 0).then(|| random.below(30_000))));
    let texts = || numbers.iter().map(|number| number.map(|number| format!("value {number}")));
    Ok(match kind {
        0 => Arc::new(Int16Array::from_iter(numbers.iter().map(|n| n.map(|n| n as i16)))),
        1 => Arc::new(Int32Array::from_iter(numbers.iter().map(|n| n.map(|n| n as i32 - 15_000)))),
        2 => Arc::new(Int64Array::from_iter(numbers.iter().map(|n| n.map(|n| n << 32)))),
        3 => Arc::new(UInt16Array::from_iter(numbers.iter().map(|n| n.map(|n| n as u16)))),
        4 => Arc::new(UInt64Array::from_iter(numbers.iter().map(|n| n.map(|n| u64::MAX - n as u64)))),
        5 => Arc::new(Float32Array::from_iter(numbers.iter().map(|n| n.map(|n| n as f32 / 7.0)))),
        6 => Arc::new(Date32Array::from_iter(numbers.iter().map(|n| n.map(|n| n as i32)))),
        7 => Arc::new(Time64MicrosecondArray::from_iter(numbers.iter().map(|n| n.map(|n| n * 1_000_000)))),
        8 => Arc::new(TimestampMillisecondArray::from_iter(numbers.iter().map(|n| n.map(|n| n * 60_000)))),
        9 => Arc::new(StringArray::from_iter(texts())),
        10 => Arc::new(LargeStringArray::from_iter(texts())),
        11 => {
            let decimals = Decimal128Array::from_iter(numbers.iter().map(|n| n.map(|n| i128::from(n).pow(4))));
            Arc::new(decimals.with_precision_and_scale(30, 4)?)
        }
        _ => {
            let mut bytes = FixedSizeBinaryBuilder::with_capacity(rows, 8);
            for number in numbers {
                match number {
                    Some(number) => bytes.append_value(number.to_be_bytes())?,
                    None => bytes.append_null(),
                }
            }
            Arc::new(bytes.finish())
        }
    })
}

fn write_parquet(path: &Path, batch: &RecordBatch, rows_in_group: usize) -> Result<()> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(rows_in_group))
        .build();
    let mut writer = ArrowWriter::try_new(File::create(path)?, batch.schema(), Some(properties))?;
    writer.write(batch)?;
    writer.close()?;
    report(path)
}

fn write_ipc(path: &Path, batches: &[RecordBatch]) -> Result<()> {
    let mut writer = FileWriter::try_new(File::create(path)?, &batches[0].schema())?;
    for batch in batches {
        writer.write(batch)?;
    }
    writer.finish()?;
    report(path)
}

fn report(path: &Path) -> Result<()> {
    println!("{}: {} KiB", path.display(), path.metadata()?.len().div_ceil(1024));
    Ok(())
}

/// SplitMix64: small, and the same numbers for ever.
struct Random(u64);

impl Random {
    /// A number from 0 to `end` - 1.
    fn below(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_that_are_checked_in_are_those_that_are_made() {
        let made = tempfile::tempdir().unwrap();
        write(made.path()).unwrap();
        let checked_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data");
        for name in ["trips.parquet", "deep/er/wide.parquet", "sensors.arrow"] {
            let same = std::fs::read(made.path().join(name)).unwrap() == std::fs::read(checked_in.join(name)).unwrap();
            assert!(same, "examples/data/{name} is not what this program makes: run `cargo xtask sample-data`");
        }
    }
}
