//! What the programs of this package share: data, files of it, errors, flags, servers of others, how they are told to
//! stop, and what a process used.

mod columns;
mod flags;
mod hosts;
mod interop;
mod json_dialect;
mod json_file;
pub mod ported;
mod same;
mod stop;
mod usage;

pub use crate::columns::{BYTES_PER_ROW, columns};
pub use crate::flags::two_dashes;
pub use crate::hosts::{Host, Hosted};
pub use crate::interop::{ERROR_KINDS, counted, error, numbers, numbers_schema, words, words_schema};
pub use crate::json_file::read_json_file;
pub use crate::same::{ensure_same, ordered_dictionaries};
pub use crate::stop::input_closed;
pub use crate::usage::{Measured, Usage};
