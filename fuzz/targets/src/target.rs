//! What a fuzz target is.

use rand::rngs::SmallRng;

use crate::Outcome;

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
