//! The plan of a stream: what a batch of its schema must consist of. Built once, from the schema message.

use std::collections::HashMap;

use arrow_ipc::{Field as WireField, Schema as WireSchema};
use arrow_schema::{DataType, Field, Schema};

use super::child_fields::child_fields;
use super::counts::Counts;
use super::shape::Shape;
use crate::error::Error;
use crate::problem::Problem;

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
        let shape = Shape::of(data_type)?;
        let mut counts = Counts::of(shape);
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
