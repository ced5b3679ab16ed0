//! Inputs that are IPC messages, header and body each, and changes that know what stands in them.

use peregrine::ipc::EncodedMessage;
use rand::Rng;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;

use crate::flatbuffer;
use crate::mutate::{LONGEST, change_byte};

/// A message as it lies in an input: the lengths of header and body, 16 bits each, then both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) header: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

impl Message {
    pub(crate) fn of(message: &EncodedMessage) -> Self {
        Self { header: message.header.to_vec(), body: message.body_bytes().to_vec() }
    }
}

/// The messages of an input. The last one may be cut short; so every input is one of messages.
pub(crate) fn read(mut input: &[u8]) -> Vec<Message> {
    let mut messages = Vec::new();
    while let Some((&[a, b, c, d], rest)) = input.split_first_chunk() {
        let (header, rest) = cut(rest, [a, b]);
        let (body, rest) = cut(rest, [c, d]);
        messages.push(Message { header: header.to_vec(), body: body.to_vec() });
        input = rest;
    }
    messages
}

fn cut(bytes: &[u8], length: [u8; 2]) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.len().min(u16::from_le_bytes(length).into()))
}

/// Puts messages behind one another, those that fit.
pub(crate) fn write(input: &mut Vec<u8>, messages: &[Message]) {
    for Message { header, body } in messages {
        let lengths = [header, body].map(|part| u16::try_from(part.len()).map(u16::to_le_bytes));
        if let [Ok(header_length), Ok(body_length)] = lengths
            && input.len() + 4 + header.len() + body.len() <= LONGEST
        {
            input.extend([header_length, body_length].concat());
            input.extend_from_slice(header);
            input.extend_from_slice(body);
        }
    }
}

/// Changes a few things in messages. `others` are there to be mixed in.
pub(crate) fn change(messages: &mut Vec<Message>, others: &[Message], random: &mut SmallRng) {
    for _ in 0..1 << random.random_range(0..3) {
        // The last ones are batches, where most of the numbers are.
        let place = random.random_range(0..=messages.len()).max(random.random_range(0..=messages.len()));
        match messages.get_mut(place) {
            Some(message) if random.random_ratio(4, 5) => change_one(message, random),
            _ => rearrange(messages, place, others, random),
        }
    }
}

fn change_one(Message { header, body }: &mut Message, random: &mut SmallRng) {
    match random.random_range(0..20) {
        0..=9 => change_header(header, body.len(), random),
        10..=14 => change_number(body, random),
        15 => drop(header.drain(random.random_range(0..=header.len())..)),
        16 => drop(body.drain(random.random_range(0..=body.len())..)),
        17 => header.resize(header.len() + random.random_range(1..9), 0),
        18 => body.resize(body.len() + random.random_range(1..65), random.random()),
        _ => {
            let bytes = if random.random_bool(0.5) { header } else { body };
            let place = random.random_range(0..=bytes.len());
            change_byte(bytes, place, random);
        }
    }
}

/// Another order, another message, or parts of two.
fn rearrange(messages: &mut Vec<Message>, place: usize, others: &[Message], random: &mut SmallRng) {
    let other = || Message::default();
    let taken = others.choose(random).cloned().unwrap_or_else(other);
    let Some(last) = messages.len().checked_sub(1) else { return messages.push(taken) };
    let place = place.min(last);
    let second = random.random_range(0..=last);
    match random.random_range(0..7) {
        0 => drop(messages.remove(place)),
        1 => messages.insert(place, messages[second].clone()),
        2 => messages.swap(place, second),
        3 => messages.insert(place + 1, taken),
        4 => messages[place].body = messages[second].body.clone(),
        5 => messages[place].header = taken.header,
        _ => messages.extend_from_slice(others),
    }
}

/// Changes a number of a flatbuffer, whose body is so long.
pub(crate) fn change_header(header: &mut [u8], body: usize, random: &mut SmallRng) {
    let places = flatbuffer::places(header);
    let Some(place) = places.choose(random) else { return change_number(header, random) };
    let other = places.choose(random).map_or(0, |other| read_number(header, other.at, place.width));
    let hints = [body as u64, other, body as u64 / 8, 16];
    replace(header, place.at, place.width, &hints, random);
}

/// Changes a number wherever numbers may lie.
pub(crate) fn change_number(bytes: &mut [u8], random: &mut SmallRng) {
    let width = [1, 2, 4, 4, 8, 8][random.random_range(0..6)];
    if bytes.len() < width {
        return;
    }
    let at = random.random_range(0..=bytes.len() - width) / width * width;
    let other = random.random_range(0..=bytes.len() - width);
    let hints = [bytes.len() as u64, read_number(bytes, other, width), 1 << 20, 1 << 31];
    replace(bytes, at, width, &hints, random);
}

fn replace(bytes: &mut [u8], at: usize, width: usize, hints: &[u64], random: &mut SmallRng) {
    let old = read_number(bytes, at, width);
    let bits = 8 * width as u32;
    let new = match random.random_range(0..9) {
        0 => 0,
        1 => u64::MAX,
        // The largest and the smallest with a sign, and their neighbours.
        2 => (1_u64 << (bits - 1)).wrapping_add_signed(random.random_range(-2..2)),
        3 | 4 => old.wrapping_add_signed(random.random_range(-9..10)),
        5 => old ^ (1 << random.random_range(0..bits)),
        6 => old << random.random_range(0..4),
        7 => random.random::<u64>() >> random.random_range(0..64),
        _ => hints.choose(random).copied().unwrap_or_default().wrapping_add_signed(random.random_range(-1..2)),
    };
    bytes[at..at + width].copy_from_slice(&new.to_le_bytes()[..width]);
}

/// The number at a place, as far as it lies within.
fn read_number(bytes: &[u8], at: usize, width: usize) -> u64 {
    let mut word = [0; 8];
    let from = &bytes[at..bytes.len().min(at + width)];
    word[..from.len()].copy_from_slice(from);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn messages_lie_in_an_input_and_every_input_is_messages() {
        let messages: Vec<_> =
            [(3, 0), (0, 5), (300, 70)].map(|(h, b)| Message { header: vec![1; h], body: vec![2; b] }).into();
        let mut input = Vec::new();
        write(&mut input, &messages);
        assert_eq!(read(&input), messages);
        assert!((0..input.len()).all(|end| read(&input[..end]).len() <= 3));
        let mut random = SmallRng::seed_from_u64(1);
        for _ in 0..10_000 {
            let mut changed = messages.clone();
            change(&mut changed, &messages, &mut random);
            let mut input = Vec::new();
            write(&mut input, &changed);
            assert_eq!(read(&input), changed);
        }
    }
}
