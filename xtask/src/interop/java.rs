//! Arrow Java, set up below the target folder by Maven. Its official programs are not published, so a program of ours on
//! its library does what they do with files.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::process;
use crate::workspace::Workspace;

/// The release of the library, as the project file of our program has it.
pub(super) const ARROW_JAVA: &str = "19.0.0";

const FOLDER: &str = "integration-tests/java";

/// Cold, it fetches 35 MB of libraries and what Maven itself needs.
const INSTALL_TIMEOUT: Duration = Duration::from_secs(600);

/// The libraries, there, and our program.
pub(super) struct Java {
    libraries: PathBuf,
    program: PathBuf,
}

impl Java {
    /// Has the libraries copied below `scratch`, or takes those that lie there. `Err` is the plain reason why there are
    /// none. Maven keeps what it fetches in a folder of its own.
    pub(super) fn set_up(workspace: &Workspace, scratch: &Path) -> Result<Self, String> {
        let folder = workspace.root().join(FOLDER);
        let java = Self { libraries: scratch.join("java"), program: folder.join("GoldenFiles.java") };
        java.install(&folder.join("pom.xml"), scratch).map_err(|error| format!("{error:#}"))?;
        Ok(java)
    }

    /// A command that runs the program, which is compiled as it starts.
    pub(super) fn golden_files(&self) -> Command {
        let mut java = Command::new("java");
        // Arrow's memory is beyond what Java opens by itself.
        java.arg("--add-opens=java.base/java.nio=ALL-UNNAMED");
        java.arg("-cp").arg(self.libraries.join("*")).arg(&self.program);
        java
    }

    fn install(&self, project: &Path, scratch: &Path) -> Result<()> {
        let mut version = Command::new("java");
        version.arg("--version");
        process::run(version, &scratch.join("java.log"), INSTALL_TIMEOUT)?;
        if self.is_installed() {
            return Ok(());
        }
        println!("fetching Arrow Java {ARROW_JAVA} below {}", self.libraries.display());
        let mut maven = Command::new("mvn");
        maven.args(["--quiet", "--batch-mode", "--file"]).arg(project).arg("dependency:copy-dependencies");
        maven.arg(format!("-DoutputDirectory={}", std::path::absolute(&self.libraries)?.display()));
        process::run(maven, &scratch.join("java-install.log"), INSTALL_TIMEOUT)?;
        ensure!(self.is_installed(), "Maven ended well, but Arrow Java is not in {}", self.libraries.display());
        Ok(())
    }

    fn is_installed(&self) -> bool {
        self.libraries.join(format!("flight-core-{ARROW_JAVA}.jar")).is_file()
    }
}
