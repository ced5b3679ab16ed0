//! Reads arrays without children, and dictionary keys, through arrow's checked constructors.
//!
//! What those constructors would panic at is checked before: lengths and alignment by the body, offsets here.

use std::sync::Arc;

use arrow_array::types::{BinaryViewType, StringViewType};
use arrow_array::types::{ByteArrayType, ByteViewType, GenericBinaryType, GenericStringType};
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, FixedSizeBinaryArray, GenericByteArray, GenericByteViewArray,
    OffsetSizeTrait, PrimitiveArray, downcast_integer, downcast_primitive, make_array,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_data::ArrayData;
use arrow_schema::{ArrowError, DataType};

use super::read::{Node, Reader};
use crate::error::{Error, Problem};

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
        if self.trust.is_full() {
            return self.built(data_type, node, nulls, vec![offsets, values], None);
        }
        let offsets = ScalarBuffer::<O>::new(offsets, 0, node.rows + 1);
        if !rise_to(&offsets, values.len()) {
            return Err(Error::field(Problem::Offsets { length: values.len() }));
        }
        let offsets = OffsetBuffer::new(offsets);
        match data_type {
            DataType::Utf8 | DataType::LargeUtf8 => byte_array::<GenericStringType<O>>(offsets, values, nulls),
            _ => byte_array::<GenericBinaryType<O>>(offsets, values, nulls),
        }
    }

    pub(super) fn views(&mut self, data_type: &DataType, node: Node) -> Result<ArrayRef, Error> {
        let nulls = self.validity(node)?;
        let views = self.next_exact(node.rows * size_of::<u128>(), align_of::<u128>(), "views")?;
        let mut data = self.next_views()?;
        if self.trust.is_full() {
            data.insert(0, views);
            return self.built(data_type, node, nulls, data, None);
        }
        let views = ScalarBuffer::new(views, 0, node.rows);
        self.count_viewed(&views)?;
        match data_type {
            DataType::Utf8View => view_array::<StringViewType>(views, data, nulls),
            _ => view_array::<BinaryViewType>(views, data, nulls),
        }
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
        if self.trust.is_full() {
            return self.built(data_type, node, nulls, vec![keys], Some(values.to_data()));
        }
        macro_rules! array {
            ($key:ty) => {{
                let keys = PrimitiveArray::<$key>::try_new(ScalarBuffer::new(keys, 0, node.rows), nulls);
                let array = DictionaryArray::try_new(keys.map_err(refused)?, values.clone());
                Ok(Arc::new(array.map_err(refused)?))
            }};
        }
        downcast_integer! {
            key_type.as_ref() => (array),
            _ => Err(Error::field(Problem::Type { rule: "dictionary keys must be integers" }))
        }
    }

    /// An array from its parts, without a look at its values.
    fn built(
        &self,
        data_type: &DataType,
        node: Node,
        nulls: Option<NullBuffer>,
        buffers: Vec<Buffer>,
        child: Option<ArrayData>,
    ) -> Result<ArrayRef, Error> {
        let builder = ArrayData::builder(data_type.clone()).len(node.rows).nulls(nulls).buffers(buffers);
        self.build(builder.child_data(child.into_iter().collect())).map(make_array)
    }
}

fn byte_array<T: ByteArrayType>(
    offsets: OffsetBuffer<T::Offset>,
    values: Buffer,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, Error> {
    Ok(Arc::new(GenericByteArray::<T>::try_new(offsets, values, nulls).map_err(refused)?))
}

fn view_array<T: ByteViewType + ?Sized>(
    views: ScalarBuffer<u128>,
    data: Vec<Buffer>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, Error> {
    Ok(Arc::new(GenericByteViewArray::<T>::try_new(views, data, nulls).map_err(refused)?))
}

/// Whether offsets begin at zero or more, never fall, and end at `end` or before.
fn rise_to<O: OffsetSizeTrait>(offsets: &[O], end: usize) -> bool {
    // Without an early exit the compiler makes vector code of it.
    let rising = offsets.windows(2).fold(true, |rising, pair| rising & (pair[0] <= pair[1]));
    let ends = |first: &O, last: &O| *first >= O::default() && last.as_usize() <= end;
    rising && offsets.first().zip(offsets.last()).is_some_and(|(first, last)| ends(first, last))
}

fn refused(source: ArrowError) -> Error {
    Error::field(Problem::Values { source })
}
