//! Who can be on a side of a check, and the programs that play the parts: all take the official command lines.

use std::fmt;
use std::path::Path;
use std::process::Command;

use super::go::Go;
use super::java::Java;
use crate::python::Python;
use crate::workspace::{Profile, Workspace};

/// An implementation of Flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Implementation {
    Ours,
    Go,
    Java,
    Pyarrow,
}

impl fmt::Display for Implementation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ours => "ours",
            Self::Go => "Go",
            Self::Java => "Java",
            Self::Pyarrow => "pyarrow",
        })
    }
}

/// The implementations that are to be had here, and where what they do is logged.
pub(super) struct Peers<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) python: Option<Python>,
    pub(super) go: Option<Go>,
    /// For the round trip of files alone.
    pub(super) java: Option<Java>,
    pub(super) scratch: &'a Path,
}

impl Peers<'_> {
    /// Those that play the official scenarios.
    pub(super) fn all(&self) -> Vec<Implementation> {
        let go = self.go.as_ref().map(|_| Implementation::Go);
        let pyarrow = self.python.as_ref().map(|_| Implementation::Pyarrow);
        [Some(Implementation::Ours), go, pyarrow].into_iter().flatten().collect()
    }

    /// A command that runs a peer's server of the official scenarios; `None` if it is not to be had.
    pub(super) fn server(&self, peer: Implementation) -> Option<Command> {
        match peer {
            Implementation::Ours => Some(self.workspace.program(Profile::Dev, "flight-test-integration-server")),
            Implementation::Go => Some(self.go.as_ref()?.server()),
            Implementation::Java => None,
            Implementation::Pyarrow => self.script("scenario_server.py"),
        }
    }

    /// A command that runs a peer's client of the official scenarios; `None` if it is not to be had.
    pub(super) fn client(&self, peer: Implementation) -> Option<Command> {
        match peer {
            Implementation::Ours => Some(self.workspace.program(Profile::Dev, "flight-test-integration-client")),
            Implementation::Go => Some(self.go.as_ref()?.client()),
            Implementation::Java => None,
            Implementation::Pyarrow => self.script("scenario_client.py"),
        }
    }

    /// A command that runs a script of ours; `None` without pyarrow.
    pub(super) fn script(&self, name: &str) -> Option<Command> {
        Some(self.python.as_ref()?.script(&self.workspace.script(name)))
    }
}
