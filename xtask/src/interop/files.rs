//! `peregrine serve examples/data`, seen by pyarrow: everything equal to what pyarrow reads from the files.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::checks::{Report, Row};
use super::context::Context;
use crate::process::Running;
use crate::workspace::Profile;

const DIRECTION: &str = "pyarrow client, peregrine serve";
const TIMEOUT: Duration = Duration::from_secs(30);

pub(super) fn run(context: &Context<'_>) -> Vec<Row> {
    let folder = context.workspace.root().join("examples/data");
    let mut serve = context.workspace.program(Profile::Dev, "peregrine");
    serve.arg("serve").arg(&folder).args(["--listen", "grpc+tcp://127.0.0.1:0"]);
    let started = Running::start(serve, &context.scratch.join("serve.log"))
        .and_then(|server| Ok((server.line_after("Server listening on ", TIMEOUT)?, server)));
    let (uri, server) = match started {
        Ok(started) => started,
        Err(error) => return vec![Row::new("the server starts", DIRECTION, Err(error))],
    };
    let mut script = context.python.script(&context.workspace.script("interop_files.py"));
    script.arg(uri).arg(folder);
    let mut rows = Report::of(script, &context.scratch.join("files.log")).judge(DIRECTION, None);
    rows.push(Row::new("SIGTERM ends the server with 0", DIRECTION, ends_well(server)));
    rows
}

fn ends_well(server: Running) -> Result<()> {
    server.terminate()?;
    let (status, _) = server.wait(TIMEOUT)?;
    ensure!(status.success(), "ended with {status}");
    Ok(())
}
