//! Fuzz targets: what each does with an input, valid inputs to begin with, and how to change one.
//!
//! A target panics where a promise does not hold. `cargo xtask fuzz` runs them on stable Rust, and a smoke run of each is among
//! the tests; `fuzz/` beside this folder's parent has them for cargo-fuzz, which is led by coverage and needs nightly.

mod answering;
mod assembly;
mod choices;
mod embedded;
mod flatbuffer;
mod flight_data;
mod ipc_decoder;
mod ipc_file;
mod ipc_stream;
mod location;
mod messages;
mod mutate;
mod outcome;
mod schema_bytes;
mod streams;
mod trailers;

use rand::rngs::SmallRng;

pub use self::outcome::Outcome;

/// Something that reads what a peer sends.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, as the command line and cargo-fuzz have it.
    pub name: &'static str,
    /// Inputs to begin with, most of them valid.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Reads an input, and panics where a promise does not hold.
    pub run: fn(&[u8]) -> Outcome,
    /// Changes an input; the second one is there to take parts of.
    pub mutate: fn(&mut Vec<u8>, &[u8], &mut SmallRng),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    flight_data::TARGET,
    ipc_decoder::TARGET,
    ipc_stream::TARGET,
    ipc_file::TARGET,
    assembly::TARGET,
    location::TARGET,
    trailers::TARGET,
    schema_bytes::TARGET,
];

impl Target {
    /// The target of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }
}
