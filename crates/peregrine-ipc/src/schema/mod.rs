//! What a schema says about the messages of its stream: the plan of a batch, the ids of dictionaries, which may grow.

mod child_fields;
mod counts;
mod deltas;
mod dictionary_ids;
mod plan;
mod shape;

pub use self::dictionary_ids::DictionaryIds;

pub(crate) use self::child_fields::child_fields;
pub(crate) use self::counts::Counts;
pub(crate) use self::deltas::takes_deltas;
pub(crate) use self::dictionary_ids::same_schema;
pub(crate) use self::plan::{FieldPlan, Plan};
pub(crate) use self::shape::Shape;
