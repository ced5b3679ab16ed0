//! A table of checks that run in many pairings: a line a check, a column a pairing of client and server.

use std::fmt::Write;

use super::outcome::Outcome;
use super::peers::Implementation;

/// A pairing: client and server, and what is special about it: where the server was, or what the client did if it did not
/// do the whole check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) client: Implementation,
    pub(super) server: Implementation,
    pub(super) what: &'static str,
}

/// The table, filled row by row.
pub(super) struct Matrix {
    title: &'static str,
    columns: Vec<Column>,
    rows: Vec<(String, Vec<Outcome>)>,
}

impl Matrix {
    pub(super) fn new(title: &'static str, columns: Vec<Column>) -> Self {
        Self { title, columns, rows: Vec::new() }
    }

    /// Adds a check with what came of it in each column.
    pub(super) fn push(&mut self, check: impl Into<String>, outcomes: Vec<Outcome>) {
        debug_assert_eq!(outcomes.len(), self.columns.len());
        self.rows.push((check.into(), outcomes));
    }

    /// All that came of it.
    pub(super) fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.rows.iter().flat_map(|(_, outcomes)| outcomes)
    }

    /// The table as text; below it what failed, and why something is lacking.
    pub(super) fn table(&self) -> String {
        let headings: [(&str, Vec<String>); 3] = [
            ("client", self.columns.iter().map(|column| column.client.to_string()).collect()),
            ("server", self.columns.iter().map(|column| column.server.to_string()).collect()),
            (self.title, self.columns.iter().map(|column| column.what.to_owned()).collect()),
        ];
        let words = self.rows.iter().map(|(check, outcomes)| {
            (check.as_str(), outcomes.iter().map(|outcome| outcome.word().to_owned()).collect())
        });
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
        for (check, outcomes) in &self.rows {
            for (outcome, column) in outcomes.iter().zip(&self.columns) {
                match outcome {
                    Outcome::Pass => {}
                    Outcome::Fail(fault) => {
                        let fault = fault.trim_end().replace('\n', "\n        ");
                        // Writing to a string does not fail.
                        let _ = writeln!(out, "FAIL {check}, {column}\n        {fault}");
                    }
                    Outcome::Lacking(why) => match lacking.iter_mut().find(|(of, _)| of == why) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_a_check_and_a_column_a_pairing() {
        let columns = [Implementation::Go, Implementation::Pyarrow].map(|client| Column {
            client,
            server: Implementation::Pyarrow,
            what: "",
        });
        let mut matrix = Matrix::new("scenario", columns.to_vec());
        matrix.push("ordered", vec![Outcome::Pass, Outcome::Fail("why\nand how\n".into())]);
        matrix.push("echo", vec![Outcome::Lacking("Go has none".into()), Outcome::Pass]);
        matrix.push("other", vec![Outcome::Pass, Outcome::Lacking("not yet".into())]);
        matrix.push("last", vec![Outcome::Lacking("not yet".into()), Outcome::Lacking("not yet".into())]);
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
    }
}
