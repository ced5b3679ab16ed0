//! Random types, fields and schemas.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Fields, IntervalUnit, Schema, TimeUnit, UnionFields, UnionMode};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, seq};

use super::kind::TypeKind;

/// The metadata that makes a field one of an extension type.
pub(super) const EXTENSION_NAME: &str = "ARROW:extension:name";

const UNITS: [TimeUnit; 4] = [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond];
const ZONES: [&str; 4] = ["UTC", "Europe/Paris", "+05:30", "-08:00"];
const NAMES: [&str; 8] = ["", "a", "a", "b", "item", "Größe", "with space", "🦅"];

pub(super) struct Schemas {
    random: StdRng,
    /// Without children and without dictionaries.
    flat: Vec<TypeKind>,
    dictionaries: Vec<TypeKind>,
    nested: Vec<TypeKind>,
    extensions: bool,
    standard_children: bool,
    /// Below a fixed-size list: there are more values than 16 bits may count.
    in_fixed: bool,
}

impl Schemas {
    pub(super) fn new(random: StdRng, kinds: &[TypeKind], standard_children: bool) -> Self {
        let select = |of: fn(TypeKind) -> bool| kinds.iter().copied().filter(|kind| of(*kind)).collect::<Vec<_>>();
        let flat = select(TypeKind::is_flat);
        assert!(!flat.is_empty(), "kinds that can stand alone");
        let dictionaries = select(TypeKind::is_dictionary);
        let nested = select(TypeKind::is_nested);
        // A dictionary of nested values needs keys, too.
        let nested = nested.into_iter().filter(|k| *k != TypeKind::DictionaryOfNested || !dictionaries.is_empty());
        let (nested, extensions) = (nested.collect(), kinds.contains(&TypeKind::Extension));
        Self { random, flat, dictionaries, nested, extensions, standard_children, in_fixed: false }
    }

    pub(super) fn schema(&mut self, columns: usize, depth: usize) -> Schema {
        let fields: Fields = (0..columns).map(|_| self.field(depth)).collect();
        Schema::new(fields).with_metadata(self.metadata())
    }

    /// A field of any name.
    fn field(&mut self, depth: usize) -> Field {
        let name = *NAMES.choose(&mut self.random).unwrap_or(&"");
        let data_type = self.data_type(depth);
        let nullable = self.random.random_ratio(2, 3) || !may_be_required(&data_type);
        self.decorated(Field::new(name, data_type, nullable))
    }

    /// A field whose name only some implementations keep.
    fn child(&mut self, standard_name: &str, depth: usize) -> FieldRef {
        if self.standard_children {
            let data_type = self.data_type(depth);
            return Arc::new(self.ordered(Field::new(standard_name, data_type, true)));
        }
        Arc::new(self.field(depth))
    }

    fn decorated(&mut self, field: Field) -> Field {
        let mut metadata = self.metadata();
        if self.extensions && self.random.random_ratio(1, 8) {
            metadata.insert(EXTENSION_NAME.to_owned(), "peregrine.random".to_owned());
            metadata.insert("ARROW:extension:metadata".to_owned(), "{}".to_owned());
        }
        self.ordered(field).with_metadata(metadata)
    }

    fn ordered(&mut self, field: Field) -> Field {
        let ordered = matches!(field.data_type(), DataType::Dictionary(_, _)) && self.random.random_ratio(1, 3);
        if ordered { field.with_dict_is_ordered(true) } else { field }
    }

    fn metadata(&mut self) -> HashMap<String, String> {
        let entries = if self.random.random_ratio(1, 4) { self.random.random_range(1..4) } else { 0 };
        (0..entries).map(|entry| (NAMES[entry + 2].to_owned(), "värde".repeat(entry))).collect()
    }

