//! Each dialect, and the same in the words of today.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Decimal128Array, DictionaryArray, Int32Array, Int64Array, ListArray, StringArray,
    UInt64Array, UnionArray,
};
use arrow_schema::{DataType, TimeUnit};
use peregrine::stream::Table;
use serde_json::{Value, json};

use crate::json_file::from_json;

fn table(fields: Value, dictionaries: Value, columns: Value) -> Table {
    let batches = json!([{"count": 2, "columns": columns}]);
    from_json(json!({"schema": {"fields": fields}, "dictionaries": dictionaries, "batches": batches})).unwrap()
}

/// A column of two values, of which nothing is said that can be left out.
fn column(data_type: Value, data: Value) -> ArrayRef {
    let columns = json!([{"name": "c", "count": 2, "DATA": data}]);
    table(json!([{"name": "c", "type": data_type}]), Value::Null, columns).batches[0].column(0).clone()
}

fn int(bits: u8, signed: bool) -> Value {
    json!({"name": "int", "bitWidth": bits, "isSigned": signed})
}

#[test]
fn numbers_may_be_strings_and_decimals_numbers() {
    let expected: [(Value, Value, ArrayRef); 6] = [
        (int(32, true), json!(["-1", 2]), Arc::new(Int32Array::from(vec![-1, 2]))),
        (int(64, true), json!([-1, "2"]), Arc::new(Int64Array::from(vec![-1, 2]))),
        (int(64, false), json!(["18446744073709551615", 2]), Arc::new(UInt64Array::from(vec![u64::MAX, 2]))),
        (json!({"name": "bool"}), json!([1, false]), Arc::new(BooleanArray::from(vec![true, false]))),
        (json!({"name": "utf8"}), json!(["1", "2"]), Arc::new(StringArray::from(vec!["1", "2"]))),
        (
            json!({"name": "decimal", "precision": 5, "scale": 2}),
            json!([-12345, "7"]),
            Arc::new(Decimal128Array::from(vec![-12345, 7]).with_precision_and_scale(5, 2).unwrap()),
        ),
    ];
    for (data_type, data, expected) in expected {
        assert_eq!(&column(data_type, data), &expected);
    }
}

#[test]
fn the_parts_of_an_interval_may_be_strings() {
    let of = |nanoseconds: Value| {
        let value = json!({"months": 1, "days": -2, "nanoseconds": nanoseconds});
        column(json!({"name": "interval", "unit": "MONTH_DAY_NANO"}), json!([value, value]))
    };
    assert_eq!(&of(json!("-9000000000000000000")), &of(json!(-9_000_000_000_000_000_000_i64)));
    let of = |days: Value| {
        let value = json!({"days": days, "milliseconds": 3});
        column(json!({"name": "interval", "unit": "DAY_TIME"}), json!([value, value]))
    };
    assert_eq!(&of(json!("-7")), &of(json!(-7)));
}

#[test]
fn what_types_leave_out_has_a_default() {
    let of = |data_type: Value| column(data_type, json!([1, 2])).data_type().clone();
    assert_eq!(of(json!({"name": "time", "unit": "SECOND"})), DataType::Time32(TimeUnit::Second));
    assert_eq!(of(json!({"name": "time", "unit": "NANOSECOND"})), DataType::Time64(TimeUnit::Nanosecond));
    let zoneless = json!({"name": "timestamp", "unit": "SECOND", "timezone": null});
    assert_eq!(of(zoneless), DataType::Timestamp(TimeUnit::Second, None));
}

#[test]
fn metadata_may_be_pairs_or_an_object_or_null_and_batches_may_be_missing() {
    let pairs = json!([{"key": "k", "value": "v"}]);
    for (metadata, entries) in [(pairs, 1), (json!({"k": "v"}), 1), (Value::Null, 0)] {
        let field = json!({"name": "c", "type": {"name": "null"}, "nullable": true, "metadata": metadata});
        let table = from_json(json!({"schema": {"fields": [field], "metadata": metadata}})).unwrap();
        assert_eq!((table.schema.metadata().len(), table.schema.field(0).metadata().len()), (entries, entries));
        assert_eq!(table.batches, []);
    }
}

