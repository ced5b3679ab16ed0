//! Time zones without a name, which mean that there is none: as C++ reads them, and as arrow-ipc writes them.

use arrow_schema::{DataType, FieldRef, Fields, Schema, UnionFields};

/// The schema with timestamps of no zone in place of those whose zone is an empty text.
pub(super) fn without_empty(schema: Schema) -> Schema {
    match fields(&schema.fields) {
        Some(fields) => Schema { fields, ..schema },
        None => schema,
    }
}

/// `None` if they stay as they are, here and below.
fn fields(all: &Fields) -> Option<Fields> {
    let changed: Vec<_> = all.iter().map(field).collect();
    let is_changed = changed.iter().any(Option::is_some);
    is_changed.then(|| all.iter().zip(changed).map(|(old, new)| new.unwrap_or_else(|| old.clone())).collect())
}

fn field(field: &FieldRef) -> Option<FieldRef> {
    let data_type = data_type(field.data_type())?;
    Some(field.as_ref().clone().with_data_type(data_type).into())
}

fn data_type(of: &DataType) -> Option<DataType> {
    Some(match of {
        DataType::Timestamp(unit, Some(zone)) if zone.is_empty() => DataType::Timestamp(*unit, None),
        DataType::List(item) => DataType::List(field(item)?),
        DataType::LargeList(item) => DataType::LargeList(field(item)?),
        DataType::ListView(item) => DataType::ListView(field(item)?),
        DataType::LargeListView(item) => DataType::LargeListView(field(item)?),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(field(item)?, *size),
        DataType::Struct(members) => DataType::Struct(fields(members)?),
        DataType::Map(entries, sorted) => DataType::Map(field(entries)?, *sorted),
        DataType::Union(members, mode) => {
            let changed = fields(&members.iter().map(|(_, member)| member.clone()).collect())?;
            let ids = members.iter().map(|(id, _)| id);
            DataType::Union(ids.zip(changed.iter().cloned()).collect::<UnionFields>(), *mode)
        }
        DataType::RunEndEncoded(ends, values) => DataType::RunEndEncoded(ends.clone(), field(values)?),
        DataType::Dictionary(keys, values) => DataType::Dictionary(keys.clone(), data_type(values)?.into()),
        _ => return None,
    })
}
