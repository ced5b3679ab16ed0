//! What arrow-ipc takes on trust in a schema's flatbuffer, checked before it is asked to convert it.
//!
//! The verifier has made sure that offsets stay inside and strings are UTF-8. Here follows what panics in the
//! conversion (a union of more than 128 members without type ids), what it lets pass and other parts of arrow do not
//! expect (negative widths, a map whose entries are no struct, run ends that are no integers), and what it would read
//! wrongly (type ids over 127, big-endian data).

use arrow_ipc::{DictionaryKind, Endianness, Field, Schema, Type};

use super::refusal::{exhausted, malformed, too_deep};
use crate::error::FlightError;

/// Fails for a schema that is not to be converted, or has more levels or fields than the limits.
pub(super) fn check_schema(schema: Schema<'_>, depth: usize, fields: usize) -> Result<(), FlightError> {
    match schema.endianness() {
        Endianness::Little => {}
        Endianness::Big => return Err(FlightError::unimplemented("big-endian data is not read, only little-endian")),
        other => return Err(malformed(format!("an unknown endianness, {}", other.0))),
    }
    let mut left = fields;
    for field in schema.fields().into_iter().flatten() {
        check_field(field, depth, &mut left).map_err(|problem| match problem {
            Problem::TooDeep => too_deep(depth),
            Problem::TooMany => exhausted(format!("it has more fields than the limit of {fields}")),
            Problem::Invalid(what) => malformed(format!("the field {:?} has {what}", field.name().unwrap_or_default())),
        })?;
    }
    Ok(())
}

enum Problem {
    TooDeep,
    TooMany,
    Invalid(&'static str),
}

fn check_field(field: Field<'_>, depth: usize, left: &mut usize) -> Result<(), Problem> {
    *left = left.checked_sub(1).ok_or(Problem::TooMany)?;
    let depth = depth.checked_sub(1).ok_or(Problem::TooDeep)?;
    if let Some(invalid) = check_type(field) {
        return Err(Problem::Invalid(invalid));
    }
    if !nests(field.type_type()) {
        // Arrow reads no children here, and counts none.
        return Ok(());
    }
    // The values of a dictionary are an array below that of its keys.
    let values = usize::from(field.dictionary().is_some());
    let depth = depth.checked_sub(values).ok_or(Problem::TooDeep)?;
    field.children().into_iter().flatten().try_for_each(|child| check_field(child, depth, left))
}

fn nests(type_type: Type) -> bool {
    matches!(
        type_type,
        Type::List
            | Type::LargeList
            | Type::ListView
            | Type::LargeListView
            | Type::FixedSizeList
            | Type::Struct_
            | Type::Map
            | Type::Union
            | Type::RunEndEncoded
    )
}

/// What is wrong with a field's own type, if anything is that the conversion does not find.
fn check_type(field: Field<'_>) -> Option<&'static str> {
    if field.dictionary().is_some_and(|dictionary| dictionary.dictionaryKind() != DictionaryKind::DenseArray) {
        return Some("a dictionary of an unknown kind");
    }
    match field.type_type() {
        Type::FixedSizeBinary => {
            let width = field.type_as_fixed_size_binary()?.byteWidth();
            (width < 0).then_some("a negative width")
        }
        Type::FixedSizeList => {
            let size = field.type_as_fixed_size_list()?.listSize();
            (size < 0).then_some("lists of a negative size")
        }
        Type::Decimal => {
            let decimal = field.type_as_decimal()?;
            let max = match decimal.bitWidth() {
                32 => 9,
                64 => 18,
                128 => 38,
                256 => 76,
                _ => return None,
            };
            let precision = decimal.precision();
            (!(1..=max).contains(&precision)).then_some("a precision that its decimal width does not have")
        }
        Type::Map => {
            let entries = field.children()?.iter().next()?;
            let entry_fields = entries.children().map_or(0, |children| children.len());
            let is_pair = entries.type_type() == Type::Struct_ && entries.dictionary().is_none() && entry_fields == 2;
            (!is_pair).then_some("map entries that are not pairs")
        }
        Type::RunEndEncoded => {
            let run_ends = field.children()?.iter().next()?;
            let is_index = run_ends.dictionary().is_none()
                && run_ends.type_as_int().is_some_and(|int| int.is_signed() && matches!(int.bitWidth(), 16 | 32 | 64));
            (!is_index).then_some("run ends that are not signed integers of 16, 32 or 64 bits")
        }
        Type::Union => {
            let members = field.children().map_or(0, |children| children.len());
            match field.type_as_union()?.typeIds() {
                None => (members > 128).then_some("more than 128 members"),
                Some(ids) => {
                    ids.iter().any(|id| !(0..=127).contains(&id)).then_some("a type id that is not from 0 to 127")
                }
            }
        }
        _ => None,
    }
}
