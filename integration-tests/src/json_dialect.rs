//! What JSON files of older writers say in other words, put into those of today, which `arrow-integration-test` reads.

use serde_json::{Map, Number, Value, json};

/// Rewrites a file in place. What is not there, or is nothing that any writer wrote, stays for the reader to complain of.
pub(crate) fn modernize(file: &mut Value) {
    let Some(file) = file.as_object_mut() else { return };
    let mut fields = Vec::new();
    if let Some(schema) = file.get_mut("schema").and_then(Value::as_object_mut) {
        metadata(schema);
        items(schema.get_mut("fields")).for_each(field);
        fields = items(schema.get_mut("fields")).map(|field| field.take()).collect();
    }
    default(file, "batches", json!([]));
    file.retain(|key, value| key != "dictionaries" || !value.is_null());
    for batch in items(file.get_mut("batches")) {
        fields.iter().zip(items(batch.get_mut("columns"))).for_each(|(field, values)| column(field, values));
    }
    if let Some(Value::Array(dictionaries)) = file.get_mut("dictionaries") {
        join_deltas(dictionaries);
        for dictionary in dictionaries {
            let of = fields.iter().find_map(|field| with_dictionary(field, &dictionary["id"]));
            let values = items(dictionary["data"].get_mut("columns")).next();
            of.zip(values).into_iter().for_each(|(field, values)| plain_column(field, values));
        }
    }
    if let Some(schema) = file.get_mut("schema").and_then(Value::as_object_mut) {
        schema.insert("fields".to_owned(), fields.into());
    }
}

fn items(list: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    list.and_then(Value::as_array_mut).into_iter().flatten()
}

/// What a writer left out, or wrote as null.
fn default(object: &mut Map<String, Value>, key: &str, value: Value) {
    if object.get(key).is_none_or(Value::is_null) {
        object.insert(key.to_owned(), value);
    }
}

/// An object of metadata becomes a list of pairs; one that is null is none.
fn metadata(of: &mut Map<String, Value>) {
    of.retain(|key, value| key != "metadata" || !value.is_null());
    if let Some(Value::Object(pairs)) = of.get("metadata") {
        let pairs = pairs.iter().map(|(key, value)| json!({"key": key, "value": value}));
        let pairs = pairs.collect();
        of.insert("metadata".to_owned(), pairs);
    }
}

fn field(field: &mut Value) {
    let Some(field) = field.as_object_mut() else { return };
    metadata(field);
    default(field, "nullable", json!(true));
    default(field, "children", json!([]));
    items(field.get_mut("children")).for_each(self::field);
    let children = field["children"].as_array().map_or(0, Vec::len);
    if let Some(of) = field.get_mut("type").and_then(Value::as_object_mut) {
        data_type(of, children);
    }
    field.retain(|key, value| key != "dictionary" || !value.is_null());
    if let Some(dictionary) = field.get_mut("dictionary").and_then(Value::as_object_mut) {
        default(dictionary, "isOrdered", json!(false));
        default(dictionary, "indexType", json!({"name": "int", "isSigned": true, "bitWidth": 32}));
    }
}

fn data_type(of: &mut Map<String, Value>, children: usize) {
    match of.get("name").and_then(Value::as_str) {
        Some("timestamp") => of.retain(|key, value| key != "timezone" || !value.is_null()),
        Some("union") => default(of, "typeIds", (0..children).collect()),
        Some("map") => default(of, "keysSorted", json!(false)),
        Some("time") => {
            let wide = matches!(of.get("unit").and_then(Value::as_str), Some("MICROSECOND" | "NANOSECOND"));
            default(of, "bitWidth", json!(if wide { 64 } else { 32 }));
        }
        _ => {}
    }
}

/// The field whose values are in the dictionary of this id.
fn with_dictionary<'a>(field: &'a Value, id: &Value) -> Option<&'a Value> {
    if field["dictionary"]["id"] == *id {
        return Some(field);
    }
    field["children"].as_array()?.iter().find_map(|child| with_dictionary(child, id))
}

/// Values of a field: keys, where it has a dictionary.
fn column(field: &Value, values: &mut Value) {
    match field.get("dictionary") {
        None => plain_column(field, values),
        Some(dictionary) => plain_column(&json!({"type": dictionary["indexType"]}), values),
    }
}

fn plain_column(field: &Value, values: &mut Value) {
    let Some(values) = values.as_object_mut() else { return };
    let count = values.get("count").and_then(Value::as_u64).unwrap_or(0);
    if let Some(type_ids) = values.remove("TYPE") {
        default(values, "TYPE_ID", type_ids);
    }
    let is_sparse = field["type"]["mode"] == "SPARSE";
    values.retain(|key, value| !value.is_null() && (key != "OFFSET" || !is_sparse));
    default(values, "VALIDITY", (0..count).map(|_| 1).collect());
    items(values.get_mut("VALIDITY")).for_each(|valid| in_place(valid, |valid| Some(json!(valid.as_bool()? as u8))));
    for key in ["OFFSET", "SIZE"] {
        items(values.get_mut(key)).for_each(number);
    }
    let rewrite = match field["type"]["name"].as_str() {
        Some("bool") => |value: &mut Value| in_place(value, |value| Some(json!(value.as_i64()? != 0))),
        Some("decimal") => |value: &mut Value| in_place(value, |value| Some(json!(value.as_number()?.to_string()))),
        Some("utf8" | "largeutf8" | "binary" | "largebinary" | "fixedsizebinary") => |_: &mut Value| {},
        _ => number,
    };
    items(values.get_mut("DATA")).for_each(rewrite);
    default(values, "children", json!([]));
    let children = field["children"].as_array().into_iter().flatten();
    children.zip(items(values.get_mut("children"))).for_each(|(field, values)| column(field, values));
}

fn in_place(value: &mut Value, rewrite: impl Fn(&Value) -> Option<Value>) {
    if let Some(new) = rewrite(value) {
        *value = new;
    }
}

/// A number in a string, or several of them, as the parts of an interval.
fn number(value: &mut Value) {
    if let Value::Object(parts) = value {
        parts.values_mut().for_each(number);
    }
    in_place(value, |value| Some(Value::Number(value.as_str()?.parse::<Number>().ok()?)));
}

/// A dictionary in parts, as deltas make it, becomes a whole one. Its values have no children.
fn join_deltas(dictionaries: &mut Vec<Value>) {
    let mut whole: Vec<Value> = Vec::new();
    for part in dictionaries.drain(..) {
        match whole.iter_mut().find(|dictionary| dictionary["id"] == part["id"]) {
            Some(dictionary) => append(dictionary, &part),
            None => whole.push(part),
        }
    }
    *dictionaries = whole;
}

fn append(dictionary: &mut Value, part: &Value) {
    let (Some(to), Some(from)) = (dictionary.pointer_mut("/data/columns/0"), part.pointer("/data/columns/0")) else {
        return;
    };
    to["count"] = json!(to["count"].as_u64().unwrap_or(0) + from["count"].as_u64().unwrap_or(0));
    for key in ["VALIDITY", "DATA"] {
        if let (Some(to), Some(from)) = (to.get_mut(key).and_then(Value::as_array_mut), from[key].as_array()) {
            to.extend_from_slice(from);
        }
    }
}

#[cfg(test)]
mod tests;
