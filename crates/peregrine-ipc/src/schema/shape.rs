//! How the types of arrow lie in the bodies of messages.

use arrow_schema::{DataType, Field, UnionMode};

use crate::error::Error;
use crate::problem::Problem;

/// How a type lies in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Null,
    Boolean,
    /// Values of one width: numbers, times, decimals.
    Primitive {
        width: usize,
        align: usize,
    },
    FixedBinary {
        width: usize,
    },
    /// Offsets and bytes.
    Bytes {
        large: bool,
    },
    /// Views, and as many data buffers as the message says.
    View,
    List {
        large: bool,
    },
    ListView {
        large: bool,
    },
    FixedList {
        size: usize,
    },
    Struct,
    Union {
        mode: UnionMode,
    },
    Runs,
    /// Keys of this width; the values are dictionary `slot` of the plan.
    Dictionary {
        width: usize,
        slot: usize,
    },
}

impl Shape {
    /// The shape of a type that is no dictionary: which one that is, the plan of its stream knows.
    pub(crate) fn of(data_type: &DataType) -> Result<Self, Error> {
        let size = |size: i32| usize::try_from(size).map_err(|_| broken("a negative size"));
        Ok(match data_type {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Boolean,
            DataType::FixedSizeBinary(width) => Self::FixedBinary { width: size(*width)? },
            DataType::Utf8 | DataType::Binary => Self::Bytes { large: false },
            DataType::LargeUtf8 | DataType::LargeBinary => Self::Bytes { large: true },
            DataType::Utf8View | DataType::BinaryView => Self::View,
            DataType::List(_) => Self::List { large: false },
            DataType::LargeList(_) => Self::List { large: true },
            DataType::ListView(_) => Self::ListView { large: false },
            DataType::LargeListView(_) => Self::ListView { large: true },
            DataType::FixedSizeList(_, length) => Self::FixedList { size: size(*length)? },
            DataType::Struct(_) => Self::Struct,
            DataType::Map(entries, _) => map(entries)?,
            DataType::Union(_, mode) => Self::Union { mode: *mode },
            DataType::RunEndEncoded(ends, _) if ends.is_nullable() || !ends.data_type().is_run_ends_type() => {
                return Err(broken("run ends must be integers that are never null"));
            }
            DataType::RunEndEncoded(_, _) => Self::Runs,
            DataType::Dictionary(_, _) => {
                return Err(Error::field(Problem::Unsupported { what: "a dictionary whose values are a dictionary" }));
            }
            primitive => {
                let width = primitive.primitive_width().ok_or_else(|| broken("an unknown type"))?;
                Self::Primitive { width, align: alignment(primitive) }
            }
        })
    }
}

/// Maps are lists of pairs; arrow wants neither the pairs nor their keys to be nullable.
fn map(entries: &Field) -> Result<Shape, Error> {
    match entries.data_type() {
        DataType::Struct(fields) if fields.len() == 2 && !fields[0].is_nullable() && !entries.is_nullable() => {
            Ok(Shape::List { large: false })
        }
        _ => Err(broken("a map's entries must be pairs that are never null, nor are their keys")),
    }
}

fn broken(rule: &'static str) -> Error {
    Error::field(Problem::Type { rule })
}

/// The alignment that arrow's slices of a primitive type need.
fn alignment(data_type: &DataType) -> usize {
    match arrow_data::layout(data_type).buffers.first() {
        Some(arrow_data::BufferSpec::FixedWidth { alignment, .. }) => *alignment,
        _ => 1,
    }
}
