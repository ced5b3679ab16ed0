//! What a target tells of a run that kept all promises.

use std::fmt::Display;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What became of an input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Whether any of it was taken.
    pub accepted: bool,
    /// What happened to each part of it, as hashes. An input with one that no other had is worth changing further, where
    /// coverage is not known.
    pub notes: Vec<u64>,
}

impl Outcome {
    /// Notes that something of use was taken, and what it was.
    pub(crate) fn took(&mut self, what: impl Display) {
        self.accepted = true;
        self.note(&what.to_string());
    }

    /// Notes what happened otherwise, as why a part was refused. Numbers and quoted names are the input's own and make no
    /// other note.
    pub(crate) fn noted(&mut self, what: impl Display) {
        let what = what.to_string();
        let unquoted: String = what.split(['\'', '"']).step_by(2).collect();
        self.note(&unquoted.replace(|c: char| c.is_ascii_digit(), ""));
    }

    fn note(&mut self, what: &str) {
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        self.notes.push(hasher.finish());
    }
}
