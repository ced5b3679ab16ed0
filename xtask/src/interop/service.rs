//! One service on our server, in the servers of others, and on pyarrow's: pyarrow's client must not be able to tell them
//! apart.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::checks::{Report, Row};
use super::context::Context;
use crate::process::Running;
use crate::workspace::Profile;

/// The servers that one service of ours runs on: the row's direction, a name for logs, and the flags.
const SERVERS: [(&str, &str, &[&str]); 3] = [
    ("pyarrow client, our server", "ours", &[]),
    ("pyarrow client, we in axum", "axum", &["--within", "axum"]),
    ("pyarrow client, we in tonic", "tonic", &["--within", "tonic"]),
];
const TIMEOUT: Duration = Duration::from_secs(60);

pub(super) fn run(context: &Context<'_>) -> Vec<Row> {
    let theirs = context.python.script(&context.workspace.script("interop_service.py"));
    let theirs = match see(context, theirs, "theirs", &[]) {
        Ok(theirs) => theirs,
        Err(error) => return vec![Row::new("pyarrow's service runs", "pyarrow client and server", Err(error))],
    };
    let rows = SERVERS.map(|(direction, name, flags)| {
        let mut ours = context.workspace.program(Profile::Dev, "interop_service");
        ours.args(flags);
        match see(context, ours, name, &["own"]) {
            Ok(ours) => ours.judge(direction, Some(&theirs)),
            Err(error) => vec![Row::new("our service runs", direction, Err(error))],
        }
    });
    rows.concat()
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
