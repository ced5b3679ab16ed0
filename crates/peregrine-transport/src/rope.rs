//! A rope: many pieces of memory that go to the socket as one, without being copied together.

use std::collections::VecDeque;
use std::fmt;
use std::io::IoSlice;
use std::mem;

use bytes::{Buf, Bytes, BytesMut};

/// Parts below this many bytes are copied together with small neighbours: each part of a rope costs a slot of a
/// vectored write, and h2 hands at most 16 of them to one write.
const MERGE_BELOW: usize = 4 << 10;

/// A run of merged parts is closed at this size, so that it never moves often while it grows.
const MERGED_RUN: usize = 64 << 10;

/// A list of `Bytes` that reads as one buffer and shares the memory of its parts.
///
/// ```
/// use bytes::{Buf, Bytes};
/// use peregrine_transport::Rope;
///
/// let mut rope = Rope::from(Bytes::from_static(b"head"));
/// rope.push(Bytes::from(vec![7; 1 << 20]));
/// assert_eq!(rope.len(), 4 + (1 << 20));
/// let head = rope.split_to(4);
/// assert_eq!(head.chunk(), b"head");
/// ```
#[derive(Default, Clone)]
pub struct Rope {
    parts: VecDeque<Bytes>,
    /// Small parts at the end, copied together. It may grow until a large part follows.
    tail: BytesMut,
    length: usize,
    merged: u64,
}

impl Rope {
    /// An empty rope.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes are left to read.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing is left to read.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Adds a part at the end. A small part beside another small one is copied; any other is shared.
    pub fn push(&mut self, part: impl Into<Bytes>) {
        let part = part.into();
        if part.is_empty() {
            return;
        }
        self.length += part.len();
        if part.len() >= MERGE_BELOW {
            self.close_run();
            self.parts.push_back(part);
        } else if !self.tail.is_empty() {
            self.merge(&part);
        } else if self.parts.back().is_some_and(|last| last.len() < MERGE_BELOW) {
            let last = self.parts.pop_back().unwrap_or_default();
            self.merge(&last);
            self.merge(&part);
        } else {
            self.parts.push_back(part);
        }
    }

    /// Adds all parts of another rope at the end, as [`push`](Self::push) would.
    pub fn append(&mut self, other: Rope) {
        self.merged += other.merged;
        for part in other.parts {
            self.push(part);
        }
        self.push(other.tail.freeze());
    }

    /// Takes the first `count` bytes off, sharing the memory.
    ///
    /// # Panics
    /// If `count` is greater than [`len`](Self::len).
    #[must_use]
    pub fn split_to(&mut self, count: usize) -> Rope {
        assert!(count <= self.length, "cannot split {count} bytes off a rope of {}", self.length);
        self.close_run();
        let mut front = Rope { length: count, ..Rope::default() };
        let mut missing = count;
        while missing > 0 {
            let Some(mut part) = self.parts.pop_front() else { break };
            if part.len() > missing {
                front.parts.push_back(part.split_to(missing));
                self.parts.push_front(part);
                break;
            }
            missing -= part.len();
            front.parts.push_back(part);
        }
        self.length -= count;
        front
    }

    /// Takes the first piece of memory off; `None` at the end.
    pub(crate) fn pop_part(&mut self) -> Option<Bytes> {
        self.close_run();
        let part = self.parts.pop_front()?;
        self.length -= part.len();
        Some(part)
    }

    /// How many bytes were copied to merge small parts, since the rope began. [`split_to`](Self::split_to) leaves
    /// the count with the rear.
    pub fn merged_bytes(&self) -> u64 {
        self.merged
    }

    /// How many pieces of memory the rope has now.
    pub fn parts(&self) -> usize {
        self.parts.len() + usize::from(!self.tail.is_empty())
    }

    fn merge(&mut self, part: &[u8]) {
        self.tail.extend_from_slice(part);
        self.merged += part.len() as u64;
        if self.tail.len() >= MERGED_RUN {
            self.close_run();
        }
    }

    fn close_run(&mut self) {
        if !self.tail.is_empty() {
            self.parts.push_back(mem::take(&mut self.tail).freeze());
        }
    }
}

impl Buf for Rope {
    fn remaining(&self) -> usize {
        self.length
    }

    fn chunk(&self) -> &[u8] {
        self.parts.front().map_or(&self.tail[..], |part| part)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let tail = (!self.tail.is_empty()).then_some(&self.tail[..]);
        let parts = self.parts.iter().map(|part| &part[..]).chain(tail);
        slices.iter_mut().zip(parts).map(|(slice, part)| *slice = IoSlice::new(part)).count()
    }

    fn advance(&mut self, count: usize) {
        assert!(count <= self.length, "cannot advance {count} bytes in a rope of {}", self.length);
        self.length -= count;
        let mut missing = count;
        while missing > 0 {
            match self.parts.front_mut() {
                Some(part) if part.len() > missing => return part.advance(missing),
                Some(part) => {
                    missing -= part.len();
                    self.parts.pop_front();
                }
                None => return self.tail.advance(missing),
            }
        }
    }

    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        let mut front = self.split_to(count);
        match front.parts.len() {
            0 => Bytes::new(),
            1 => front.parts.pop_front().unwrap_or_default(),
            _ => {
                let mut whole = BytesMut::with_capacity(count);
                front.parts.iter().for_each(|part| whole.extend_from_slice(part));
                whole.freeze()
            }
        }
    }
}

impl From<Bytes> for Rope {
    fn from(part: Bytes) -> Self {
        let mut rope = Self::default();
        rope.push(part);
        rope
    }
}

impl From<BytesMut> for Rope {
    fn from(part: BytesMut) -> Self {
        part.freeze().into()
    }
}

impl FromIterator<Bytes> for Rope {
    fn from_iter<I: IntoIterator<Item = Bytes>>(parts: I) -> Self {
        let mut rope = Self::default();
        parts.into_iter().for_each(|part| rope.push(part));
        rope
    }
}

impl fmt::Debug for Rope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rope").field("length", &self.length).field("parts", &self.parts()).finish()
    }
}

#[cfg(test)]
mod tests;
