//! One growing dictionary a column, for formats that cannot replace a dictionary.
//!
//! In a stream each batch may come with a dictionary of its own. An Arrow file has one for all batches, to which values
//! can only be added. So the values of all batches are gathered into one dictionary a column, and the keys of each batch
//! are rewritten to it. Memory grows with the number of distinct values, as it does for whoever reads the file.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, UInt64Array, make_array, new_empty_array,
};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_row::{OwnedRow, RowConverter, SortField};
use arrow_schema::{DataType, Field, Schema};
use arrow_select::concat::concat;
use arrow_select::take::take;

/// The dictionaries of a stream's columns. Dictionaries inside of nested columns, and those that
/// cannot grow, are left as they are.
pub(super) struct GrowingDictionaries {
    columns: Vec<Option<GrowingDictionary>>,
}

impl GrowingDictionaries {
    /// Empty dictionaries for the columns of a schema that have one.
    pub(super) fn new(schema: &Schema) -> Result<Self> {
        let columns = schema.fields().iter().map(|field| GrowingDictionary::of(field));
        Ok(Self { columns: columns.collect::<Result<_>>()? })
    }

    /// The same rows, their keys pointing into the dictionaries gathered so far, which this batch's are among.
    pub(super) fn unify(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mut columns = batch.columns().to_vec();
        for (i, dictionary) in self.columns.iter_mut().enumerate() {
            if let Some(dictionary) = dictionary {
                let name = || format!("the dictionary of column {:?}", batch.schema_ref().field(i).name());
                columns[i] = dictionary.unify(&columns[i]).with_context(name)?;
            }
        }
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(batch.schema(), columns, &rows)?)
    }
}

/// Whether a dictionary with values of this type can grow: whether they can be told apart.
pub(super) fn can_grow(values: &DataType) -> bool {
    RowConverter::supports_fields(&[SortField::new(values.clone())])
}

struct GrowingDictionary {
    key_type: DataType,
    converter: RowConverter,
    /// Where each value stands in `values`.
    places: HashMap<OwnedRow, i64>,
    values: ArrayRef,
    /// The dictionary of the batch before, and for each of its keys the new one.
    last: Option<(ArrayRef, ArrayRef)>,
}

impl GrowingDictionary {
    fn of(field: &Field) -> Result<Option<Self>> {
        let DataType::Dictionary(key_type, value_type) = field.data_type() else {
            return Ok(None);
        };
        if !can_grow(value_type) {
            return Ok(None);
        }
        let sort = SortField::new(value_type.as_ref().clone());
        Ok(Some(Self {
            key_type: key_type.as_ref().clone(),
            converter: RowConverter::new(vec![sort])?,
            places: HashMap::new(),
            values: new_empty_array(value_type),
            last: None,
        }))
    }

    fn unify(&mut self, column: &ArrayRef) -> Result<ArrayRef> {
        let array = column.as_any_dictionary();
        let new_keys = take(&self.new_key_of_each(array.values())?, array.keys(), None)?;
        let data = new_keys.to_data().into_builder().data_type(column.data_type().clone());
        Ok(make_array(data.add_child_data(self.values.to_data()).build()?))
    }

    /// For each value of a batch's dictionary its key in the gathered one, which grows by those that it does not have.
    fn new_key_of_each(&mut self, values: &ArrayRef) -> Result<ArrayRef> {
        if let Some((last, keys)) = &self.last
            && last.to_data().ptr_eq(&values.to_data())
        {
            return Ok(Arc::clone(keys));
        }
        let rows = self.converter.convert_columns(std::slice::from_ref(values))?;
        let mut added = Vec::new();
        let mut keys = Vec::with_capacity(values.len());
        for (at, row) in rows.iter().enumerate() {
            let next = self.places.len() as i64;
            let key = *self.places.entry(row.owned()).or_insert_with(|| {
                added.push(at as u64);
                next
            });
            keys.push(key);
        }
        if !added.is_empty() {
            let added = take(values, &UInt64Array::from(added), None)?;
            self.values = concat(&[&self.values, &added])?;
        }
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let keys = cast_with_options(&Int64Array::from(keys), &self.key_type, &strict)
            .with_context(|| format!("it has more values than keys of type {} can number", self.key_type))?;
        self.last = Some((Arc::clone(values), Arc::clone(&keys)));
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::types::{Int8Type, Int32Type, UInt8Type};
    use arrow_array::{DictionaryArray, Int8Array, StringArray};

    use super::*;

    fn batch_of(column: ArrayRef) -> RecordBatch {
        RecordBatch::try_from_iter_with_nullable([("letter", column, true)]).unwrap()
    }

    fn letters(values: &[Option<&str>]) -> RecordBatch {
        batch_of(Arc::new(values.iter().copied().collect::<DictionaryArray<Int32Type>>()))
    }

    fn values(batch: &RecordBatch) -> &StringArray {
        batch.column(0).as_any_dictionary().values().as_string()
    }

    fn keys(batch: &RecordBatch) -> Vec<Option<i32>> {
        batch.column(0).as_dictionary::<Int32Type>().keys().iter().collect()
    }

    #[test]
    fn values_are_added_and_keys_rewritten() {
        let first = letters(&[Some("a"), None, Some("b")]);
        let mut growing = GrowingDictionaries::new(first.schema_ref()).unwrap();
        let first = growing.unify(&first).unwrap();
        assert_eq!((values(&first).len(), keys(&first)), (2, vec![Some(0), None, Some(1)]));
        let second = growing.unify(&letters(&[Some("c"), Some("b"), None])).unwrap();
        assert_eq!(values(&second), &StringArray::from(vec!["a", "b", "c"]));
        assert_eq!(keys(&second), [Some(2), Some(1), None]);
        let third = growing.unify(&letters(&[Some("b"), Some("a")])).unwrap();
        assert_eq!(values(&third), values(&second), "nothing new, nothing added");
    }

    #[test]
    fn a_null_among_the_values_stays_a_null() {
        let dictionary: ArrayRef = Arc::new(StringArray::from(vec![None, Some("a")]));
        let column = |keys| DictionaryArray::<Int8Type>::new(Int8Array::from(keys), Arc::clone(&dictionary));
        let batch = batch_of(Arc::new(column(vec![Some(0), Some(1), None])));
        let mut growing = GrowingDictionaries::new(batch.schema_ref()).unwrap();
        let unified = growing.unify(&batch).unwrap();
        let spelled_out = arrow_cast::cast(unified.column(0), &DataType::Utf8).unwrap();
        assert_eq!(spelled_out.as_string::<i32>(), &StringArray::from(vec![None, Some("a"), None]));
    }

    #[test]
    fn more_values_than_keys_are_an_error() {
        let column = |first: u32| {
            let values: Vec<_> = (first..first + 200).map(|i| i.to_string()).collect();
            batch_of(Arc::new(values.iter().map(|value| Some(value.as_str())).collect::<DictionaryArray<UInt8Type>>()))
        };
        let mut growing = GrowingDictionaries::new(column(0).schema_ref()).unwrap();
        growing.unify(&column(0)).unwrap();
        growing.unify(&column(0)).unwrap();
        let error = format!("{:#}", growing.unify(&column(100)).unwrap_err());
        assert!(error.contains("column \"letter\"") && error.contains("UInt8"), "{error}");
    }
}
