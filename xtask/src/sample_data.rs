//! `cargo xtask sample-data`: writes `examples/data`, the files that the first start serves.

use anyhow::{Context, Result, ensure};

use crate::workspace::{Profile, Workspace};

/// Builds the program that writes the files, and runs it.
///
/// # Errors
/// If it does not build or fails.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    workspace.build(Profile::Dev, &["--package", "integration-tests", "--bin", "sample_data"])?;
    let folder = workspace.root().join("examples/data");
    let status = workspace.program(Profile::Dev, "sample_data").arg(&folder).status().context("start sample_data")?;
    ensure!(status.success(), "sample_data failed");
    Ok(())
}
