//! What the measuring programs of this package share: the data that they move and what a process used.

mod columns;
mod usage;

pub use crate::columns::{BYTES_PER_ROW, columns};
pub use crate::usage::{Measured, Usage};
