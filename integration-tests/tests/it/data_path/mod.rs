//! Batches on their way: shared, cut, copied once, passed through.

pub(crate) mod one_copy;
mod passed_through;
mod random_tables;
