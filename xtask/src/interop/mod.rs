//! placeholder
use crate::workspace::Workspace;
pub(crate) fn run(_w: &Workspace) -> anyhow::Result<()> {
    Ok(())
}
