//! The programs of the official integration scenarios, run as their harness runs them.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// A running `flight-test-integration-server`. It is killed when it is dropped.
struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    port: String,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_flight-test-integration-server"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut server = Self { child, stdout, port: String::new() };
        let mut line = String::new();
        server.stdout.read_line(&mut line).unwrap();
        let port = line.strip_prefix("Server listening on localhost:").and_then(|rest| rest.strip_suffix('\n'));
        server.port = port.unwrap_or_else(|| panic!("first line {line:?}")).to_owned();
        assert_ne!(server.port.parse::<u16>().unwrap(), 0, "the real port");
        server
    }

    /// Ends it as the harness of some implementations does; it must end well and have printed nothing more.
    fn terminate(mut self) {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        assert_eq!((self.child.wait().unwrap().code(), rest.as_str()), (Some(0), ""));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn client(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flight-test-integration-client"));
    command.args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_programs_take_the_command_lines_of_every_implementation() {
    for (server, dashes) in [
        (&["-port=0", "-scenario", "ordered"][..], "-"),
        (&["--port=0", "--scenario=ordered"], "--"),
        (&["-port", "0", "-scenario", "ordered"], "-"),
    ] {
        let server = Server::start(server);
        let [host, port, scenario] = ["host", "port", "scenario"].map(|flag| format!("{dashes}{flag}"));
        let port = format!("{port}={}", server.port);
        let output = client(&[&host, "localhost", &port, &scenario, "ordered"]);
        assert!(output.status.success(), "{}", stderr(&output));
        server.terminate();
    }
}

#[test]
fn a_client_that_is_not_served_well_says_why_and_fails() {
    let server = Server::start(&["-port=0", "-scenario", "ordered"]);
    let port = format!("-port={}", server.port);
    let output = client(&["-host", "localhost", &port, "-scenario", "location:reuse_connection"]);
    assert!(!output.status.success());
    assert!(stderr(&output).contains("endpoints: expected 1, got 3"), "{}", stderr(&output));
}

#[test]
fn names_without_a_scenario_are_errors_of_their_own() {
    for (name, reason) in [("session_options", "is not built yet"), ("orderd", "no scenario is named")] {
        let output = client(&["-host", "localhost", "-port=1", "-scenario", name]);
        assert!(!output.status.success());
        assert!(stderr(&output).contains(reason), "{}", stderr(&output));
    }
}
