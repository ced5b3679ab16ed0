//! Random values of types without children: noise, within what a type allows.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{BinaryViewBuilder, StringViewBuilder};
use arrow_buffer::{Buffer, NullBuffer, i256};
use arrow_schema::{DataType, TimeUnit};
use rand::Rng;
use rand::rngs::StdRng;

const MS_PER_DAY: i64 = 86_400_000;

/// Text, some of it longer than what a view has inside, and not ASCII.
pub(super) fn word(random: &mut StdRng) -> String {
    let length = if random.random_bool(0.3) { random.random_range(10..40) } else { random.random_range(0..8) };
    (0..length).map(|_| ['a', 'b', 'ö', '€', '🦅'][random.random_range(0..5)]).collect()
}

/// Views into data buffers of `block` bytes.
pub(super) fn views(
    random: &mut StdRng,
    data_type: &DataType,
    nulls: Option<&NullBuffer>,
    rows: usize,
    block: u32,
) -> ArrayRef {
    let mut words = (0..rows).map(|row| nulls.is_none_or(|nulls| nulls.is_valid(row)).then(|| word(random)));
    if *data_type == DataType::Utf8View {
        let mut builder = StringViewBuilder::new().with_fixed_block_size(block);
        words.for_each(|word| builder.append_option(word));
        return Arc::new(builder.finish());
    }
    let mut builder = BinaryViewBuilder::new().with_fixed_block_size(block);
    words.by_ref().for_each(|word| builder.append_option(word));
    Arc::new(builder.finish())
}

/// Values of a fixed width, at least as many bytes as they need.
pub(super) fn fixed_width(random: &mut StdRng, data_type: &DataType, rows: usize) -> Buffer {
    match *data_type {
        DataType::FixedSizeBinary(width) => noise(random, rows * width as usize),
        DataType::Time32(unit) => collect(rows, || random.random_range(0..per_day(unit) as i32)),
        DataType::Time64(unit) => collect(rows, || random.random_range(0..per_day(unit))),
        DataType::Date64 => collect(rows, || i64::from(random.random::<i32>()) * MS_PER_DAY),
        DataType::Decimal32(precision, _) => collect(rows, || decimal(random, precision) as i32),
        DataType::Decimal64(precision, _) => collect(rows, || decimal(random, precision) as i64),
        DataType::Decimal128(precision, _) => collect(rows, || decimal(random, precision)),
        DataType::Decimal256(precision, _) => collect(rows, || wide_decimal(random, precision)),
        _ => noise(random, rows * data_type.primitive_width().expect("a type of fixed width")),
    }
}

fn noise(random: &mut StdRng, length: usize) -> Buffer {
    let mut bytes = vec![0; length];
    random.fill(&mut bytes[..]);
    Buffer::from_vec(bytes)
}

fn collect<T: arrow_buffer::ArrowNativeType>(rows: usize, mut value: impl FnMut() -> T) -> Buffer {
    Buffer::from_vec((0..rows).map(|_| value()).collect::<Vec<T>>())
}

fn per_day(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => MS_PER_DAY / 1000,
        TimeUnit::Millisecond => MS_PER_DAY,
        TimeUnit::Microsecond => MS_PER_DAY * 1000,
        TimeUnit::Nanosecond => MS_PER_DAY * 1_000_000,
    }
}

/// A number of at most so many digits.
fn decimal(random: &mut StdRng, digits: u8) -> i128 {
    let end = 10_i128.pow(digits.into());
    random.random_range(1 - end..end)
}

fn wide_decimal(random: &mut StdRng, digits: u8) -> i256 {
    let (low, high) = (digits.min(38), digits.saturating_sub(38));
    let negative = random.random_bool(0.5);
    let value = i256::from_i128(decimal(random, high).abs())
        .wrapping_mul(i256::from_i128(10_i128.pow(38)))
        .wrapping_add(i256::from_i128(decimal(random, low).abs()));
    if negative { value.wrapping_neg() } else { value }
}
