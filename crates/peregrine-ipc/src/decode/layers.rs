//! Reads arrays with children: the common types through arrow's checked constructors, the others as `ArrayData`, which
//! arrow validates when it is built. What arrow would panic at is checked before.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, GenericListArray, MapArray, OffsetSizeTrait, StructArray, make_array};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_data::{ArrayData, ArrayDataBuilder};
use arrow_schema::{DataType, FieldRef, Fields, UnionMode};

use super::flat::refused;
use super::reader::Reader;
use crate::error::Error;
use crate::problem::Problem;
use crate::schema::{FieldPlan, Shape};
use crate::verify::{MAX_ROWS, Node};

impl Reader<'_> {
    /// An array of a type that has children.
    pub(super) fn nested(&mut self, plan: &FieldPlan, node: Node) -> Result<ArrayRef, Error> {
        match &plan.data_type {
            DataType::List(field) => self.list::<i32>(plan, node, field),
            DataType::LargeList(field) => self.list::<i64>(plan, node, field),
            DataType::Map(entries, ordered) => self.map(plan, node, entries, *ordered),
            DataType::Struct(fields) => self.structs(plan, node, fields),
            _ => self.other(plan, node).map(make_array),
        }
    }

    fn list<O: OffsetSizeTrait>(&mut self, plan: &FieldPlan, node: Node, field: &FieldRef) -> Result<ArrayRef, Error> {
        let (nulls, offsets, values) = self.list_parts::<O>(plan, node)?;
        if field.is_nullable() || !hides_nulls(field.data_type()) {
            let array = GenericListArray::try_new(field.clone(), offsets, values, nulls);
            return Ok(Arc::new(array.map_err(refused)?));
        }
        let builder = builder(plan, node).nulls(nulls).add_buffer(offsets.into_inner().into_inner());
        self.build(builder, &[values]).map(make_array)
    }

    fn map(&mut self, plan: &FieldPlan, node: Node, field: &FieldRef, ordered: bool) -> Result<ArrayRef, Error> {
        let (nulls, offsets, entries) = self.list_parts::<i32>(plan, node)?;
        let entries = entries.as_struct_opt().cloned().ok_or(Error::Missing { part: "entries of a map" })?;
        let array = MapArray::try_new(field.clone(), offsets, entries, nulls, ordered);
        Ok(Arc::new(array.map_err(refused)?))
    }

    fn list_parts<O: OffsetSizeTrait>(
        &mut self,
        plan: &FieldPlan,
        node: Node,
    ) -> Result<(Option<NullBuffer>, OffsetBuffer<O>, ArrayRef), Error> {
        let nulls = self.validity(node)?;
        let offsets = self.next_offsets::<O>(node.rows)?;
        let values = self.only_child(plan)?;
        let offsets = self.trust.offsets(offsets, values.len())?;
        Ok((nulls, offsets, values))
    }

    fn structs(&mut self, plan: &FieldPlan, node: Node, fields: &Fields) -> Result<ArrayRef, Error> {
        let nulls = self.validity(node)?;
        let mut children = self.children(plan)?;
        if fields.iter().any(|field| !field.is_nullable() && hides_nulls(field.data_type())) {
            return self.build(builder(plan, node).nulls(nulls), &children).map(make_array);
        }
        // Longer ones are valid, and arrow cuts them too where it makes a struct of `ArrayData`.
        for child in children.iter_mut().filter(|child| child.len() > node.rows) {
            *child = child.slice(0, node.rows);
        }
        let array = StructArray::try_new_with_length(fields.clone(), children, nulls, node.rows);
        Ok(Arc::new(array.map_err(refused)?))
    }

    fn other(&mut self, plan: &FieldPlan, node: Node) -> Result<ArrayData, Error> {
        let builder = builder(plan, node);
        let builder = match plan.shape {
            Shape::ListView { large: false } => self.list_view::<i32>(builder, node),
            Shape::ListView { large: true } => self.list_view::<i64>(builder, node),
            Shape::FixedList { size } => return self.fixed_list(plan, node, builder, size),
            Shape::Union { mode } => self.union(builder, node, mode),
            _ => self.old_validity(node).map(|()| builder),
        }?;
        let children = self.children(plan)?;
        self.build(builder, &children)
    }

    fn list_view<O: OffsetSizeTrait>(
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
        let child = self.only_child(plan)?;
        self.check_expansion(&plan.data_type, nulls.as_ref(), rows)?;
        self.build(builder.nulls(nulls), &[child])
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

    fn children(&mut self, plan: &FieldPlan) -> Result<Vec<ArrayRef>, Error> {
        plan.children.iter().map(|child| self.array(child)).collect()
    }

    fn only_child(&mut self, plan: &FieldPlan) -> Result<ArrayRef, Error> {
        self.array(plan.children.first().ok_or(Error::Missing { part: "child field" })?)
    }

    fn build(&self, builder: ArrayDataBuilder, children: &[ArrayRef]) -> Result<ArrayData, Error> {
        self.trust.build(builder.child_data(children.iter().map(|child| child.to_data()).collect()))
    }
}

fn builder(plan: &FieldPlan, node: Node) -> ArrayDataBuilder {
    ArrayData::builder(plan.data_type.clone()).len(node.rows)
}

/// Whether arrays of a type may have nulls that no bitmap of theirs shows. Where a field may not be null, arrow's
/// constructors look for those too, and its validation does not; to find them takes memory for rows that may have no
/// bytes.
fn hides_nulls(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Null | DataType::Union(_, _) | DataType::RunEndEncoded(_, _) | DataType::Dictionary(_, _)
    )
}
