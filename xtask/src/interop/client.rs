//! Our client and pyarrow's server: the data, the errors and the early ends that the service has.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::checks::{Report, Row};
use super::context::Context;
use crate::process::Running;
use crate::workspace::Profile;

const DIRECTION: &str = "our client, pyarrow server";
const TIMEOUT: Duration = Duration::from_secs(60);

pub(super) fn run(context: &Context<'_>) -> Vec<Row> {
    match see(context) {
        Ok(report) => report.judge(DIRECTION, None),
        Err(error) => vec![Row::new("the service runs", DIRECTION, Err(error))],
    }
}

fn see(context: &Context<'_>) -> Result<Report> {
    let folder = context.workspace.root().join("examples/data");
    let mut server = context.python.script(&context.workspace.script("interop_service.py"));
    server.arg(&folder);
    let mut server = Running::start(server, &context.scratch.join("pyarrow-service.log"))?;
    let uri = server.line_after("Server listening on ", TIMEOUT)?;
    let mut client = context.workspace.program(Profile::Dev, "interop_client");
    client.arg(uri).arg(&folder);
    let report = Report::of(client, &context.scratch.join("interop-client.log"));
    server.close_stdin();
    server.finish(TIMEOUT).context("the end of the server")?;
    Ok(report)
}