    fn data_type(&mut self, depth: usize) -> DataType {
        if depth > 0
            && self.random.random_ratio(2, 3)
            && let Some(&kind) = self.nested.choose(&mut self.random)
        {
            return self.nested(kind, depth - 1);
        }
        let keys = if self.random.random_ratio(1, 4) { self.keys() } else { None };
        let values = self.flat();
        match keys {
            Some(keys) => DataType::Dictionary(keys, Box::new(values)),
            None => values,
        }
    }

    fn nested(&mut self, kind: TypeKind, depth: usize) -> DataType {
        match kind {
            TypeKind::List => DataType::List(self.child("item", depth)),
            TypeKind::LargeList => DataType::LargeList(self.child("item", depth)),
            TypeKind::ListView => DataType::ListView(self.child("item", depth)),
            TypeKind::LargeListView => DataType::LargeListView(self.child("item", depth)),
            TypeKind::FixedSizeList => self.fixed_size_list(depth),
            TypeKind::Struct => {
                DataType::Struct((0..self.random.random_range(0..4)).map(|_| self.field(depth)).collect())
            }
            TypeKind::Map => self.map(depth),
            TypeKind::SparseUnion => DataType::Union(self.members(depth), UnionMode::Sparse),
            TypeKind::DenseUnion => DataType::Union(self.members(depth), UnionMode::Dense),
            TypeKind::DictionaryOfNested => self.dictionary_of_nested(depth),
            ends => self.runs(ends, depth),
        }
    }

    fn fixed_size_list(&mut self, depth: usize) -> DataType {
        let around = std::mem::replace(&mut self.in_fixed, true);
        let item = self.child("item", depth);
        self.in_fixed = around;
        DataType::FixedSizeList(item, self.random.random_range(0..4))
    }

    fn map(&mut self, depth: usize) -> DataType {
        let keys = loop {
            let keys = self.data_type(depth.min(1));
            if may_be_required(&keys) {
                break keys;
            }
            if self.flat == [TypeKind::Null] {
                return self.flat();
            }
        };
        let (entries, keys) = match self.standard_children {
            true => ("entries", self.ordered(Field::new("key", keys, false))),
            false => ("pairs", self.decorated(Field::new("k", keys, false))),
        };
        let pair: Fields = [Arc::new(keys), self.child("value", depth)].into_iter().collect();
        let entries = Field::new(entries, DataType::Struct(pair), false);
        DataType::Map(Arc::new(entries), self.random.random_ratio(1, 3))
    }

    fn members(&mut self, depth: usize) -> UnionFields {
        let count = self.random.random_range(1..5);
        let ids = seq::index::sample(&mut self.random, 128, count);
        let members: Vec<_> = ids.into_iter().map(|id| (id as i8, Arc::new(self.field(depth)))).collect();
        members.into_iter().collect()
    }

    fn runs(&mut self, kind: TypeKind, depth: usize) -> DataType {
        let ends = match kind {
            TypeKind::RunEndEncoded16 if !self.in_fixed => DataType::Int16,
            TypeKind::RunEndEncoded16 => return self.flat(),
            TypeKind::RunEndEncoded32 => DataType::Int32,
            _ => DataType::Int64,
        };
        let values = self.child("values", depth);
        let name = if self.standard_children { "run_ends" } else { "ends" };
        DataType::RunEndEncoded(Arc::new(Field::new(name, ends, false)), values)
    }

    /// A dictionary's values have no field, so they are no dictionary themselves.
    fn dictionary_of_nested(&mut self, depth: usize) -> DataType {
        let nested: Vec<_> = self.nested.iter().copied().filter(|k| *k != TypeKind::DictionaryOfNested).collect();
        match (nested.choose(&mut self.random), self.keys()) {
            (Some(&kind), Some(keys)) => DataType::Dictionary(keys, Box::new(self.nested(kind, depth))),
            _ => self.flat(),
        }
    }

