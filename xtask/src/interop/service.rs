//! One service on our server and on pyarrow's: pyarrow's client must not be able to tell them apart.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::Context;
use super::checks::{Report, Row};
use crate::process::Running;
use crate::workspace::Profile;

const DIRECTION: &str = "pyarrow client, our server";
const TIMEOUT: Duration = Duration::from_secs(60);

pub(super) fn run(context: &Context<'_>) -> Vec<Row> {
    let ours = context.workspace.program(Profile::Dev, "interop_service");
    let theirs = context.python.script(&context.workspace.script("interop_service.py"));
    let reports = || -> Result<(Report, Report)> {
        Ok((see(context, ours, "ours", &["own"])?, see(context, theirs, "theirs", &[])?))
    };
    match reports() {
        Ok((ours, theirs)) => ours.judge(DIRECTION, Some(theirs)),
        Err(error) => vec![Row::new("the services run", DIRECTION, Err(error))],
    }
}

/// What pyarrow's client sees of a server.
fn see(context: &Context<'_>, server: Command, name: &str, arguments: &[&str]) -> Result<Report> {
    let mut server = Running::start(server, &context.scratch.join(format!("service-{name}.log")))?;
    let uri = server.line_after("Server listening on ", TIMEOUT).with_context(|| format!("{name}: the server"))?;
    let mut script = context.python.script(&context.workspace.script("interop_client.py"));
    script.arg(uri).args(arguments);
    let report = Report::of(script, &context.scratch.join(format!("client-{name}.log")));
    server.close_stdin();
    server.finish(TIMEOUT).with_context(|| format!("{name}: the end of the server"))?;
    Ok(report)
}