#[test]
fn unions_of_before_1_0_have_types_and_a_validity() {
    let child = |name: &str| json!({"name": name, "type": int(32, true)});
    for mode in ["SPARSE", "DENSE"] {
        let field = json!({"name": "u", "type": {"name": "union", "mode": mode}, "children": [child("a"), child("b")]});
        let children =
            [3, 4].map(|at| json!({"name": "c", "count": 2, "VALIDITY": [true, true], "DATA": [at, at + 10]}));
        let union = json!({
            "name": "u", "count": 2, "VALIDITY": [1, 1], "TYPE": [1, 0], "OFFSET": [0, "0"], "children": children,
        });
        let table = table(json!([field]), Value::Null, json!([union]));
        let union = table.batches[0].column(0).as_any().downcast_ref::<UnionArray>().unwrap();
        let values = [0, 1].map(|row| union.value(row).as_any().downcast_ref::<Int32Array>().unwrap().value(0));
        assert_eq!((union.type_ids()[..].to_vec(), values[0]), (vec![1, 0], 4));
        assert_eq!(values[1], if mode == "SPARSE" { 13 } else { 3 });
    }
}

#[test]
fn offsets_may_be_strings_and_children_missing() {
    let item = json!({"name": "item", "type": int(32, true)});
    let field = json!({"name": "l", "type": {"name": "list"}, "children": [item]});
    let values = json!({"name": "item", "count": 3, "DATA": [1, 2, 3]});
    let list = json!({"name": "l", "count": 2, "OFFSET": ["0", "1", "3"], "children": [values]});
    let table = table(json!([field]), Value::Null, json!([list]));
    let expected =
        ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1)]), Some(vec![Some(2), Some(3)])]);
    assert_eq!(table.batches[0].column(0).as_ref(), &expected as &dyn Array);
    let empty =
        json!([{"name": "s", "type": {"name": "struct"}, "children": [{"name": "n", "type": {"name": "null"}}]}]);
    let column = json!([{"name": "s", "count": 2, "children": [{"name": "n", "count": 2}]}]);
    assert_eq!(self::table(empty, Value::Null, column).num_rows(), 2);
}

#[test]
fn dictionaries_nest_and_come_in_any_order_and_in_parts() {
    let text = |id: i32| json!({"name": "s", "type": {"name": "utf8"}, "dictionary": {"id": id}});
    let lists = json!({
        "name": "l", "type": {"name": "list"}, "children": [text(7)],
        "dictionary": {"id": 3, "isOrdered": true, "indexType": int(8, true)},
    });
    let keys = |data: Value| json!({"name": "k", "count": 2, "DATA": data});
    let values = json!({"name": "l", "count": 2, "OFFSET": ["0", "1", "2"], "children": [keys(json!(["2", 0]))]});
    let part = |id: i32, column: Value| json!({"id": id, "data": {"count": 2, "columns": [column]}});
    let words = |data: Value| json!({"name": "s", "count": 2, "VALIDITY": [1, 1], "DATA": data});
    let dictionaries = json!([part(3, values), part(7, words(json!(["a", "b"]))), part(7, words(json!(["c", "1"])))]);
    let columns = json!([keys(json!([1, "0"])), keys(json!([3, 2]))]);
    let table = table(json!([lists, text(7)]), dictionaries, columns);
    assert_eq!(table.schema.field(0).dict_is_ordered(), Some(true));
    assert_eq!(table.schema.field(1).dict_is_ordered(), Some(false));
    let shared = table.batches[0].column(1).as_any().downcast_ref::<DictionaryArray<Int32Type>>().unwrap();
    let shared: Vec<_> = shared.downcast_dict::<StringArray>().unwrap().into_iter().collect();
    assert_eq!(shared, [Some("1"), Some("c")]);
    let nested = table.batches[0].column(0).to_data();
    assert_eq!(nested.child_data()[0].child_data()[0].child_data()[0].len(), 4, "the values of the inner dictionary");
}
