//! `TypeKind`: the kinds of types, to name them and to choose among them.

use std::collections::BTreeSet;
use std::fmt;

use arrow_schema::{DataType, Field, IntervalUnit, Schema, UnionMode};

use super::schemas::EXTENSION_NAME;

macro_rules! kinds {
    ($($kind:ident)*) => {
        /// A kind of type: those that a peer has or lacks as one. Run ends and dictionaries are told apart by the
        /// integers that they count with.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum TypeKind {
            $(#[doc = concat!("`", stringify!($kind), "`")] $kind,)*
        }

        impl TypeKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// The variant's name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => stringify!($kind),)*
                }
            }
        }
    };
}

kinds! {
    Null Boolean
    Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64
    Float16 Float32 Float64
    Date32 Date64 Time32 Time64 Timestamp TimestampWithZone Duration
    IntervalYearMonth IntervalDayTime IntervalMonthDayNano
    Decimal32 Decimal64 Decimal128 Decimal256
    Utf8 LargeUtf8 Utf8View Binary LargeBinary BinaryView FixedSizeBinary
    List LargeList FixedSizeList ListView LargeListView
    Struct Map SparseUnion DenseUnion
    RunEndEncoded16 RunEndEncoded32 RunEndEncoded64
    DictionaryInt8 DictionaryInt16 DictionaryInt32 DictionaryInt64
    DictionaryUInt8 DictionaryUInt16 DictionaryUInt32 DictionaryUInt64
    DictionaryOfNested
    Extension
}

impl TypeKind {
    /// The kind of a type itself, whatever is inside of it.
    pub fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Dictionary(keys, _) => Self::of_keys(keys),
            DataType::RunEndEncoded(ends, _) => match ends.data_type() {
                DataType::Int16 => Self::RunEndEncoded16,
                DataType::Int32 => Self::RunEndEncoded32,
                _ => Self::RunEndEncoded64,
            },
            DataType::Union(_, UnionMode::Sparse) => Self::SparseUnion,
            DataType::Union(_, UnionMode::Dense) => Self::DenseUnion,
            DataType::Timestamp(_, None) => Self::Timestamp,
            DataType::Timestamp(_, Some(_)) => Self::TimestampWithZone,
            DataType::Interval(IntervalUnit::YearMonth) => Self::IntervalYearMonth,
            DataType::Interval(IntervalUnit::DayTime) => Self::IntervalDayTime,
            DataType::Interval(IntervalUnit::MonthDayNano) => Self::IntervalMonthDayNano,
            other => Self::of_name(other),
        }
    }

    /// The kinds of all types of a schema, at every depth. A dictionary whose values are nested, and a field of an
    /// extension type, count for two.
    pub fn of_schema(schema: &Schema) -> BTreeSet<Self> {
        let mut kinds = BTreeSet::new();
        schema.fields().iter().for_each(|field| add_field(field, &mut kinds));
        kinds
    }

    pub(super) fn is_nested(self) -> bool {
        (Self::List..=Self::RunEndEncoded64).contains(&self) || self == Self::DictionaryOfNested
    }

    pub(super) fn is_dictionary(self) -> bool {
        (Self::DictionaryInt8..=Self::DictionaryUInt64).contains(&self)
    }

    /// Whether it is a type without others inside.
    pub(super) fn is_flat(self) -> bool {
        !self.is_nested() && !self.is_dictionary() && self != Self::Extension
    }

    fn of_keys(keys: &DataType) -> Self {
        match keys {
            DataType::Int8 => Self::DictionaryInt8,
            DataType::Int16 => Self::DictionaryInt16,
            DataType::Int32 => Self::DictionaryInt32,
            DataType::Int64 => Self::DictionaryInt64,
            DataType::UInt8 => Self::DictionaryUInt8,
            DataType::UInt16 => Self::DictionaryUInt16,
            DataType::UInt32 => Self::DictionaryUInt32,
            _ => Self::DictionaryUInt64,
        }
    }

    /// The kind that has the name of the type.
    fn of_name(data_type: &DataType) -> Self {
        let name = format!("{data_type:?}");
        let name = name.split('(').next().unwrap_or_default();
        let named = Self::ALL.iter().find(|kind| kind.name() == name);
        *named.unwrap_or_else(|| panic!("{data_type} is of a kind that is not known"))
    }
}

impl fmt::Display for TypeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

fn add_field(field: &Field, kinds: &mut BTreeSet<TypeKind>) {
    if field.metadata().contains_key(EXTENSION_NAME) {
        kinds.insert(TypeKind::Extension);
    }
    add_type(field.data_type(), kinds);
}

fn add_type(data_type: &DataType, kinds: &mut BTreeSet<TypeKind>) {
    kinds.insert(TypeKind::of(data_type));
    match data_type {
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::RunEndEncoded(_, field) => add_field(field, kinds),
        // The entries of a map are a struct by necessity.
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => fields.iter().for_each(|field| add_field(field, kinds)),
            other => add_type(other, kinds),
        },
        DataType::Struct(fields) => fields.iter().for_each(|field| add_field(field, kinds)),
        DataType::Union(fields, _) => fields.iter().for_each(|(_, field)| add_field(field, kinds)),
        DataType::Dictionary(_, values) => {
            if TypeKind::of(values).is_nested() {
                kinds.insert(TypeKind::DictionaryOfNested);
            }
            add_type(values, kinds);
        }
        _ => {}
    }
}
