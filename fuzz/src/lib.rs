//! What joins a fuzz target to libFuzzer.

use std::sync::OnceLock;

use fuzz::Target;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

pub use libfuzzer_sys;

/// The target of this name.
pub fn target(name: &str) -> &'static Target {
    fuzz::named(name).expect("a program here has the name of a target")
}

/// Changes the input that stands in the first `size` bytes of `data`: as the target does, or as libFuzzer does.
pub fn mutate(target: &Target, data: &mut [u8], size: usize, most: usize, seed: u32) -> usize {
    static SEEDS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    let mut random = SmallRng::seed_from_u64(seed.into());
    if random.random_bool(0.5) {
        return libfuzzer_sys::fuzzer_mutate(data, size, most);
    }
    let seeds = SEEDS.get_or_init(target.seeds);
    let other = &seeds[random.random_range(0..seeds.len())];
    let mut input = data[..size].to_vec();
    (target.mutate)(&mut input, other, &mut random);
    input.truncate(most);
    data[..input.len()].copy_from_slice(&input);
    input.len()
}

/// The program of a target.
#[macro_export]
macro_rules! program {
    ($name:literal) => {
        use $crate::libfuzzer_sys;
        libfuzzer_sys::fuzz_target!(|data: &[u8]| {
            ($crate::target($name).run)(data);
        });
        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            $crate::mutate($crate::target($name), data, size, max_size, seed)
        });
    };
}