    fn keys(&mut self) -> Option<Box<DataType>> {
        let keys = match self.dictionaries.choose(&mut self.random)? {
            TypeKind::DictionaryInt8 => DataType::Int8,
            TypeKind::DictionaryInt16 => DataType::Int16,
            TypeKind::DictionaryInt32 => DataType::Int32,
            TypeKind::DictionaryInt64 => DataType::Int64,
            TypeKind::DictionaryUInt8 => DataType::UInt8,
            TypeKind::DictionaryUInt16 => DataType::UInt16,
            TypeKind::DictionaryUInt32 => DataType::UInt32,
            _ => DataType::UInt64,
        };
        Some(Box::new(keys))
    }

    fn flat(&mut self) -> DataType {
        let kind = *self.flat.choose(&mut self.random).unwrap_or(&TypeKind::Null);
        match kind {
            TypeKind::Null => DataType::Null,
            TypeKind::Boolean => DataType::Boolean,
            TypeKind::Int8 => DataType::Int8,
            TypeKind::Int16 => DataType::Int16,
            TypeKind::Int32 => DataType::Int32,
            TypeKind::Int64 => DataType::Int64,
            TypeKind::UInt8 => DataType::UInt8,
            TypeKind::UInt16 => DataType::UInt16,
            TypeKind::UInt32 => DataType::UInt32,
            TypeKind::UInt64 => DataType::UInt64,
            TypeKind::Float16 => DataType::Float16,
            TypeKind::Float32 => DataType::Float32,
            TypeKind::Float64 => DataType::Float64,
            TypeKind::Utf8 => DataType::Utf8,
            TypeKind::LargeUtf8 => DataType::LargeUtf8,
            TypeKind::Utf8View => DataType::Utf8View,
            TypeKind::Binary => DataType::Binary,
            TypeKind::LargeBinary => DataType::LargeBinary,
            TypeKind::BinaryView => DataType::BinaryView,
            TypeKind::FixedSizeBinary => DataType::FixedSizeBinary(self.random.random_range(0..20)),
            TypeKind::Decimal32 => self.decimal(9, DataType::Decimal32),
            TypeKind::Decimal64 => self.decimal(18, DataType::Decimal64),
            TypeKind::Decimal128 => self.decimal(38, DataType::Decimal128),
            TypeKind::Decimal256 => self.decimal(76, DataType::Decimal256),
            temporal => self.temporal(temporal),
        }
    }

    fn temporal(&mut self, kind: TypeKind) -> DataType {
        let random = &mut self.random;
        let unit = UNITS[random.random_range(0..4)];
        let zone = ZONES[random.random_range(0..4)];
        match kind {
            TypeKind::Date32 => DataType::Date32,
            TypeKind::Date64 => DataType::Date64,
            TypeKind::Time32 => DataType::Time32(UNITS[random.random_range(0..2)]),
            TypeKind::Time64 => DataType::Time64(UNITS[random.random_range(2..4)]),
            TypeKind::Timestamp => DataType::Timestamp(unit, None),
            TypeKind::TimestampWithZone => DataType::Timestamp(unit, Some(zone.into())),
            TypeKind::Duration => DataType::Duration(unit),
            TypeKind::IntervalYearMonth => DataType::Interval(IntervalUnit::YearMonth),
            TypeKind::IntervalDayTime => DataType::Interval(IntervalUnit::DayTime),
            TypeKind::IntervalMonthDayNano => DataType::Interval(IntervalUnit::MonthDayNano),
            other => panic!("{other} is no flat type"),
        }
    }

    fn decimal(&mut self, most: u8, of: fn(u8, i8) -> DataType) -> DataType {
        let precision = self.random.random_range(1..=most);
        of(precision, self.random.random_range(-3..=precision as i8))
    }
}

/// Whether arrays of a type can be without nulls.
fn may_be_required(data_type: &DataType) -> bool {
    match data_type {
        DataType::Null => false,
        DataType::Dictionary(_, values) => may_be_required(values),
        DataType::RunEndEncoded(_, values) => may_be_required(values.data_type()),
        DataType::Union(fields, _) => fields.iter().all(|(_, field)| may_be_required(field.data_type())),
        _ => true,
    }
}
