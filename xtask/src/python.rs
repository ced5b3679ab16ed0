//! A Python with a pinned pyarrow, in a virtual environment below the target folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

/// The peer that numbers and behaviour are compared with.
pub(crate) const PYARROW: &str = "26.0.1";

/// pyarrow's own tests need it.
const PYTEST: &str = "9.1.0";

/// Time enough to fetch 60 MB over a slow line.
const INSTALL_TIMEOUT: Duration = Duration::from_secs(600);

/// A Python that can import pyarrow.
pub(crate) struct Python {
    program: PathBuf,
}

impl Python {
    /// Sets the environment up, or takes the one that stands. `Err` is the plain reason why there is none.
    pub(crate) fn set_up(workspace: &Workspace) -> Result<Self, String> {
        let scratch = workspace.scratch("interop").map_err(|error| format!("{error:#}"))?;
        let python = Self { program: scratch.join("python/bin/python") };
        if python.imports_pyarrow() {
            return Ok(python);
        }
        println!("setting up pyarrow {PYARROW} below {}", scratch.display());
        let log = scratch.join("set-up.log");
        let mut make = Command::new("python3");
        make.args(["-m", "venv", "--clear"]).arg(scratch.join("python"));
        process::run(make, &log, INSTALL_TIMEOUT).map_err(|error| format!("python3 with venv: {error:#}"))?;
        let mut install = Command::new(&python.program);
        install.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--retries",
            "2",
            "--timeout",
            "30",
            "--only-binary",
            ":all:",
        ]);
        install.args([format!("pyarrow=={PYARROW}"), format!("pytest=={PYTEST}")]);
        process::run(install, &log, INSTALL_TIMEOUT).map_err(|error| format!("pip install: {error:#}"))?;
        match python.imports_pyarrow() {
            true => Ok(python),
            false => Err("pyarrow is installed but its flight module does not load".to_owned()),
        }
    }

    /// A command that runs a script.
    pub(crate) fn script(&self, script: &Path) -> Command {
        let mut command = Command::new(&self.program);
        // Our scripts share a module, and leave nothing beside it.
        command.arg("-B").arg(script);
        command
    }

    fn imports_pyarrow(&self) -> bool {
        let check = format!(
            "import pyarrow.flight, pytest, sys; sys.exit((pyarrow.__version__, pytest.__version__) != ('{PYARROW}', '{PYTEST}'))"
        );
        let mut command = Command::new(&self.program);
        command.args(["-c", &check]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}
