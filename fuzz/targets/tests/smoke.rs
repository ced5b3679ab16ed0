//! A short run of each fuzz target, so that they do not rot: seeds, and a few hundred changes of them.

use fuzz::{TARGETS, Target};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

#[test]
fn targets_keep_their_promises_for_a_while() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        let accepted = seeds.iter().filter(|seed| (target.run)(seed).accepted).count();
        assert!(accepted * 2 > seeds.len(), "{}: {accepted} of {} seeds accepted", target.name, seeds.len());
        let mut random = SmallRng::seed_from_u64(7);
        let accepted = (0..300).filter(|_| (target.run)(&changed(target, &seeds, &mut random)).accepted).count();
        // Some changes do no harm.
        assert!(accepted > 20, "{}: {accepted} accepted", target.name);
    }
}

fn changed(target: &Target, seeds: &[Vec<u8>], random: &mut SmallRng) -> Vec<u8> {
    let mut pick = || random.random_range(0..seeds.len());
    let (mut input, other) = (seeds[pick()].clone(), &seeds[pick()]);
    (target.mutate)(&mut input, other, random);
    input
}

#[test]
fn targets_have_programs_for_cargo_fuzz() {
    let manifest = include_str!("../../Cargo.toml");
    for target in TARGETS {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{}.rs\"", target.name)), "{}", target.name);
    }
    assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
}
