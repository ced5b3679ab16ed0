//! Where the dictionaries of a schema are, and which of them are one.

use std::collections::HashMap;

use arrow_data::ArrayData;
use arrow_schema::{DataType, Field, Schema};

use crate::error::Error;
use crate::problem::Problem;
use crate::schema::{child_fields, takes_deltas};

/// A dictionary and all fields that have it.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) id: i64,
    /// Whether new values may be sent alone.
    pub(super) takes_deltas: bool,
    /// The dictionaries in whose values this one is.
    pub(super) outer: Vec<usize>,
    /// The dictionaries in its values.
    inner: Vec<usize>,
    /// The fields: first the one that is sent.
    paths: Vec<Path>,
}

/// The way to a field: the name of its column, the column, and then which child of each array.
#[derive(Debug, Clone)]
struct Path {
    name: String,
    steps: Vec<usize>,
}

/// The dictionaries of `schema`, each behind those in its values. `ids` are in the order of the format.
pub(super) fn places(schema: &Schema, ids: &[i64]) -> Result<Vec<Place>, Error> {
    let mut search = Search { ids: ids.iter(), places: Vec::new(), types: Vec::new(), known: HashMap::new() };
    for (column, field) in schema.fields().iter().enumerate() {
        search.field(field, &mut Path { name: field.name().clone(), steps: vec![column] })?;
    }
    Ok(search.places)
}

/// Values of two fields that were found to be equal, to be known again by where they are.
pub(super) type Equal = (ArrayData, ArrayData);

impl Place {
    /// The values that `columns` have in this place. `equal` has what was found of each pair of fields before.
    ///
    /// # Errors
    /// [`Problem::SharedDictionary`] if they have others in another field of this id.
    pub(super) fn values<'a>(
        &self,
        columns: &'a [ArrayData],
        equal: &mut Vec<Option<Equal>>,
    ) -> Result<Option<&'a ArrayData>, Error> {
        let Some((first, others)) = self.paths.split_first() else { return Ok(None) };
        let Some(values) = first.values(columns) else { return Ok(None) };
        equal.resize(others.len(), None);
        for (path, equal) in others.iter().zip(equal) {
            let Some(other) = path.values(columns) else { continue };
            let is_known = |(a, b): &Equal| a.ptr_eq(values) && b.ptr_eq(other);
            if values.ptr_eq(other) || equal.as_ref().is_some_and(is_known) {
                continue;
            }
            if values != other {
                let problem = Problem::SharedDictionary { id: self.id, with: first.name.clone() };
                return Err(Error::field(problem).within(&path.name));
            }
            *equal = Some((values.clone(), other.clone()));
        }
        Ok(Some(values))
    }
}

impl Path {
    fn values<'a>(&self, columns: &'a [ArrayData]) -> Option<&'a ArrayData> {
        let (column, rest) = self.steps.split_first()?;
        let array = rest.iter().try_fold(columns.get(*column)?, |array, child| array.child_data().get(*child))?;
        array.child_data().first()
    }
}

/// Goes through a schema in the order in which proto counts dictionaries in its header: children first.
struct Search<'a> {
    ids: std::slice::Iter<'a, i64>,
    places: Vec<Place>,
    /// The type of each place's values.
    types: Vec<&'a DataType>,
    known: HashMap<i64, usize>,
}

impl<'a> Search<'a> {
    /// The dictionaries nearest below a field, or its own.
    fn field(&mut self, field: &'a Field, path: &mut Path) -> Result<Vec<usize>, Error> {
        let found = match field.data_type() {
            DataType::Dictionary(_, values) => {
                path.steps.push(0);
                let inner = self.children(values, path);
                path.steps.pop();
                inner.and_then(|inner| Ok(vec![self.dictionary(values, path, inner)?]))
            }
            data_type => self.children(data_type, path),
        };
        found.map_err(|error| error.within(field.name()))
    }

    fn children(&mut self, data_type: &'a DataType, path: &mut Path) -> Result<Vec<usize>, Error> {
        let mut found = Vec::new();
        for (index, child) in child_fields(data_type).into_iter().enumerate() {
            path.steps.push(index);
            found.extend(self.field(child, path)?);
            path.steps.pop();
        }
        Ok(found)
    }

    fn dictionary(&mut self, values: &'a DataType, path: &Path, inner: Vec<usize>) -> Result<usize, Error> {
        let id = *self.ids.next().ok_or(Error::Missing { part: "dictionary id" })?;
        if let Some(&known) = self.known.get(&id) {
            let place = &mut self.places[known];
            if self.types[known] != values || place.inner != inner {
                return Err(Error::field(Problem::DictionaryType { id }));
            }
            place.paths.push(path.clone());
            return Ok(known);
        }
        let new = self.places.len();
        inner.iter().for_each(|&inner| self.places[inner].outer.push(new));
        let (takes_deltas, paths) = (takes_deltas(values), vec![path.clone()]);
        self.places.push(Place { id, takes_deltas, outer: Vec::new(), inner, paths });
        self.types.push(values);
        self.known.insert(id, new);
        Ok(new)
    }
}
