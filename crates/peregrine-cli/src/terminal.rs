//! Text for a terminal or a pipe.

use std::borrow::Cow;
use std::io::{self, Write};

/// Writes to stdout. A reader that went away, as `head` does, is told by `false` and is no error.
pub(crate) fn print(text: &str) -> io::Result<bool> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
    }
}

/// Text that came from elsewhere, with its control characters escaped except line breaks: a value must not steer the
/// terminal that shows it.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c.is_control() && c != '\n')
}

/// As [`printable`], with line breaks escaped too: for names, and what else belongs on one line.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, char::is_control)
}

fn escaped(text: &str, steers: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// An error and its causes on one line, without the causes whose words are in an error above them.
pub(crate) fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// On which side a column's cells line up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// As text does.
    Left,
    /// As numbers do.
    Right,
}

/// Lines up rows of cells.
pub(crate) fn columns<const N: usize>(align: [Align; N], rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut out = String::new();
    for row in rows {
        let cells: [String; N] = std::array::from_fn(|i| match align[i] {
            Align::Left => format!("{:width$}", row[i], width = widths[i]),
            Align::Right => format!("{:>width$}", row[i], width = widths[i]),
        });
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(printable("a\x1b[2Jb\nc\u{9b}"), "a\\u{1b}[2Jb\nc\\u{9b}");
        assert_eq!(one_line("a\nb"), "a\\nb");
        assert!(matches!(printable("trips\u{e9}"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_cause_that_was_told_is_not_told_again() {
        let error = anyhow::anyhow!("no file").context("cannot read: no file").context("cannot serve");
        assert_eq!(chain(&error), "cannot serve: cannot read: no file");
    }

    #[test]
    fn columns_line_up() {
        let rows = [["NAME", "ROWS"], ["a", "10"], ["longer", "2"]].map(|row| row.map(str::to_owned));
        let align = [Align::Left, Align::Right];
        assert_eq!(columns(align, &rows), "NAME    ROWS\na         10\nlonger     2\n");
    }
}
