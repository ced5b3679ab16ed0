//! `cargo xtask interop`: our server and client against pyarrow's, both ways.

mod client;
mod files;
mod outcome;
mod service;

use std::path::Path;

use anyhow::{Result, bail};

use self::outcome::Row;
use crate::python::{PYARROW, Python};
use crate::workspace::{Profile, Workspace};

/// What every group of checks needs.
struct Context<'a> {
    workspace: &'a Workspace,
    python: &'a Python,
    scratch: &'a Path,
}

/// Runs all checks and prints a line for each. Without pyarrow it says so and checks nothing.
///
/// # Errors
/// If a check fails, or our programs do not build.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let python = match Python::set_up(workspace) {
        Ok(python) => python,
        Err(why) => {
            println!("interop: skipped, for pyarrow {PYARROW} could not be set up: {why}");
            return Ok(());
        }
    };
    // All targets, as the tests have them: another selection would choose other features and build anew.
    workspace.build(Profile::Dev, &["--workspace", "--all-targets"])?;
    let scratch = workspace.scratch("interop")?;
    let context = Context { workspace, python: &python, scratch: &scratch };
    let rows: Vec<Row> = [files::run(&context), service::run(&context), client::run(&context)].concat();
    print!("{}", outcome::table(&rows));
    match rows.iter().filter(|row| row.has_failed()).count() {
        0 => println!("interop: {} checks with pyarrow {PYARROW} passed", rows.len()),
        failed => bail!("interop: {failed} of {} checks with pyarrow {PYARROW} failed", rows.len()),
    }
    Ok(())
}
