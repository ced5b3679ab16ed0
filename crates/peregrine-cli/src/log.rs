//! What the program says beside its output: lines on stderr.

use std::fmt;
use std::io::{self, Write};

/// Writes a line to stderr. Without a reader for it the line is lost; nothing else happens.
pub(crate) fn log(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "peregrine: {line}");
}
