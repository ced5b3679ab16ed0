//! Processes that never outlive us: every wait has an end, and every child is killed on drop.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};

/// A child that runs: its standard output as lines, its standard error in a log file.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    log: PathBuf,
}

impl Running {
    /// Starts a command. `log` is written anew.
    pub(crate) fn start(mut command: Command, log: &Path) -> Result<Self> {
        let stderr = File::create(log).with_context(|| format!("make {}", log.display()))?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
        let mut child =
            command.spawn().with_context(|| format!("start {}", command.get_program().to_string_lossy()))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("the child's output is a pipe")?;
        let (send, lines) = channel();
        // Ends with the child's output, or when nobody listens any more.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, stdin, lines, log: log.to_owned() })
    }

    /// The next line of output.
    ///
    /// # Errors
    /// If none comes in time, or the output ends: with the end of the log.
    pub(crate) fn line(&self, timeout: Duration) -> Result<String> {
        self.lines.recv_timeout(timeout).map_err(|error| {
            let what = match error {
                RecvTimeoutError::Timeout => format!("no line of output in {} s", timeout.as_secs()),
                RecvTimeoutError::Disconnected => "the output ended".to_owned(),
            };
            anyhow!("{what}\n{}", end_of_log(&self.log))
        })
    }

    /// What follows `prefix` on the next line of output.
    pub(crate) fn line_after(&self, prefix: &str, timeout: Duration) -> Result<String> {
        let line = self.line(timeout)?;
        let rest = line.strip_prefix(prefix);
        rest.map(str::to_owned).with_context(|| format!("expected a line beginning with {prefix:?}, got {line:?}"))
    }

    /// Closes the child's standard input, which is how our own programs are told to stop.
    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) -> Result<()> {
        let status =
            Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().context("start kill")?;
        ensure!(status.success(), "kill failed");
        Ok(())
    }

    /// Waits for the child to end by itself, and gives its status and the output that was not read yet.
    ///
    /// # Errors
    /// If it does not end in time.
    pub(crate) fn wait(mut self, timeout: Duration) -> Result<(ExitStatus, Vec<String>)> {
        let deadline = Instant::now() + timeout;
        let mut lines = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => lines.push(line),
                Err(RecvTimeoutError::Timeout) => {
                    bail!("not done in {} s\n{}", timeout.as_secs(), end_of_log(&self.log))
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        // The output is closed, so the end is near; std has no wait with a timeout.
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok((status, lines));
            }
            ensure!(Instant::now() < deadline, "not done in {} s, though its output is closed", timeout.as_secs());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for the child to end well.
    ///
    /// # Errors
    /// If it does not end in time or not with 0: with the end of its log.
    pub(crate) fn finish(self, timeout: Duration) -> Result<Vec<String>> {
        let log = self.log.clone();
        let (status, lines) = self.wait(timeout)?;
        ensure!(status.success(), "ended with {status}\n{}", end_of_log(&log));
        Ok(lines)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end and gives its output's lines.
///
/// # Errors
/// If it does not end in time or not with 0: with the end of its log.
pub(crate) fn run(command: Command, log: &Path, timeout: Duration) -> Result<Vec<String>> {
    let mut running = Running::start(command, log)?;
    running.close_stdin();
    running.finish(timeout)
}

/// The last lines of a log, indented, for an error message.
pub(crate) fn end_of_log(log: &Path) -> String {
    const BYTES: u64 = 3000;
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    text.lines().map(|line| format!("    {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn log(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("xtask-process-{}-{name}", std::process::id()))
    }

    #[test]
    fn a_server_says_where_it_is_and_stops_when_its_input_closes() {
        let log = log("server");
        let mut running = Running::start(shell("echo at 80; read x; echo done"), &log).unwrap();
        assert_eq!(running.line_after("at ", LONG).unwrap(), "80");
        running.close_stdin();
        assert_eq!(running.finish(LONG).unwrap(), ["done"]);
        std::fs::remove_file(log).unwrap();
    }

    #[test]
    fn a_failure_comes_with_the_end_of_the_log() {
        let log = log("failure");
        let error = run(shell("echo why >&2; exit 3"), &log, LONG).unwrap_err().to_string();
        assert!(error.contains("    why\n"), "{error}");
        std::fs::remove_file(log).unwrap();
    }

    #[test]
    fn a_wait_has_an_end_and_the_child_does_not_outlive_it() {
        let log = log("endless");
        let running = Running::start(shell("exec sleep 600"), &log).unwrap();
        let id = running.child.id();
        assert!(running.finish(Duration::from_millis(1)).unwrap_err().to_string().starts_with("not done"));
        assert!(!Command::new("kill").args(["-0", &id.to_string()]).stderr(Stdio::null()).status().unwrap().success());
        std::fs::remove_file(log).unwrap();
    }
}
