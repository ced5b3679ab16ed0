//! What the generator promises: the same for the same seed, every type, valid arrays, offsets at every level.

use std::collections::BTreeSet;

use arrow_array::Array;
use arrow_data::ArrayData;

use super::*;

const SEEDS: std::ops::Range<u64> = 0..300;

fn arrays(data: &ArrayData, see: &mut impl FnMut(&ArrayData)) {
    see(data);
    data.child_data().iter().for_each(|child| arrays(child, see));
}

#[test]
fn a_few_hundred_seeds_have_every_kind_and_only_valid_arrays() {
    let mut kinds = BTreeSet::new();
    let (mut inner_offsets, mut outer_offsets, mut null_offsets, mut without_columns) = (0, 0, 0, 0);
    for seed in SEEDS {
        let table = RandomBatches::new(seed).table();
        kinds.extend(TypeKind::of_schema(&table.schema));
        for batch in &table.batches {
            assert_eq!(batch.schema(), table.schema);
            without_columns += usize::from(batch.num_columns() == 0 && batch.num_rows() > 0);
            for column in batch.columns().iter().map(|column| column.to_data()) {
                column.validate_full().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
                outer_offsets += usize::from(column.offset() > 0);
                arrays(&column, &mut |data| {
                    inner_offsets += usize::from(data.offset() > 0);
                    null_offsets += usize::from(data.nulls().is_some_and(|nulls| nulls.offset() != data.offset()));
                });
            }
        }
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), TypeKind::ALL);
    assert!(outer_offsets > 100 && inner_offsets > outer_offsets + 100, "{outer_offsets} {inner_offsets}");
    assert!(null_offsets > 100 && without_columns > 10, "{null_offsets} {without_columns}");
}

#[test]
fn types_nest_as_deep_as_they_may_and_no_deeper() {
    fn depth(data_type: &DataType) -> usize {
        let fields = match data_type {
            DataType::Struct(fields) => fields.iter().cloned().collect(),
            DataType::Union(fields, _) => fields.iter().map(|(_, field)| field.clone()).collect(),
            DataType::Map(entries, _) => return depth(entries.data_type()),
            DataType::Dictionary(_, values) => return depth(values),
            DataType::RunEndEncoded(_, field)
            | DataType::List(field)
            | DataType::LargeList(field)
            | DataType::ListView(field)
            | DataType::LargeListView(field)
            | DataType::FixedSizeList(field, _) => vec![field.clone()],
            _ => return 0,
        };
        1 + fields.iter().map(|field| depth(field.data_type())).max().unwrap_or_default()
    }
    for most in 0..5 {
        let schemas = SEEDS.map(|seed| RandomBatches { depth: most, ..RandomBatches::new(seed) }.schema());
        let deepest = schemas.flat_map(|schema| schema.fields().iter().map(|f| depth(f.data_type())).max());
        assert_eq!(deepest.max(), Some(most));
    }
}

#[test]
fn kinds_that_are_left_out_are_not_used() {
    for seed in SEEDS {
        let left_out = TypeKind::ALL[seed as usize % TypeKind::ALL.len()];
        let kinds: Vec<_> = TypeKind::ALL.iter().copied().filter(|kind| *kind != left_out).collect();
        let used = TypeKind::of_schema(&RandomBatches { kinds, ..RandomBatches::new(seed) }.schema());
        assert!(!used.contains(&left_out), "{left_out} with seed {seed}");
    }
}

#[test]
fn an_array_begins_at_the_start_of_its_memory() {
    for data_type in all_types() {
        arrays(&array(&data_type, 50, true, 1).to_data(), &mut |data| assert_eq!(data.offset(), 0, "{data_type}"));
    }
}
