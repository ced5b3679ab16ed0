//! The program as others run it: a server that ends with its test, and commands with their output.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Output, Stdio};

/// A running `peregrine serve`. It is killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: BufReader<ChildStderr>,
    /// Where it listens, as its first line tells.
    pub(crate) uri: String,
}

impl Server {
    /// Serves a folder at a free port.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_at(folder, "grpc+tcp://127.0.0.1:0")
    }

    /// Serves a folder at a location, and waits for the first line.
    pub(crate) fn start_at(folder: &Path, listen: &str) -> Self {
        let mut child = program()
            .arg("serve")
            .arg(folder)
            .args(["--listen", listen])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (stdout, stderr) = (BufReader::new(stdout), BufReader::new(stderr));
        let mut server = Self { child, stdout, stderr, uri: String::new() };
        let mut line = String::new();
        server.stdout.read_line(&mut line).unwrap();
        let uri = line.strip_prefix("Server listening on ").unwrap_or_else(|| panic!("first line {line:?}"));
        server.uri = uri.trim_end().to_owned();
        server
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// The next line of the log.
    pub(crate) fn log_line(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).unwrap();
        line
    }

    /// Waits for the end, and answers how it ended and the rest of the log.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let mut log = String::new();
        self.stderr.read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap(), log)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process that was started here.
pub(crate) fn signal(child: &Child, name: &str) {
    let kill = format!("kill -{name} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

/// The program, without arguments.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peregrine"));
    command.stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

/// Runs the program, which must succeed, and answers what it wrote to stdout.
pub(crate) fn stdout_of(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs the program, which must fail with this exit code, and answers what it wrote to stderr.
pub(crate) fn stderr_of(code: i32, arguments: &[&str]) -> String {
    let output = run(arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    assert!(output.stdout.is_empty(), "nothing on stdout");
    stderr
}
