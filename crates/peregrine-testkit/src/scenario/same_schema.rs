//! Whether two schemas are the same, as C++ and Go see it: the names of a map's entries, keys and values do not count.

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, UnionFields};

/// Whether two schemas are the same, as C++ and Go see it: the names of a map's entries, keys and values do not count.
/// Metadata does, that of the schema and that of the fields.
pub fn same_schema(expected: &Schema, actual: &Schema) -> bool {
    expected == actual || canonical(expected) == canonical(actual)
}

fn canonical(schema: &Schema) -> Schema {
    Schema::new_with_metadata(fields(schema.fields()), schema.metadata().clone())
}

fn fields(fields: &Fields) -> Fields {
    fields.iter().map(field).collect()
}

fn field(field: &FieldRef) -> FieldRef {
    Arc::new(field.as_ref().clone().with_data_type(data_type(field.data_type())))
}

fn named(name: &str, of: &FieldRef) -> FieldRef {
    Arc::new(field(of).as_ref().clone().with_name(name))
}

fn data_type(of: &DataType) -> DataType {
    match of {
        DataType::List(item) => DataType::List(field(item)),
        DataType::LargeList(item) => DataType::LargeList(field(item)),
        DataType::ListView(item) => DataType::ListView(field(item)),
        DataType::LargeListView(item) => DataType::LargeListView(field(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(field(item), *size),
        DataType::Struct(children) => DataType::Struct(fields(children)),
        DataType::RunEndEncoded(run_ends, values) => DataType::RunEndEncoded(field(run_ends), field(values)),
        DataType::Dictionary(keys, values) => DataType::Dictionary(keys.clone(), Box::new(data_type(values))),
        DataType::Union(children, mode) => {
            let children: UnionFields = children.iter().map(|(id, child)| (id, field(child))).collect();
            DataType::Union(children, *mode)
        }
        DataType::Map(entries, sorted) => DataType::Map(canonical_entries(entries), *sorted),
        _ => of.clone(),
    }
}

fn canonical_entries(entries: &FieldRef) -> FieldRef {
    let data_type = match entries.data_type() {
        DataType::Struct(children) => {
            DataType::Struct(children.iter().zip(["key", "value"]).map(|(child, name)| named(name, child)).collect())
        }
        other => other.clone(),
    };
    Arc::new(Field::new("entries", data_type, entries.is_nullable()).with_metadata(entries.metadata().clone()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn map(names: [&str; 3], value: Field) -> DataType {
        let key = Field::new(names[1], DataType::Utf8, false);
        let children = Fields::from(vec![key, value.with_name(names[2])]);
        DataType::Map(Arc::new(Field::new(names[0], DataType::Struct(children), false)), false)
    }

    fn schema(data_type: DataType) -> Schema {
        Schema::new(vec![Field::new("m", data_type, true)])
    }

    #[test]
    fn the_names_in_a_map_do_not_count_however_deep_it_is() {
        let number = Field::new("", DataType::Int8, true);
        let (one, other) = (["entries", "key", "value"], ["some_entries", "some_key", "some_value"]);
        let wrap: [fn(DataType) -> DataType; 3] = [
            |inner| inner,
            |inner| DataType::List(Arc::new(Field::new("item", inner, true))),
            |inner| map(["a", "b", "c"], Field::new("", inner, true)),
        ];
        for wrap in wrap {
            let [one, other] = [one, other].map(|names| schema(wrap(map(names, number.clone()))));
            assert_ne!(one, other);
            assert!(same_schema(&one, &other));
        }
    }

    #[test]
    fn all_else_counts() {
        let names = ["entries", "key", "value"];
        let with = |value: Field| schema(map(names, value));
        let number = Field::new("", DataType::Int8, true);
        let metadata = HashMap::from([("k".to_owned(), "v".to_owned())]);
        for other in [
            with(Field::new("", DataType::Int16, true)),
            with(Field::new("", DataType::Int8, false)),
            with(number.clone().with_metadata(metadata.clone())),
            with(number.clone()).with_metadata(metadata),
            Schema::new(vec![Field::new("n", map(names, number.clone()), true)]),
        ] {
            assert!(!same_schema(&with(number.clone()), &other), "{other:?}");
        }
    }
}
