//! Random schemas and batches over all types of Arrow, the same for the same seed.

mod arrays;
mod kind;
mod lists;
mod schemas;
mod values;

use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, SchemaRef};
use peregrine_stream::Table;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use self::arrays::Arrays;
use self::schemas::Schemas;

pub use self::kind::TypeKind;
pub use self::lists::{all_types, batch, flat_types, nested_types};

/// Random tables over all types of Arrow: types within types, metadata, names that are empty or twice there; arrays with
/// nulls, with offsets at every level, and dictionaries that stay, grow and change from batch to batch.
///
/// All values are valid, also by the rules that Arrow's C++ has for times and decimals.
///
/// ```
/// use peregrine_testkit::random::{RandomBatches, TypeKind};
///
/// let all = RandomBatches::new(7);
/// assert_eq!(all.table(), all.table(), "the same for the same seed");
///
/// // For a peer that has neither views nor unions, and four columns at a time.
/// let takes = |kind: &TypeKind| !["View", "Union"].iter().any(|lacks| kind.name().contains(lacks));
/// let kinds = TypeKind::ALL.iter().copied().filter(takes);
/// let some = RandomBatches { columns: 4..=4, kinds: kinds.collect(), ..RandomBatches::new(7) };
/// let used = TypeKind::of_schema(&some.schema());
/// assert!(!used.is_empty() && used.iter().all(|kind| some.kinds.contains(kind)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RandomBatches {
    /// All that is random follows from it.
    pub seed: u64,
    /// How many types are inside of one another at most, below that of a column: 0 gives no nested types. 3 unless set.
    pub depth: usize,
    /// How many columns there are. None to 6 unless set; batches without columns have rows too.
    pub columns: RangeInclusive<usize>,
    /// How many batches a table has. None to 4 unless set.
    pub batches: RangeInclusive<usize>,
    /// How many rows a batch has. None to 200 unless set, and no more than 20 000: 16 bits count them in run ends.
    pub rows: RangeInclusive<usize>,
    /// The kinds of types to use. All unless set.
    pub kinds: Vec<TypeKind>,
    /// The fields of list items, map entries and run ends have the names and the nullability of Arrow's specification and
    /// no metadata: some implementations write their own ones whatever they read. Off unless set.
    pub standard_children: bool,
}

impl RandomBatches {
    /// Of all types.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            depth: 3,
            columns: 0..=6,
            batches: 0..=4,
            rows: 0..=200,
            kinds: TypeKind::ALL.into(),
            standard_children: false,
        }
    }

    /// The schema of the table.
    ///
    /// # Panics
    /// If [`kinds`](Self::kinds) has no kind that can stand alone.
    pub fn schema(&self) -> SchemaRef {
        let mut random = StdRng::seed_from_u64(self.seed);
        let columns = random.random_range(self.columns.clone());
        Arc::new(Schemas::new(random, &self.kinds, self.standard_children).schema(columns, self.depth))
    }

    /// A table.
    ///
    /// # Panics
    /// As [`schema`](Self::schema).
    pub fn table(&self) -> Table {
        let schema = self.schema();
        let mut random = StdRng::seed_from_u64(!self.seed);
        let count = random.random_range(self.batches.clone());
        let mut arrays = Arrays::with_slices(random.random());
        let mut batches = Vec::<RecordBatch>::new();
        for _ in 0..count {
            let rows = random.random_range(self.rows.clone());
            // Now and then rows of the batch before, which shares its dictionaries.
            let batch = match batches.last() {
                Some(last) if last.num_rows() >= rows && random.random_ratio(1, 2) => {
                    last.slice(random.random_range(0..=last.num_rows() - rows), rows)
                }
                _ => arrays.batch(&schema, rows),
            };
            batches.push(batch);
        }
        Table::new(schema, batches)
    }
}

/// An array of `rows` random values, about a fifth of them null if it is `nullable`. It begins at the start of its
/// memory.
///
/// # Panics
/// If the type is a run-end-encoded one whose ends cannot count the rows.
pub fn array(data_type: &DataType, rows: usize, nullable: bool, seed: u64) -> ArrayRef {
    Arrays::new(seed).array(data_type, rows, nullable)
}

impl Arrays {
    fn batch(&mut self, schema: &SchemaRef, rows: usize) -> RecordBatch {
        let column = |field: &arrow_schema::FieldRef| self.array(field.data_type(), rows, field.is_nullable());
        let columns = schema.fields().iter().map(column).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(schema.clone(), columns, &options).expect("columns of the schema's types")
    }
}

#[cfg(test)]
mod tests;
