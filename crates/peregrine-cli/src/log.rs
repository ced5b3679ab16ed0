//! What the program says beside its output: lines on stderr.

use std::collections::HashSet;
use std::fmt;
use std::io::{self, Write};
use std::sync::LazyLock;

use peregrine::transport::Mutex;

/// How many lines are kept in mind. Behind that, lines that would be said once are said no more.
const MAX_SAID: usize = 10_000;

/// Writes a line to stderr. Without a reader for it the line is lost; nothing else happens.
pub(crate) fn log(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "peregrine: {line}");
}

/// Writes a line to stderr unless it was written before: for what is found again with every call.
pub(crate) fn log_once(line: fmt::Arguments<'_>) {
    static SAID: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
    let mut said = SAID.lock();
    if said.len() < MAX_SAID && said.insert(line.to_string()) {
        drop(said);
        log(line);
    }
}
