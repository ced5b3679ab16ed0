//! What every group of checks with pyarrow needs.

use std::path::Path;

use crate::python::Python;
use crate::workspace::Workspace;

/// What every group of checks with pyarrow needs.
pub(super) struct Context<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) python: &'a Python,
    pub(super) scratch: &'a Path,
}
