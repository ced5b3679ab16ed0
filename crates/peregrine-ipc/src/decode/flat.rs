//! Reads arrays without children, and dictionary keys, through arrow's checked constructors and those of [`Trust`].
//!
//! What those constructors would panic at is checked before: lengths and alignment by the body.
//!
//! [`Trust`]: super::trust::Trust

use std::sync::Arc;

use arrow_array::types::ByteViewType;
use arrow_array::{
    ArrayRef, BooleanArray, FixedSizeBinaryArray, GenericBinaryArray, OffsetSizeTrait, PrimitiveArray,
    downcast_integer, downcast_primitive,
};
use arrow_buffer::{BooleanBuffer, Buffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType};

use super::reader::Reader;
use crate::error::Error;
use crate::problem::Problem;
use crate::verify::Node;

impl Reader<'_> {
    pub(super) fn boolean(&mut self, node: Node) -> Result<ArrayRef, Error> {
        let nulls = self.validity(node)?;
        let bits = self.next_exact(node.rows.div_ceil(8), 1, "values")?;
        Ok(Arc::new(BooleanArray::new(BooleanBuffer::new(bits, 0, node.rows), nulls)))
    }

    pub(super) fn primitive(
        &mut self,
        data_type: &DataType,
        node: Node,
        width: usize,
        align: usize,
    ) -> Result<ArrayRef, Error> {
        let nulls = self.validity(node)?;
        let values = self.next_exact(node.rows * width, align, "values")?;
        macro_rules! array {
            ($primitive:ty) => {{
                let values = ScalarBuffer::new(values, 0, node.rows);
                let array = PrimitiveArray::<$primitive>::try_new(values, nulls).map_err(refused)?;
                Ok(Arc::new(array.with_data_type(data_type.clone())))
            }};
        }
        downcast_primitive! {
            data_type => (array),
            _ => Err(Error::field(Problem::Type { rule: "an unknown primitive type" }))
        }
    }

    pub(super) fn fixed_binary(&mut self, node: Node, width: usize) -> Result<ArrayRef, Error> {
        let nulls = self.validity(node)?;
        let values = self.next_exact(node.rows * width, 1, "values")?;
        let array = FixedSizeBinaryArray::try_new_with_len(width as i32, values, nulls, node.rows);
        Ok(Arc::new(array.map_err(refused)?))
    }

    pub(super) fn bytes<O: OffsetSizeTrait>(&mut self, data_type: &DataType, node: Node) -> Result<ArrayRef, Error> {
        let nulls = self.validity(node)?;
        let offsets = self.next_offsets::<O>(node.rows)?;
        let values = self.next_buffer()?;
        let offsets = self.trust.offsets(offsets, values.len())?;
        Ok(match data_type {
            DataType::Utf8 | DataType::LargeUtf8 => {
                Arc::new(self.trust.strings(offsets, values, nulls).map_err(refused)?)
            }
            _ => Arc::new(GenericBinaryArray::try_new(offsets, values, nulls).map_err(refused)?),
        })
    }

    pub(super) fn views<T: ByteViewType>(&mut self, node: Node) -> Result<ArrayRef, Error> {
        let nulls = self.validity(node)?;
        let views = self.next_exact(node.rows * size_of::<u128>(), align_of::<u128>(), "views")?;
        let views = ScalarBuffer::new(views, 0, node.rows);
        let buffers = self.next_views()?;
        let viewed = if self.trust.is_full() { 0 } else { self.count_viewed(&views)? };
        let most = viewed >= buffers.iter().map(Buffer::len).sum::<usize>() / 2;
        Ok(Arc::new(self.trust.views::<T>(views, buffers, nulls, most).map_err(refused)?))
    }

    pub(super) fn dictionary(
        &mut self,
        data_type: &DataType,
        node: Node,
        width: usize,
        values: &ArrayRef,
    ) -> Result<ArrayRef, Error> {
        let nulls = self.validity(node)?;
        let keys = self.next_exact(node.rows * width, width, "keys")?;
        let DataType::Dictionary(key_type, _) = data_type else {
            return Err(Error::field(Problem::Type { rule: "a dictionary's type" }));
        };
        macro_rules! array {
            ($key:ty) => {{
                let keys = PrimitiveArray::<$key>::try_new(ScalarBuffer::new(keys, 0, node.rows), nulls);
                let array = self.trust.dictionary(keys.map_err(refused)?, values.clone());
                Ok(Arc::new(array.map_err(refused)?))
            }};
        }
        downcast_integer! {
            key_type.as_ref() => (array),
            _ => Err(Error::field(Problem::Type { rule: "dictionary keys must be integers" }))
        }
    }
}

pub(super) fn refused(source: ArrowError) -> Error {
    Error::field(Problem::Values { source })
}
