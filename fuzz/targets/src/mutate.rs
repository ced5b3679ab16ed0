//! Changes of an input that is nothing but bytes.

use rand::Rng;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;

/// Inputs grow no further than this.
pub(crate) const LONGEST: usize = 1 << 16;

/// Changes a few places of an input. `tokens` are words of its language, `other` is an input to take parts of.
pub(crate) fn bytes(input: &mut Vec<u8>, other: &[u8], tokens: &[&[u8]], random: &mut SmallRng) {
    for _ in 0..1 << random.random_range(0..4) {
        let place = random.random_range(0..=input.len());
        let length = random.random_range(0..=16).min(input.len() - place);
        match random.random_range(0..8) {
            0 | 1 => change_byte(input, place, random),
            2 => drop(input.drain(place..place + length)),
            3 => input.truncate(place),
            4 => insert(input, place, &vec![random.random(); length]),
            5 => insert(input, place, part(other, random)),
            6 => overwrite(input, place, part(other, random)),
            _ => insert(input, place, tokens.choose(random).copied().unwrap_or_default()),
        }
    }
}

/// Changes one byte. Single bits, small steps and extremes break other things than noise does.
pub(crate) fn change_byte(input: &mut [u8], place: usize, random: &mut SmallRng) {
    if let Some(byte) = input.get_mut(place) {
        *byte = match random.random_range(0..4) {
            0 => *byte ^ (1 << random.random_range(0..8)),
            1 => byte.wrapping_add(random.random_range(1..4)),
            2 => [0, 1, 0x7f, 0x80, 0xff][random.random_range(0..5)],
            _ => random.random(),
        };
    }
}

/// Any part of some bytes.
pub(crate) fn part<'a>(bytes: &'a [u8], random: &mut SmallRng) -> &'a [u8] {
    let start = random.random_range(0..=bytes.len());
    let end = random.random_range(start..=bytes.len());
    &bytes[start..end]
}

fn insert(input: &mut Vec<u8>, place: usize, more: &[u8]) {
    if input.len() + more.len() <= LONGEST {
        input.splice(place..place, more.iter().copied());
    }
}

fn overwrite(input: &mut [u8], place: usize, with: &[u8]) {
    let length = with.len().min(input.len() - place);
    input[place..place + length].copy_from_slice(&with[..length]);
}
