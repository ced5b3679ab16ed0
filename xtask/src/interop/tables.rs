//! Random tables of every type, through pyarrow's server and through its client, and back.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::checks::{Report, Row};
use super::context::Context;
use crate::process::Running;
use crate::workspace::Profile;

const TIMEOUT: Duration = Duration::from_secs(60);

pub(super) fn run(context: &Context<'_>) -> Vec<Row> {
    let ours = || context.workspace.program(Profile::Dev, "interop_tables");
    let theirs = || context.python.script(&context.workspace.script("interop_tables.py"));
    let rows = [
        judge(context, "tables: our client, pyarrow server", theirs(), ours()),
        judge(context, "tables: pyarrow client, our server", ours(), theirs()),
    ];
    rows.concat()
}

fn judge(context: &Context<'_>, direction: &'static str, server: Command, client: Command) -> Vec<Row> {
    match see(context, direction, server, client) {
        Ok(report) => report.judge(direction, None),
        Err(error) => vec![Row::new("the tables go round", direction, Err(error))],
    }
}

fn see(context: &Context<'_>, direction: &str, mut server: Command, mut client: Command) -> Result<Report> {
    let log = |of: &str| context.scratch.join(format!("{}-{of}.log", direction.replace([' ', ',', ':'], "-")));
    server.arg("serve");
    let mut server = Running::start(server, &log("server"))?;
    client.arg(server.line_after("Server listening on ", TIMEOUT)?);
    let report = Report::of(client, &log("client"));
    server.close_stdin();
    server.finish(TIMEOUT).context("the end of the server")?;
    Ok(report)
}
