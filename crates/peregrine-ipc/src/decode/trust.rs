//! Whether arrays are validated. The place of the crate's `unsafe`: arrays are made without a check by arrow
//! where the same was just checked faster, or where the caller promised that the peer sends valid ones.

use arrow_array::types::{ArrowDictionaryKeyType, ByteViewType};
use arrow_array::{
    ArrayRef, DictionaryArray, GenericByteViewArray, GenericStringArray, OffsetSizeTrait, PrimitiveArray,
};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_data::{ArrayData, ArrayDataBuilder};
use arrow_schema::ArrowError;

use super::valid::{are_keys, are_text_views, are_texts, rise_to};
use crate::error::Error;
use crate::problem::Problem;

/// Whether the peer is trusted to send valid arrays.
///
/// Lengths and alignment have been checked in any case; `nulls` have as many bits as there are rows. What does not pass
/// a check here is left to arrow, whose error tells more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trust {
    /// Private to this file, so that only its unsafe constructor can set it.
    unvalidated: bool,
}

impl Trust {
    /// Values are checked.
    pub(super) fn none() -> Self {
        Self { unvalidated: false }
    }

    /// Values are not looked at.
    ///
    /// # Safety
    /// The peer sends valid arrays, over a way that does not change them.
    #[expect(unsafe_code, reason = "the opt-out of validation")]
    pub(super) unsafe fn full() -> Self {
        Self { unvalidated: true }
    }

    pub(super) fn is_full(self) -> bool {
        self.unvalidated
    }

    /// Offsets into something of a length.
    pub(super) fn offsets<O: OffsetSizeTrait>(
        self,
        offsets: ScalarBuffer<O>,
        length: usize,
    ) -> Result<OffsetBuffer<O>, Error> {
        if !(self.unvalidated || rise_to(&offsets, length)) {
            return Err(Error::field(Problem::Offsets { length }));
        }
        // SAFETY: they are one or more, and were found to rise from zero or more, or the caller promised it.
        #[expect(unsafe_code, reason = "arrow checks them one by one, with five times the instructions")]
        Ok(unsafe { OffsetBuffer::new_unchecked(offsets) })
    }

    /// Strings between offsets that were checked against `values`.
    pub(super) fn strings<O: OffsetSizeTrait>(
        self,
        offsets: OffsetBuffer<O>,
        values: Buffer,
        nulls: Option<NullBuffer>,
    ) -> Result<GenericStringArray<O>, ArrowError> {
        if !(self.unvalidated || are_texts(&offsets, &values)) {
            return GenericStringArray::try_new(offsets, values, nulls);
        }
        // SAFETY: `try_new` would not fail, as each value was found to be UTF-8, or the caller promised it.
        #[expect(
            unsafe_code,
            reason = "arrow checks each value's ends, ASCII or not, with up to eleven times the instructions"
        )]
        Ok(unsafe { GenericStringArray::new_unchecked(offsets, values, nulls) })
    }

    /// Strings or bytes that views point to. `whole`: whether they have most of the buffers' bytes.
    pub(super) fn views<T: ByteViewType>(
        self,
        views: ScalarBuffer<u128>,
        buffers: Vec<Buffer>,
        nulls: Option<NullBuffer>,
        whole: bool,
    ) -> Result<GenericByteViewArray<T>, ArrowError> {
        if !(self.unvalidated || T::IS_UTF8 && are_text_views(&views, &buffers, whole)) {
            return GenericByteViewArray::try_new(views, buffers, nulls);
        }
        // SAFETY: `try_new` would not fail, as each view was found to be of UTF-8, or the caller promised it.
        #[expect(unsafe_code, reason = "arrow checks each value by itself, with up to eight times the instructions")]
        Ok(unsafe { GenericByteViewArray::new_unchecked(views, buffers.into(), nulls) })
    }

    /// Keys of values.
    pub(super) fn dictionary<K: ArrowDictionaryKeyType>(
        self,
        keys: PrimitiveArray<K>,
        values: ArrayRef,
    ) -> Result<DictionaryArray<K>, ArrowError> {
        if !(self.unvalidated || are_keys(&keys, values.len())) {
            return DictionaryArray::try_new(keys, values);
        }
        // SAFETY: `try_new` would not fail, as each key was found to be one of a value, or the caller promised it.
        #[expect(unsafe_code, reason = "arrow checks keys one by one, with three times the instructions")]
        Ok(unsafe { DictionaryArray::new_unchecked(keys, values) })
    }

    /// Builds an array, validated by arrow unless the peer is trusted.
    pub(super) fn build(self, array: ArrayDataBuilder) -> Result<ArrayData, Error> {
        // SAFETY: `unvalidated` is only set by `Trust::full`, whose caller promised valid arrays.
        #[expect(unsafe_code, reason = "the opt-out of validation")]
        let array = unsafe { array.skip_validation(self.unvalidated) };
        array.build().map_err(|source| Error::field(Problem::Values { source }))
    }
}
