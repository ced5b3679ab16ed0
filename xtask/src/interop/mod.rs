//! `cargo xtask interop`: our servers and clients against those of Go and pyarrow, both ways.

mod client;
mod files;
mod go;
mod matrix;
mod outcome;
mod peers;
mod scenarios;
mod service;

use std::path::Path;

use anyhow::{Result, bail};

use self::go::{ARROW_GO, Go};
use self::outcome::Row;
use self::peers::Peers;
use crate::python::{PYARROW, Python};
use crate::workspace::{Profile, Workspace};

/// What every group of checks with pyarrow needs.
struct Context<'a> {
    workspace: &'a Workspace,
    python: &'a Python,
    scratch: &'a Path,
}

/// Runs all checks and prints what came of them. A peer that is not to be had is told and left out.
///
/// # Errors
/// If a check fails, or our programs do not build.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let scratch = workspace.scratch("interop")?;
    let python = or_told(Python::set_up(workspace), &format!("pyarrow {PYARROW}"));
    let go = or_told(Go::set_up(&scratch), &format!("Arrow Go {ARROW_GO}"));
    // All targets, as the tests have them: another selection would choose other features and build anew.
    workspace.build(Profile::Dev, &["--workspace", "--all-targets"])?;
    let rows = with_pyarrow(workspace, python.as_ref(), &scratch);
    print!("{}", outcome::table(&rows));
    let failed_rows = rows.iter().filter(|row| row.has_failed()).count();
    let matrix = scenarios::run(&Peers { workspace, python, go, scratch: &scratch });
    print!("{}", matrix.table());
    let [passed, failed, lacking] = matrix.counts();
    let (passed, failed) = (passed + rows.len() - failed_rows, failed + failed_rows);
    println!("\ninterop: {passed} checks passed, {failed} failed, {lacking} lacking");
    if failed > 0 {
        bail!("interop: {failed} checks failed");
    }
    Ok(())
}

/// What was set up, or nothing and a line that says why.
fn or_told<T>(set_up: Result<T, String>, name: &str) -> Option<T> {
    set_up.map_err(|why| println!("interop: skipped what needs {name}, which could not be set up: {why}")).ok()
}

fn with_pyarrow(workspace: &Workspace, python: Option<&Python>, scratch: &Path) -> Vec<Row> {
    let Some(python) = python else { return Vec::new() };
    let context = Context { workspace, python, scratch };
    [files::run(&context), service::run(&context), client::run(&context)].concat()
}
