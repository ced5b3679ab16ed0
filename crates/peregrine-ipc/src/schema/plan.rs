//! The plan of a stream: what a batch of its schema must consist of. Built once, from the schema message.

use std::collections::HashMap;

use arrow_ipc::{Field as WireField, Schema as WireSchema};
use arrow_schema::{DataType, Field, Schema, UnionMode};

use super::child_fields::child_fields;
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

/// What a field and all fields below it take of a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) nodes: usize,
    pub(crate) buffers: usize,
    /// View arrays: each adds as many buffers as the message says.
    pub(crate) views: usize,
    /// Unions and run ends: each had one more buffer before metadata version 5.
    pub(crate) old_validity: usize,
}

impl Counts {
    pub(crate) fn add(&mut self, other: Self) {
        self.nodes += other.nodes;
        self.buffers += other.buffers;
        self.views += other.views;
        self.old_validity += other.old_validity;
    }
}

/// One field of a message.
#[derive(Debug)]
pub(crate) struct FieldPlan {
    pub(crate) name: String,
    pub(crate) data_type: DataType,
    pub(crate) shape: Shape,
    pub(crate) children: Vec<FieldPlan>,
    pub(crate) counts: Counts,
}

/// One dictionary of a stream.
#[derive(Debug)]
pub(crate) struct DictionaryPlan {
    pub(crate) id: i64,
    pub(crate) values: FieldPlan,
    /// Whether a column that is read has it.
    pub(crate) used: bool,
    /// The slots of the dictionaries that its values have themselves.
    pub(crate) inner: Vec<usize>,
}

/// All fields and dictionaries of a stream.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) columns: Vec<FieldPlan>,
    pub(crate) counts: Counts,
    pub(crate) dictionaries: Vec<DictionaryPlan>,
    slots: HashMap<i64, usize>,
}

impl Plan {
    /// The plan for a schema and the flatbuffer that it was read from, which has the dictionaries' ids.
    pub(crate) fn new(schema: &Schema, wire: WireSchema<'_>) -> Result<Self, Error> {
        let mut plan =
            Self { columns: Vec::new(), counts: Counts::default(), dictionaries: Vec::new(), slots: HashMap::new() };
        let wire_fields = wire.fields().ok_or(Error::Missing { part: "fields" })?;
        for (field, wire) in schema.fields().iter().zip(wire_fields) {
            let column = plan.field(field, wire)?;
            plan.counts.add(column.counts);
            plan.columns.push(column);
        }
        Ok(plan)
    }

    /// The slot of a dictionary.
    pub(crate) fn slot(&self, id: i64) -> Option<usize> {
        self.slots.get(&id).copied()
    }

    /// Marks the dictionaries that a column has, and those inside of their values.
    pub(crate) fn mark_used(&mut self, column: usize) {
        let mut slots = Vec::new();
        collect_slots(&self.columns[column], &mut slots);
        while let Some(slot) = slots.pop() {
            let dictionary = &mut self.dictionaries[slot];
            if !dictionary.used {
                dictionary.used = true;
                collect_slots(&dictionary.values, &mut slots);
            }
        }
    }

    fn field(&mut self, field: &Field, wire: WireField<'_>) -> Result<FieldPlan, Error> {
        let plan = match field.data_type() {
            DataType::Dictionary(keys, values) => self.dictionary(field, keys, values, wire),
            data_type => self.plain(field.name(), data_type, wire),
        };
        plan.map_err(|error| error.within(field.name()))
    }

    fn dictionary(
        &mut self,
        field: &Field,
        keys: &DataType,
        values: &DataType,
        wire: WireField<'_>,
    ) -> Result<FieldPlan, Error> {
        let id = wire.dictionary().ok_or(Error::Missing { part: "dictionary id" })?.id();
        let values = self.plain(field.name(), values, wire)?;
        let mut inner = Vec::new();
        collect_slots(&values, &mut inner);
        let slot = match self.slot(id) {
            Some(slot) => {
                let known = &self.dictionaries[slot];
                if known.values.data_type != values.data_type || known.inner != inner {
                    return Err(Error::field(Problem::DictionaryType { id }));
                }
                slot
            }
            None => {
                self.dictionaries.push(DictionaryPlan { id, values, used: false, inner });
                self.slots.insert(id, self.dictionaries.len() - 1);
                self.dictionaries.len() - 1
            }
        };
        Ok(FieldPlan {
            name: field.name().clone(),
            data_type: field.data_type().clone(),
            shape: Shape::Dictionary { width: keys.primitive_width().unwrap_or_default(), slot },
            children: Vec::new(),
            counts: Counts { nodes: 1, buffers: 2, ..Counts::default() },
        })
    }

