//! Fuzz targets: what each does with an input, valid inputs to begin with, and how to change one.
//!
//! A target panics where a promise does not hold. `cargo xtask fuzz` runs them on stable Rust, and a smoke run of each
//! is among the tests; the folder above has them for cargo-fuzz, which is led by coverage and needs nightly.

mod answering;
mod assembly;
mod choices;
mod embedded;
mod flatbuffer;
mod flight_data;
mod in_memory;
mod ipc_decoder;
mod ipc_file;
mod ipc_stream;
mod location;
mod messages;
mod mutate;
mod outcome;
mod schema_bytes;
mod streams;
mod target;
mod targets;
mod trailers;

pub use crate::outcome::Outcome;
pub use crate::target::Target;
pub use crate::targets::{TARGETS, named};
