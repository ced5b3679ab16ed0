//! What came of checks, read from the lines of JSON that the programs print, and shown as a table.
//!
//! A line has a `check` and one of three: a `fault`, which is null if all was well; why it is `lacking`; or `saw`, which
//! is compared with what the same program saw of another server.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use super::outcome::Outcome;
use crate::process::{self, Running};

/// What a program with all its checks may take.
const TIMEOUT: Duration = Duration::from_secs(300);

/// One check, done.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    check: String,
    direction: &'static str,
    outcome: Outcome,
}

impl Row {
    pub(super) fn new(check: impl Into<String>, direction: &'static str, result: Result<()>) -> Self {
        Self { check: check.into(), direction, outcome: result.into() }
    }

    pub(super) fn outcome(&self) -> &Outcome {
        &self.outcome
    }
}

/// A line that a program printed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Seen {
    /// Judged by the program itself.
    Judged(Outcome),
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
        Self::run(command, log).unwrap_or_else(Self::failed)
    }

    /// Of a program that could not be run.
    pub(super) fn failed(error: anyhow::Error) -> Self {
        Self { checks: Vec::new(), end: Err(error) }
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

    /// A row for each check, judged by the program or by what another server showed, and one for the end.
    pub(super) fn judge(self, direction: &'static str, reference: Option<&Report>) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut expected = BTreeMap::new();
        if let Some(reference) = reference {
            expected.extend(reference.checks.iter().cloned());
            let fault = reference.end.as_ref().err().map(|error| anyhow!("{error:#}"));
            rows.extend(fault.map(|fault| Row::new("the reference's program", direction, Err(fault))));
        }
        for (check, outcome) in self.into_outcomes(|check| expected.remove(check)) {
            rows.push(Row { check, direction, outcome });
        }
        rows.extend(expected.into_keys().map(|check| Row::new(check, direction, Err(anyhow!("was not run")))));
        rows
    }

    /// What came of each check, and of the program itself: one that checked nothing has failed. What was seen is compared
    /// with what `expected` has for the check.
    pub(super) fn into_outcomes(self, mut expected: impl FnMut(&str) -> Option<Seen>) -> Vec<(String, Outcome)> {
        let end = match (self.end, self.checks.is_empty()) {
            (Ok(()), true) => Err(anyhow!("the program printed no check")),
            (end, _) => end,
        };
        let judge = |(check, seen): (String, Seen)| {
            let outcome = match (seen, expected(&check)) {
                (Seen::Judged(outcome), _) => outcome,
                (Seen::Saw(saw), expected) => compare(&saw, expected).into(),
            };
            (check, outcome)
        };
        let mut outcomes: Vec<_> = self.checks.into_iter().map(judge).collect();
        outcomes.push(("every check ran".to_owned(), end.into()));
        outcomes
    }
}

fn compare(saw: &Value, expected: Option<Seen>) -> Result<()> {
    match expected {
        Some(Seen::Saw(expected)) if *saw == expected => Ok(()),
        Some(Seen::Saw(expected)) => bail!("saw      {saw}\nexpected {expected}"),
        Some(Seen::Judged(Outcome::Fail(fault))) => bail!("the reference failed: {fault}"),
        Some(Seen::Judged(_)) | None => bail!("the reference has no such check"),
    }
}

fn read(line: &str) -> Result<(String, Seen)> {
    let value: Value = serde_json::from_str(line).with_context(|| format!("not a line of JSON: {line}"))?;
    let check = value["check"].as_str().with_context(|| format!("no check in {line}"))?.to_owned();
    let seen = match (value.get("saw"), value.get("fault"), value.get("lacking")) {
        (Some(saw), None, None) => Seen::Saw(saw.clone()),
        (_, Some(Value::String(fault)), None) => Seen::Judged(Outcome::Fail(fault.clone())),
        (None, Some(Value::Null), None) => Seen::Judged(Outcome::Pass),
        (None, None, Some(Value::String(why))) => Seen::Judged(Outcome::Lacking(why.clone().into())),
        _ => bail!("not one of `saw`, `fault` and `lacking` in {line}"),
    };
    Ok((check, seen))
}

/// The rows under a heading, faults below their checks.
pub(super) fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.direction.len()).max().unwrap_or_default();
    let mut out = format!("\n{:<7}  {:<width$}  check\n", "result", "direction");
    for row in rows {
        // Writing to a string does not fail.
        let _ = writeln!(out, "{:<7}  {:<width$}  {}", row.outcome.word(), row.direction, row.check);
        let text: &str = match &row.outcome {
            Outcome::Pass => "",
            Outcome::Fail(fault) => fault,
            Outcome::Lacking(why) => why,
        };
        for line in text.lines() {
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
        rows.iter().map(|row| (row.check.as_str(), matches!(row.outcome, Outcome::Fail(_)))).collect()
    }

    #[test]
    fn judged_lines_stand_for_themselves() {
        let rows = report(&[r#"{"check": "a", "fault": null}"#, r#"{"check": "b", "fault": "why"}"#]).judge("to", None);
        assert_eq!(faults(&rows), [("a", false), ("b", true), ("every check ran", false)]);
        assert!(table(&rows).contains("FAIL     to  b\n        why\n"), "{}", table(&rows));
    }

    #[test]
    fn seen_lines_are_compared() {
        let reference = report(&[r#"{"check": "a", "saw": [1]}"#, r#"{"check": "b", "saw": [2]}"#]);
        let ours = report(&[r#"{"check": "a", "saw": [1]}"#, r#"{"check": "b", "saw": [3]}"#]);
        assert_eq!(
            faults(&ours.judge("to", Some(&reference))),
            [("a", false), ("b", true), ("every check ran", false)]
        );
    }

    #[test]
    fn a_check_that_one_side_lacks_has_failed() {
        let reference = report(&[r#"{"check": "a", "saw": [1]}"#]);
        let ours = report(&[r#"{"check": "b", "saw": [1]}"#]);
        assert_eq!(faults(&ours.judge("to", Some(&reference))), [("b", true), ("every check ran", false), ("a", true)]);
    }

    #[test]
    fn a_program_that_checks_nothing_has_failed() {
        assert_eq!(faults(&report(&[]).judge("to", None)), [("every check ran", true)]);
        assert_eq!(faults(&report(&[]).judge("to", Some(&report(&[])))), [("every check ran", true)]);
    }

    #[test]
    fn two_that_fail_alike_have_failed() {
        let line = r#"{"check": "a", "fault": "Traceback"}"#;
        assert!(report(&[line]).judge("to", Some(&report(&[line])))[0].outcome == Outcome::Fail("Traceback".into()));
        let reference = report(&[line]);
        let rows = report(&[r#"{"check": "a", "saw": 1}"#]).judge("to", Some(&reference));
        assert_eq!(faults(&rows), [("a", true), ("every check ran", false)]);
    }

    #[test]
    fn a_line_must_say_what_came_of_it() {
        assert!(read(r#"{"check": "a"}"#).is_err());
        assert!(read(r#"{"check": "a", "fault": null, "lacking": "why"}"#).is_err());
        let lacking = Seen::Judged(Outcome::Lacking("why".into()));
        assert_eq!(read(r#"{"check": "a", "lacking": "why"}"#).unwrap().1, lacking);
        assert!(read("Traceback").is_err());
    }
}
