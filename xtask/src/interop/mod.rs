//! `cargo xtask interop`: our servers and clients against those of Go, Java and pyarrow, both ways.

mod checks;
mod client;
mod context;
mod files;
mod go;
mod golden;
mod java;
mod matrix;
mod outcome;
mod peers;
mod ported;
mod scenarios;
mod service;
mod tables;

use anyhow::{Result, ensure};

use self::checks::Row;
use self::context::Context;
use self::go::{ARROW_GO, Go};
use self::java::{ARROW_JAVA, Java};
use self::matrix::Matrix;
use self::outcome::Counts;
use self::peers::Peers;
use crate::python::{PYARROW, Python};
use crate::workspace::{Profile, Workspace};

/// Runs all checks and prints what came of them. A peer that is not to be had is told and left out.
///
/// # Errors
/// If a check fails, or our programs do not build.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let scratch = workspace.scratch("interop")?;
    let python = or_told(Python::set_up(workspace), &format!("pyarrow {PYARROW}"));
    let go = or_told(Go::set_up(&scratch), &format!("Arrow Go {ARROW_GO}"));
    let java = or_told(Java::set_up(workspace, &scratch), &format!("Arrow Java {ARROW_JAVA}"));
    // All targets, as the tests have them: another selection would choose other features and build anew.
    workspace.build(Profile::Dev, &["--workspace", "--all-targets"])?;
    let mut counts = Counts::default();
    if let Some(python) = &python {
        let context = Context { workspace, python, scratch: &scratch };
        let rows =
            [files::run(&context), service::run(&context), client::run(&context), tables::run(&context)].concat();
        print!("{}", checks::table(&rows));
        counts.add(rows.iter().map(Row::outcome));
        print(&ported::run(&context), &mut counts);
    }
    let peers = Peers { workspace, python, go, java, scratch: &scratch };
    print(&scenarios::run(&peers), &mut counts);
    if let Some(matrix) = golden::run(&peers)? {
        print(&matrix, &mut counts);
    }
    let Counts { passed, failed, lacking } = counts;
    println!("\ninterop: {passed} checks passed, {failed} failed, {lacking} lacking");
    ensure!(failed == 0, "interop: {failed} checks failed");
    Ok(())
}

fn print(matrix: &Matrix, counts: &mut Counts) {
    print!("{}", matrix.table());
    counts.add(matrix.outcomes());
}

/// What was set up, or nothing and a line that says why.
fn or_told<T>(set_up: Result<T, String>, name: &str) -> Option<T> {
    set_up.map_err(|why| println!("interop: skipped what needs {name}, which could not be set up: {why}")).ok()
}
