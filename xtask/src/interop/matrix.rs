//! A table of checks that run in many pairings: a line a check, a column a pairing of client and server.

use std::fmt::Write;

use anyhow::Result;

use super::peers::Peer;

/// What came of one check in one pairing.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Pass,
    Fail(String),
    /// One of the two does not have it, with the reason.
    Lacking(&'static str),
}

impl From<Result<()>> for Cell {
    fn from(result: Result<()>) -> Self {
        match result {
            Ok(()) => Self::Pass,
            Err(error) => Self::Fail(format!("{error:#}")),
        }
    }
}

/// A pairing: client and server, and what the client did if it did not do the whole check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) client: Peer,
    pub(super) server: Peer,
    pub(super) what: &'static str,
}

/// The table, filled row by row.
pub(super) struct Matrix {
    title: &'static str,
    columns: Vec<Column>,
    rows: Vec<(String, Vec<Cell>)>,
}

impl Matrix {
    pub(super) fn new(title: &'static str, columns: Vec<Column>) -> Self {
        Self { title, columns, rows: Vec::new() }
    }

    /// Adds a check with what came of it in each column.
    pub(super) fn push(&mut self, check: impl Into<String>, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push((check.into(), cells));
    }

    /// How many passed, failed, and are lacking.
    pub(super) fn counts(&self) -> [usize; 3] {
        let mut counts = [0; 3];
        for cell in self.rows.iter().flat_map(|(_, cells)| cells) {
            match cell {
                Cell::Pass => counts[0] += 1,
                Cell::Fail(_) => counts[1] += 1,
                Cell::Lacking(_) => counts[2] += 1,
            }
        }
        counts
    }

    /// The table as text; below it what failed, and why something is lacking.
    pub(super) fn table(&self) -> String {
        let headings: [(&str, Vec<String>); 3] = [
            ("client", self.columns.iter().map(|column| column.client.to_string()).collect()),
            ("server", self.columns.iter().map(|column| column.server.to_string()).collect()),
            (self.title, self.columns.iter().map(|column| column.what.to_owned()).collect()),
        ];
        let words = self.rows.iter().map(|(check, cells)| (check.as_str(), cells.iter().map(word).collect()));
        let lines: Vec<(&str, Vec<String>)> = headings.into_iter().chain(words).collect();
        let first = lines.iter().map(|(check, _)| check.len()).max().unwrap_or_default();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| lines.iter().map(|(_, words)| words[column].len()).max().unwrap_or_default())
            .collect();
        let mut out = String::from("\n");
        for (check, words) in &lines {
            let mut line = format!("{check:<first$}");
            for (word, width) in words.iter().zip(&widths) {
                // Writing to a string does not fail.
                let _ = write!(line, "  {word:<width$}");
            }
            let _ = writeln!(out, "{}", line.trim_end());
        }
        out + &self.notes()
    }

    fn notes(&self) -> String {
        let mut out = String::new();
        let mut lacking: Vec<(&str, Vec<&str>)> = Vec::new();
        for (check, cells) in &self.rows {
            for (cell, column) in cells.iter().zip(&self.columns) {
                match cell {
                    Cell::Pass => {}
                    Cell::Fail(fault) => {
                        let fault = fault.trim_end().replace('\n', "\n        ");
                        // Writing to a string does not fail.
                        let _ = writeln!(out, "FAIL {check}, {column}\n        {fault}");
                    }
                    Cell::Lacking(why) => match lacking.iter_mut().find(|(of, _)| of == why) {
                        Some((_, checks)) if checks.contains(&check.as_str()) => {}
                        Some((_, checks)) => checks.push(check),
                        None => lacking.push((why, vec![check])),
                    },
                }
            }
        }
        for (why, checks) in lacking {
            let _ = writeln!(out, "lacking: {why}: {}", checks.join(", "));
        }
        out
    }
}

impl std::fmt::Display for Column {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "client {}, server {}", self.client, self.server)?;
        if self.what.is_empty() { Ok(()) } else { write!(f, ", {}", self.what) }
    }
}

fn word(cell: &Cell) -> String {
    match cell {
        Cell::Pass => "pass",
        Cell::Fail(_) => "FAIL",
        Cell::Lacking(_) => "lacking",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_a_check_and_a_column_a_pairing() {
        let columns = [Peer::Go, Peer::Pyarrow].map(|client| Column { client, server: Peer::Pyarrow, what: "" });
        let mut matrix = Matrix::new("scenario", columns.to_vec());
        matrix.push("ordered", vec![Cell::Pass, Cell::Fail("why\nand how\n".into())]);
        matrix.push("echo", vec![Cell::Lacking("Go has none"), Cell::Pass]);
        matrix.push("other", vec![Cell::Pass, Cell::Lacking("not yet")]);
        matrix.push("last", vec![Cell::Lacking("not yet"), Cell::Lacking("not yet")]);
        let expected = "
client    Go       pyarrow
server    pyarrow  pyarrow
scenario
ordered   pass     FAIL
echo      lacking  pass
other     pass     lacking
last      lacking  lacking
FAIL ordered, client pyarrow, server pyarrow
        why
        and how
lacking: Go has none: echo
lacking: not yet: other, last
";
        assert_eq!(matrix.table(), expected);
        assert_eq!(matrix.counts(), [3, 1, 4]);
    }
}
