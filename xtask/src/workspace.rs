//! Where things are: the root, the target folder, cargo, and the programs that it builds.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The workspace that this tool belongs to.
pub(crate) struct Workspace {
    root: PathBuf,
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
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        Ok(Self { root, target })
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

    /// A cargo command that starts at the root.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.root);
        cargo
    }

    /// Builds programs of the workspace, cargo's own output on the terminal.
    ///
    /// # Errors
    /// If they do not build.
    pub(crate) fn build(&self, profile: Profile, arguments: &[&str]) -> Result<()> {
        let mut cargo = self.cargo();
        cargo.arg("build").args(arguments);
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
