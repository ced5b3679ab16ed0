//! The official programs of Arrow's Go implementation, installed below the target folder by `go install`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::process;

/// The release whose programs are installed.
pub(super) const ARROW_GO: &str = "v18.8.0";

const MODULE: &str = "github.com/apache/arrow-go/v18";
const SERVER: &str = "arrow-flight-integration-server";
const CLIENT: &str = "arrow-flight-integration-client";

/// Cold, it fetches 60 MB of modules and compiles for a minute and a half on two cores.
const INSTALL_TIMEOUT: Duration = Duration::from_secs(900);

/// The programs, installed.
pub(super) struct Go {
    folder: PathBuf,
}

impl Go {
    /// Installs the programs below `scratch`, or takes those that stand there. `Err` is the plain reason why there are
    /// none. Modules and what was compiled of them stay in Go's own caches.
    pub(super) fn set_up(scratch: &Path) -> Result<Self, String> {
        let go = Self { folder: scratch.join("go") };
        if go.is_installed() {
            return Ok(go);
        }
        println!("installing the Flight programs of Arrow Go {ARROW_GO} below {}", go.folder.display());
        go.install(&scratch.join("go-install.log")).map_err(|error| format!("{error:#}"))?;
        Ok(go)
    }

    /// A command that runs the server.
    pub(super) fn server(&self) -> Command {
        Command::new(self.program(SERVER))
    }

    /// A command that runs the client.
    pub(super) fn client(&self) -> Command {
        Command::new(self.program(CLIENT))
    }

    fn program(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    fn install(&self, log: &Path) -> Result<()> {
        let mut install = Command::new("go");
        install.arg("install").env("GOBIN", std::path::absolute(&self.folder)?);
        for program in [SERVER, CLIENT] {
            install.arg(format!("{MODULE}/arrow/internal/flight_integration/cmd/{program}@{ARROW_GO}"));
        }
        process::run(install, log, INSTALL_TIMEOUT)?;
        ensure!(self.is_installed(), "go install ended well, but the programs are not in {}", self.folder.display());
        Ok(())
    }

    /// Whether both programs are there and of the release that is asked for: Go writes it into them.
    fn is_installed(&self) -> bool {
        [SERVER, CLIENT].iter().all(|program| {
            let mut version = Command::new("go");
            version.args(["version", "-m"]).arg(self.program(program));
            let told = version.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
            told.is_ok_and(|told| is_of_the_release(&told))
        })
    }
}

/// Whether what `go version -m` says of a program names the module in the release.
fn is_of_the_release(told: &str) -> bool {
    told.lines().any(|line| {
        let mut words = line.split_ascii_whitespace();
        words.next() == Some("mod") && words.next() == Some(MODULE) && words.next() == Some(ARROW_GO)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_read_off_the_program() {
        let told = |release: &str| format!("client: go1.26\n\tpath\tcmd/client\n\tmod\t{MODULE}\t{release}\th1:abc=\n");
        assert!(is_of_the_release(&told(ARROW_GO)));
        assert!(!is_of_the_release(&told("v18.7.9")));
        assert!(!is_of_the_release(""));
    }
}
