//! What came of checks, read from the lines of JSON that the programs print, and shown as a table.
//!
//! A line has a `check` and either a `fault`, which is null if all was well, or `saw`, which is compared with what
//! the same program saw of another server.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use crate::process::{self, Running};

/// What a program with all its checks may take.
const TIMEOUT: Duration = Duration::from_secs(300);

/// One check, done.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    check: String,
    direction: &'static str,
    fault: Option<String>,
}

impl Row {
    pub(super) fn new(check: impl Into<String>, direction: &'static str, result: Result<()>) -> Self {
        Self { check: check.into(), direction, fault: result.err().map(|error| format!("{error:#}")) }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.fault.is_some()
    }
}

/// A line that a program printed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Seen {
    /// Judged by the program itself.
    Judged(Option<String>),
    /// To be compared.
    Saw(Value),
}

/// What a program printed: its checks in order, and whether it came to its end.
pub(super) struct Report {
    checks: Vec<(String, Seen)>,
    end: Result<()>,
}

impl Report {
    /// Runs a program that prints lines of checks.
    pub(super) fn of(command: Command, log: &Path) -> Self {
        Self::run(command, log).unwrap_or_else(|error| Self { checks: Vec::new(), end: Err(error) })
    }

    fn run(command: Command, log: &Path) -> Result<Self> {
        let mut running = Running::start(command, log)?;
        running.close_stdin();
        let (status, lines) = running.wait(TIMEOUT)?;
        let checks = lines.iter().map(|line| read(line)).collect::<Result<_>>()?;
        let end = match status.success() {
            true => Ok(()),
            false => Err(anyhow!("the program ended with {status}\n{}", process::end_of_log(log))),
        };
        Ok(Self { checks, end })
    }

    /// A row for each check, judged by the program or by what another server showed, and one for the end: a program
    /// that checked nothing has failed.
    pub(super) fn judge(self, direction: &'static str, reference: Option<Report>) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut expected = BTreeMap::new();
        if let Some(reference) = reference {
            expected.extend(reference.checks);
            rows.extend(reference.end.err().map(|error| Row::new("the reference's program", direction, Err(error))));
        }
        let end = match (self.end, self.checks.is_empty()) {
            (Ok(()), true) => Err(anyhow!("the program printed no check")),
            (end, _) => end,
        };
        for (check, seen) in self.checks {
            let fault = match (seen, expected.remove(&check)) {
                (Seen::Judged(fault), _) => fault,
                (Seen::Saw(saw), Some(Seen::Saw(expected))) if saw == expected => None,
                (Seen::Saw(saw), Some(Seen::Saw(expected))) => Some(format!("saw      {saw}\nexpected {expected}")),
                (Seen::Saw(_), Some(Seen::Judged(fault))) => {
                    Some(format!("the reference failed: {}", fault.unwrap_or_default()))
                }
                (Seen::Saw(_), None) => Some("the reference has no such check".to_owned()),
            };
            rows.push(Row { check, direction, fault });
        }
        rows.extend(expected.into_keys().map(|check| Row::new(check, direction, Err(anyhow!("was not run")))));
        rows.push(Row::new("every check ran", direction, end));
        rows
    }
}

fn read(line: &str) -> Result<(String, Seen)> {
    let value: Value = serde_json::from_str(line).with_context(|| format!("not a line of JSON: {line}"))?;
    let check = value["check"].as_str().with_context(|| format!("no check in {line}"))?.to_owned();
    let seen = match (value.get("saw"), value.get("fault")) {
        (Some(saw), None) => Seen::Saw(saw.clone()),
        (_, Some(Value::String(fault))) => Seen::Judged(Some(fault.clone())),
        (None, Some(Value::Null)) => Seen::Judged(None),
        _ => bail!("neither `saw` nor `fault` in {line}"),
    };
    Ok((check, seen))
}

/// The rows under a heading, faults below their checks.
pub(super) fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.direction.len()).max().unwrap_or_default();
    let mut out = format!("\n{:<6}  {:<width$}  check\n", "result", "direction");
    for row in rows {
        let result = if row.has_failed() { "FAIL" } else { "pass" };
        // Writing to a string does not fail.
        let _ = writeln!(out, "{result:<6}  {:<width$}  {}", row.direction, row.check);
        for line in row.fault.iter().flat_map(|fault| fault.lines()) {
            let _ = writeln!(out, "        {line}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(lines: &[&str]) -> Report {
        Report { checks: lines.iter().map(|line| read(line).unwrap()).collect(), end: Ok(()) }
    }

    fn faults(rows: &[Row]) -> Vec<(&str, bool)> {
        rows.iter().map(|row| (row.check.as_str(), row.has_failed())).collect()
    }

    #[test]
    fn judged_lines_stand_for_themselves() {
        let rows = report(&[r#"{"check": "a", "fault": null}"#, r#"{"check": "b", "fault": "why"}"#]).judge("to", None);
        assert_eq!(faults(&rows), [("a", false), ("b", true), ("every check ran", false)]);
        assert!(table(&rows).contains("FAIL    to  b\n        why\n"), "{}", table(&rows));
    }

    #[test]
    fn seen_lines_are_compared() {
        let reference = report(&[r#"{"check": "a", "saw": [1]}"#, r#"{"check": "b", "saw": [2]}"#]);
        let ours = report(&[r#"{"check": "a", "saw": [1]}"#, r#"{"check": "b", "saw": [3]}"#]);
        assert_eq!(faults(&ours.judge("to", Some(reference))), [("a", false), ("b", true), ("every check ran", false)]);
    }

    #[test]
    fn a_check_that_one_side_lacks_has_failed() {
        let reference = report(&[r#"{"check": "a", "saw": [1]}"#]);
        let ours = report(&[r#"{"check": "b", "saw": [1]}"#]);
        assert_eq!(faults(&ours.judge("to", Some(reference))), [("b", true), ("a", true), ("every check ran", false)]);
    }

    #[test]
    fn a_program_that_checks_nothing_has_failed() {
        assert_eq!(faults(&report(&[]).judge("to", None)), [("every check ran", true)]);
        assert_eq!(faults(&report(&[]).judge("to", Some(report(&[])))), [("every check ran", true)]);
    }

    #[test]
    fn two_that_fail_alike_have_failed() {
        let line = r#"{"check": "a", "fault": "Traceback"}"#;
        assert!(report(&[line]).judge("to", Some(report(&[line])))[0].has_failed());
        let reference = report(&[line]);
        assert!(report(&[r#"{"check": "a", "saw": 1}"#]).judge("to", Some(reference))[0].has_failed());
    }

    #[test]
    fn a_line_must_say_what_came_of_it() {
        assert!(read(r#"{"check": "a"}"#).is_err());
        assert!(read("Traceback").is_err());
    }
}
