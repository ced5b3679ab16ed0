//! pyarrow's own tests against our services, and our client's part of them against the servers of pyarrow's tests.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::Context;
use super::checks::Report;
use super::matrix::{Column, Matrix};
use super::outcome::Outcome;
use super::peers::Peer;
use crate::process::Running;
use crate::workspace::Profile;

const TIMEOUT: Duration = Duration::from_secs(60);

/// A line a test, which must be there on both sides.
pub(super) fn run(context: &Context<'_>) -> Matrix {
    let columns = vec![
        Column { client: Peer::Pyarrow, server: Peer::Ours, what: "" },
        Column { client: Peer::Ours, server: Peer::Pyarrow, what: "" },
    ];
    let mut matrix = Matrix::new("pyarrow's test (line)", columns);
    let their_tests = their_tests(context).into_outcomes(|_| None);
    let mut our_tests = our_tests(context).unwrap_or_else(Report::failed).into_outcomes(|_| None);
    for (check, theirs) in their_tests {
        let at = our_tests.iter().position(|(of, _)| *of == check);
        let ours = at.map_or_else(|| Outcome::Fail("was not run".to_owned()), |at| our_tests.remove(at).1);
        matrix.push(check, vec![theirs, ours]);
    }
    for (check, ours) in our_tests {
        matrix.push(check, vec![Outcome::Fail("was not run".to_owned()), ours]);
    }
    matrix
}

fn their_tests(context: &Context<'_>) -> Report {
    let program = context.workspace.program(Profile::Dev, "ported_server");
    let mut tests = context.python.script(&context.workspace.script("pyarrow_tests.py"));
    tests.arg(program.get_program());
    Report::of(tests, &context.scratch.join("pyarrow-tests.log"))
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