    fn plain(&mut self, name: &str, data_type: &DataType, wire: WireField<'_>) -> Result<FieldPlan, Error> {
        let shape = shape(data_type)?;
        let mut counts = own_counts(shape);
        let mut children = Vec::new();
        for (index, field) in child_fields(data_type).into_iter().enumerate() {
            let wire_children = wire.children().ok_or(Error::Missing { part: "child fields" })?;
            if index >= wire_children.len() {
                return Err(Error::Missing { part: "child field" });
            }
            let child = self.field(field, wire_children.get(index))?;
            counts.add(child.counts);
            children.push(child);
        }
        Ok(FieldPlan { name: name.to_owned(), data_type: data_type.clone(), shape, children, counts })
    }
}

fn collect_slots(plan: &FieldPlan, slots: &mut Vec<usize>) {
    if let Shape::Dictionary { slot, .. } = plan.shape {
        slots.push(slot);
    }
    plan.children.iter().for_each(|child| collect_slots(child, slots));
}

/// The nodes and buffers of a type itself, without its children.
fn own_counts(shape: Shape) -> Counts {
    let (buffers, views, old_validity) = match shape {
        Shape::Null => (0, 0, 0),
        Shape::Runs => (0, 0, 1),
        Shape::FixedList { .. } | Shape::Struct => (1, 0, 0),
        Shape::Boolean | Shape::Primitive { .. } | Shape::FixedBinary { .. } => (2, 0, 0),
        Shape::List { .. } | Shape::Dictionary { .. } => (2, 0, 0),
        Shape::View => (2, 1, 0),
        Shape::Bytes { .. } | Shape::ListView { .. } => (3, 0, 0),
        Shape::Union { mode: UnionMode::Sparse } => (1, 0, 1),
        Shape::Union { mode: UnionMode::Dense } => (2, 0, 1),
    };
    Counts { nodes: 1, buffers, views, old_validity }
}

fn shape(data_type: &DataType) -> Result<Shape, Error> {
    let size = |size: i32| usize::try_from(size).map_err(|_| broken("a negative size"));
    Ok(match data_type {
        DataType::Null => Shape::Null,
        DataType::Boolean => Shape::Boolean,
        DataType::FixedSizeBinary(width) => Shape::FixedBinary { width: size(*width)? },
        DataType::Utf8 | DataType::Binary => Shape::Bytes { large: false },
        DataType::LargeUtf8 | DataType::LargeBinary => Shape::Bytes { large: true },
        DataType::Utf8View | DataType::BinaryView => Shape::View,
        DataType::List(_) => Shape::List { large: false },
        DataType::LargeList(_) => Shape::List { large: true },
        DataType::ListView(_) => Shape::ListView { large: false },
        DataType::LargeListView(_) => Shape::ListView { large: true },
        DataType::FixedSizeList(_, length) => Shape::FixedList { size: size(*length)? },
        DataType::Struct(_) => Shape::Struct,
        DataType::Map(entries, _) => map(entries)?,
        DataType::Union(_, mode) => Shape::Union { mode: *mode },
        DataType::RunEndEncoded(ends, _) if ends.is_nullable() || !ends.data_type().is_run_ends_type() => {
            return Err(broken("run ends must be integers that are never null"));
        }
        DataType::RunEndEncoded(_, _) => Shape::Runs,
        DataType::Dictionary(_, _) => {
            return Err(Error::field(Problem::Unsupported { what: "a dictionary whose values are a dictionary" }));
        }
        primitive => {
            let width = primitive.primitive_width().ok_or_else(|| broken("an unknown type"))?;
            Shape::Primitive { width, align: alignment(primitive) }
        }
    })
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
