//! Time zones without a name, which mean that there is none: as C++ reads them, and as arrow-ipc writes them.

use arrow_schema::{DataType, FieldRef, Fields, Schema, UnionFields};

/// The schema with timestamps of no zone in place of those whose zone is an empty text.
pub(super) fn without_empty(schema: Schema) -> Schema {
    Schema { fields: fields(&schema.fields), metadata: schema.metadata }
}

fn fields(fields: &Fields) -> Fields {
    fields.iter().map(field).collect()
}

fn field(field: &FieldRef) -> FieldRef {
    let data_type = data_type(field.data_type());
    if data_type == *field.data_type() {
        return field.clone();
    }
    field.as_ref().clone().with_data_type(data_type).into()
}

fn data_type(of: &DataType) -> DataType {
    match of {
        DataType::Timestamp(unit, Some(zone)) if zone.is_empty() => DataType::Timestamp(*unit, None),
        DataType::List(item) => DataType::List(field(item)),
        DataType::LargeList(item) => DataType::LargeList(field(item)),
        DataType::ListView(item) => DataType::ListView(field(item)),
        DataType::LargeListView(item) => DataType::LargeListView(field(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(field(item), *size),
        DataType::Struct(members) => DataType::Struct(fields(members)),
        DataType::Map(entries, sorted) => DataType::Map(field(entries), *sorted),
        DataType::Union(members, mode) => {
            let members: UnionFields = members.iter().map(|(id, member)| (id, field(member))).collect();
            DataType::Union(members, *mode)
        }
        DataType::RunEndEncoded(ends, values) => DataType::RunEndEncoded(ends.clone(), field(values)),
        DataType::Dictionary(keys, values) => DataType::Dictionary(keys.clone(), data_type(values).into()),
        other => other.clone(),
    }
}
