//! Reads arrays with children. Arrow validates each layer when it is built; what it would panic at is checked before.

use arrow_buffer::NullBuffer;
use arrow_data::{ArrayData, ArrayDataBuilder};
use arrow_schema::{DataType, UnionMode};

use super::plan::{FieldPlan, Shape};
use super::read::{MAX_ROWS, Node, Reader};
use crate::error::{Error, Problem};

impl Reader<'_> {
    /// An array of a type that has children.
    pub(super) fn nested(&mut self, plan: &FieldPlan, node: Node) -> Result<ArrayData, Error> {
        let builder = ArrayData::builder(plan.data_type.clone()).len(node.rows);
        let builder = match plan.shape {
            Shape::List { large: false } => self.list::<i32>(builder, node),
            Shape::List { large: true } => self.list::<i64>(builder, node),
            Shape::ListView { large: false } => self.list_view::<i32>(builder, node),
            Shape::ListView { large: true } => self.list_view::<i64>(builder, node),
            Shape::FixedList { size } => return self.fixed_list(plan, node, builder, size),
            Shape::Union { mode } => self.union(builder, node, mode),
            Shape::Runs => self.old_validity(node).map(|()| builder),
            _ => self.validity(node).map(|nulls| builder.nulls(nulls)),
        }?;
        let children = plan.children.iter().map(|child| self.child(child)).collect::<Result<_, _>>()?;
        self.build(builder.child_data(children))
    }

    fn list<O: arrow_array::OffsetSizeTrait>(
        &mut self,
        builder: ArrayDataBuilder,
        node: Node,
    ) -> Result<ArrayDataBuilder, Error> {
        let nulls = self.validity(node)?;
        Ok(builder.nulls(nulls).add_buffer(self.next_offsets::<O>(node.rows)?))
    }

    fn list_view<O: arrow_array::OffsetSizeTrait>(
        &mut self,
        builder: ArrayDataBuilder,
        node: Node,
    ) -> Result<ArrayDataBuilder, Error> {
        let nulls = self.validity(node)?;
        let length = node.rows * size_of::<O>();
        let offsets = self.next_exact(length, align_of::<O>(), "offsets")?;
        let sizes = self.next_exact(length, align_of::<O>(), "sizes")?;
        Ok(builder.nulls(nulls).add_buffer(offsets).add_buffer(sizes))
    }

    fn union(&mut self, builder: ArrayDataBuilder, node: Node, mode: UnionMode) -> Result<ArrayDataBuilder, Error> {
        self.old_validity(node)?;
        let builder = builder.add_buffer(self.next_exact(node.rows, 1, "type ids")?);
        if mode == UnionMode::Sparse {
            return Ok(builder);
        }
        let length = node.rows * size_of::<i32>();
        Ok(builder.add_buffer(self.next_exact(length, align_of::<i32>(), "offsets")?))
    }

    fn fixed_list(
        &mut self,
        plan: &FieldPlan,
        node: Node,
        builder: ArrayDataBuilder,
        size: usize,
    ) -> Result<ArrayData, Error> {
        let nulls = self.validity(node)?;
        let rows = node.rows.checked_mul(size).filter(|&rows| rows <= MAX_ROWS);
        let rows = rows.ok_or_else(|| {
            Error::field(Problem::Rows { stated: node.rows as i64, expected: MAX_ROWS / size.max(1) })
        })?;
        let child = plan.children.first().ok_or(Error::Missing { part: "child field" })?;
        let child = self.child(child)?;
        self.check_expansion(&plan.data_type, nulls.as_ref(), rows)?;
        self.build(builder.nulls(nulls).add_child_data(child))
    }

    /// Arrow spreads the validity of lists over their values where those may not be null. Values without bytes, such
    /// as empty structs, would make that as large as a peer likes.
    fn check_expansion(&self, data_type: &DataType, nulls: Option<&NullBuffer>, rows: usize) -> Result<(), Error> {
        let spreads = matches!(data_type, DataType::FixedSizeList(field, _) if !field.is_nullable());
        let limit = (self.held().saturating_mul(8)).max(1 << 20);
        if spreads && nulls.is_some() && rows > limit {
            return Err(Error::Limit { what: "values of fixed-size lists without bytes", limit, actual: rows });
        }
        Ok(())
    }
}
