//! pyarrow's own tests against our services, and our client's part of them against the servers of pyarrow's tests.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::checks::Report;
use super::context::Context;
use super::matrix::{Column, Matrix};
use super::outcome::Outcome;
use super::peers::Implementation;
use crate::process::Running;
use crate::workspace::Profile;

const TIMEOUT: Duration = Duration::from_secs(60);

/// A line a test, which must be there in every column.
pub(super) fn run(context: &Context<'_>) -> Matrix {
    let theirs = |what| Column { client: Implementation::Pyarrow, server: Implementation::Ours, what };
    let ours = Column { client: Implementation::Ours, server: Implementation::Pyarrow, what: "" };
    let columns = vec![theirs(""), theirs("in axum"), theirs("in tonic"), ours];
    let reports = [
        their_tests(context, None),
        their_tests(context, Some("axum")),
        their_tests(context, Some("tonic")),
        our_tests(context).unwrap_or_else(Report::failed),
    ];
    let mut came = reports.map(|report| report.into_outcomes(|_| None));
    let mut checks = Vec::new();
    for (check, _) in came.iter().flatten() {
        if !checks.contains(check) {
            checks.push(check.clone());
        }
    }
    let mut matrix = Matrix::new("pyarrow's test (line)", columns);
    for check in checks {
        let outcomes = came.iter_mut().map(|outcomes| take(outcomes, &check)).collect();
        matrix.push(check, outcomes);
    }
    matrix
}

fn take(outcomes: &mut Vec<(String, Outcome)>, check: &str) -> Outcome {
    match outcomes.iter().position(|(of, _)| of == check) {
        Some(at) => outcomes.remove(at).1,
        None => Outcome::Fail("was not run".to_owned()),
    }
}

/// pyarrow's tests against our services, on our server or within one of others.
fn their_tests(context: &Context<'_>, host: Option<&str>) -> Report {
    let program = context.workspace.program(Profile::Dev, "ported_server");
    let mut tests = context.python.script(&context.workspace.script("pyarrow_tests.py"));
    tests.arg(program.get_program()).args(host);
    Report::of(tests, &context.scratch.join(format!("pyarrow-tests-{}.log", host.unwrap_or("ours"))))
}

fn our_tests(context: &Context<'_>) -> Result<Report> {
    let servers = context.python.script(&context.workspace.script("pyarrow_test_servers.py"));
    let mut servers = Running::start(servers, &context.scratch.join("pyarrow-test-servers.log"))?;
    let uris = servers.line(TIMEOUT).context("the servers of pyarrow's tests")?;
    let mut client = context.workspace.program(Profile::Dev, "ported_client");
    client.arg(uris);
    let report = Report::of(client, &context.scratch.join("ported-client.log"));
    servers.close_stdin();
    servers.finish(TIMEOUT).context("the end of the servers")?;
    Ok(report)
}
