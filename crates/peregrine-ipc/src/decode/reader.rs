//! Reads one message's columns: walks the plan and the parts of the message side by side.

use std::sync::Arc;

use arrow_array::types::{BinaryViewType, StringViewType};
use arrow_array::{ArrayRef, NullArray, OffsetSizeTrait};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow_data::MAX_INLINE_VIEW_LEN;
use arrow_schema::DataType;

use super::body::Body;
use super::dictionaries::Dictionaries;
use super::trust::Trust;
use crate::error::Error;
use crate::problem::Problem;
use crate::schema::{FieldPlan, Shape};
use crate::verify::{Node, Parts};

/// Reads arrays off the parts of one message, one after another.
pub(super) struct Reader<'a> {
    parts: Parts<'a>,
    body: Body<'a>,
    dictionaries: &'a Dictionaries,
    pub(super) trust: Trust,
    node: usize,
    buffer: usize,
    view: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(parts: Parts<'a>, body: Body<'a>, dictionaries: &'a Dictionaries, trust: Trust) -> Self {
        Self { parts, body, dictionaries, trust, node: 0, buffer: 0, view: 0 }
    }

    /// The memory that the arrays read hold on to.
    pub(super) fn held(&self) -> usize {
        self.body.held()
    }

    /// Reads a column of the message, which has as many rows as the message.
    pub(super) fn column(&mut self, plan: &FieldPlan, rows: usize) -> Result<ArrayRef, Error> {
        let column = self.array(plan)?;
        if column.len() == rows {
            Ok(column)
        } else {
            let problem = Problem::Rows { stated: column.len() as i64, expected: rows };
            Err(Error::field(problem).within(&plan.name))
        }
    }

    /// Goes past a field and all below it.
    pub(super) fn skip(&mut self, plan: &FieldPlan) {
        let counts = plan.counts;
        self.node += counts.nodes;
        self.buffer += counts.buffers + if self.parts.old_validity { counts.old_validity } else { 0 };
        for view in self.view..self.view + counts.views {
            self.buffer += self.parts.views(view).unwrap_or_default();
        }
        self.view += counts.views;
    }

    /// The next array.
    pub(super) fn array(&mut self, plan: &FieldPlan) -> Result<ArrayRef, Error> {
        let node = self.next_node(plan)?;
        let array = match plan.shape {
            Shape::Null => Ok(Arc::new(NullArray::new(node.rows)) as ArrayRef),
            Shape::Boolean => self.boolean(node),
            Shape::Primitive { width, align } => self.primitive(&plan.data_type, node, width, align),
            Shape::FixedBinary { width } => self.fixed_binary(node, width),
            Shape::Bytes { large: false } => self.bytes::<i32>(&plan.data_type, node),
            Shape::Bytes { large: true } => self.bytes::<i64>(&plan.data_type, node),
            Shape::View if plan.data_type == DataType::Utf8View => self.views::<StringViewType>(node),
            Shape::View => self.views::<BinaryViewType>(node),
            Shape::Dictionary { width, slot } => match self.dictionaries.values(slot) {
                Ok(values) => self.dictionary(&plan.data_type, node, width, values),
                Err(error) => Err(error),
            },
            _ => self.nested(plan, node),
        };
        array.map_err(|error| error.within(&plan.name))
    }

    fn next_node(&mut self, plan: &FieldPlan) -> Result<Node, Error> {
        let node = self.parts.node(self.node).ok_or(Error::Missing { part: "field node" })?;
        self.node += 1;
        Node::checked(node.length(), node.null_count()).map_err(|error| error.within(&plan.name))
    }

    fn next_range(&mut self) -> Result<(usize, usize), Error> {
        let range = self.parts.buffer(self.buffer).ok_or(Error::Missing { part: "buffer" })?;
        self.buffer += 1;
        Ok(range)
    }

    /// The next buffer, whatever its length.
    pub(super) fn next_buffer(&mut self) -> Result<Buffer, Error> {
        let range = self.next_range()?;
        self.body.buffer(range)
    }

    /// The next buffer, cut to the bytes that are needed.
    pub(super) fn next_exact(&mut self, needed: usize, align: usize, name: &'static str) -> Result<Buffer, Error> {
        let range = self.next_range()?;
        self.body.exact(range, needed, align, name)
    }

    /// The next buffer as offsets of so many rows: one more than those.
    pub(super) fn next_offsets<O: OffsetSizeTrait>(&mut self, rows: usize) -> Result<ScalarBuffer<O>, Error> {
        let range = self.next_range()?;
        if rows == 0 {
            // No offsets at all are as good as one where there are no rows, and may even be compressed.
            return Ok(vec![O::default()].into());
        }
        let offsets = self.body.exact(range, (rows + 1) * size_of::<O>(), align_of::<O>(), "offsets")?;
        Ok(ScalarBuffer::new(offsets, 0, rows + 1))
    }

    /// The data buffers of a view array.
    pub(super) fn next_views(&mut self) -> Result<Vec<Buffer>, Error> {
        let count = self.parts.views(self.view).ok_or(Error::Missing { part: "variadic buffer count" })?;
        self.view += 1;
        (0..count).map(|_| self.next_buffer()).collect()
    }

    /// Counts the bytes that views point to, and refuses too many.
    pub(super) fn count_viewed(&mut self, views: &[u128]) -> Result<usize, Error> {
        let lengths = views.iter().map(|&view| u64::from(view as u32));
        let outside = lengths.filter(|&length| length > u64::from(MAX_INLINE_VIEW_LEN)).sum::<u64>();
        let outside = usize::try_from(outside).unwrap_or(usize::MAX);
        self.body.count_viewed(outside)?;
        Ok(outside)
    }

    /// The validity bitmap. It is not looked at where no nulls are stated, and must have as many as are stated.
    pub(super) fn validity(&mut self, node: Node) -> Result<Option<NullBuffer>, Error> {
        if node.nulls == 0 {
            self.buffer += 1;
            return Ok(None);
        }
        let bits = self.next_exact(node.rows.div_ceil(8), 1, "validity")?;
        let nulls = NullBuffer::new(BooleanBuffer::new(bits, 0, node.rows));
        if nulls.null_count() == node.nulls {
            Ok(Some(nulls))
        } else {
            Err(Error::field(Problem::Nulls { stated: node.nulls as i64, actual: nulls.null_count() }))
        }
    }

    /// Before version 5 unions and run ends had a validity bitmap, which only matters if it has nulls.
    pub(super) fn old_validity(&mut self, node: Node) -> Result<(), Error> {
        if self.parts.old_validity {
            self.buffer += 1;
            node.no_nulls_of_its_own()?;
        }
        Ok(())
    }
}
