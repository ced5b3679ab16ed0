//! `cargo xtask ci`: the same as `.ci/run`, which holds the steps.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::workspace::Workspace;

/// Runs `.ci/run`.
///
/// # Errors
/// If a step fails, or bash is missing.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let status = Command::new("bash").arg(".ci/run").current_dir(workspace.root()).status().context("start bash")?;
    ensure!(status.success(), "a step of .ci/run failed");
    Ok(())
}
