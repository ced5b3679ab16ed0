//! Where things are: the root, the target folder, cargo, and the programs that it builds.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The workspace that this tool belongs to.
pub(crate) struct Workspace {
    root: PathBuf,
    /// Has a folder for each profile. Of a build for a named target it is that target's folder.
    target: PathBuf,
}

/// How programs are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As the tests are.
    Dev,
    /// For measuring.
    Release,
}

impl Workspace {
    /// Finds the workspace from where cargo built this tool.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask has a folder above it")?.to_owned();
        ensure!(root.join("Cargo.toml").is_file(), "{} is not the workspace any more: build anew", root.display());
        let tool = std::env::current_exe().context("find this program's own file")?;
        let target = target_of(&tool).with_context(|| format!("{} is not where cargo builds", tool.display()))?;
        Ok(Self { root, target: target.to_owned() })
    }

    /// The folder of the root manifest.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A folder for this tool below the target folder; made if it is not there.
    pub(crate) fn scratch(&self, name: &str) -> Result<PathBuf> {
        let folder = self.target.join(name);
        std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        Ok(folder)
    }

    /// Builds programs of the workspace, cargo's own output on the terminal.
    ///
    /// # Errors
    /// If they do not build.
    pub(crate) fn build(&self, profile: Profile, arguments: &[&str]) -> Result<()> {
        // Started where this tool was, not at the root: a relative target folder must mean the same one to both.
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--manifest-path"]).arg(self.root.join("Cargo.toml")).args(arguments);
        if profile == Profile::Release {
            cargo.arg("--release");
        }
        let status = cargo.status().context("start cargo")?;
        ensure!(status.success(), "cargo build {} failed", arguments.join(" "));
        Ok(())
    }

    /// A command that runs a program that [`build`](Self::build) has built.
    pub(crate) fn program(&self, profile: Profile, name: &str) -> Command {
        let folder = match profile {
            Profile::Dev => "debug",
            Profile::Release => "release",
        };
        let mut command =
            Command::new(self.target.join(folder).join(format!("{name}{}", std::env::consts::EXE_SUFFIX)));
        command.current_dir(&self.root);
        command
    }

    /// A script of ours that talks to the Rust side.
    pub(crate) fn script(&self, name: &str) -> PathBuf {
        self.root.join("integration-tests/python").join(name)
    }
}

/// The target folder of a program that cargo built: wherever the settings of cargo put it, it is two above.
fn target_of(program: &Path) -> Option<&Path> {
    program.parent()?.parent()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_folder_is_read_off_the_program() {
        for (program, target) in [
            ("/work/target/debug/xtask", "/work/target"),
            ("/elsewhere/release/xtask", "/elsewhere"),
            ("/work/target/x86_64-unknown-linux-musl/debug/xtask", "/work/target/x86_64-unknown-linux-musl"),
        ] {
            assert_eq!(target_of(Path::new(program)), Some(Path::new(target)));
        }
        assert_eq!(target_of(Path::new("xtask")), None);
    }
}
