//! The programs of the official integration scenarios, run as their harness runs them.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::Arc;

use arrow_array::{Int32Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use integration_tests::read_json_file;

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

/// A table of the column `n` with the values 7, null and -7.
const TABLE: &str = r#"{
    "schema": {
        "fields": [
            {"name": "n", "type": {"name": "int", "isSigned": true, "bitWidth": 32}, "nullable": true, "children": []}
        ],
        "metadata": [{"key": "made", "value": "by hand"}]
    },
    "batches": [
        {"count": 3, "columns": [{"name": "n", "count": 3, "VALIDITY": [1, 0, 1], "DATA": [7, 0, -7]}]}
    ]
}"#;

#[test]
fn a_file_of_json_is_the_table_that_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.json");
    fs::write(&path, TABLE).unwrap();
    let table = read_json_file(&path).unwrap();
    let schema = Schema::new(vec![Field::new("n", DataType::Int32, true)]);
    let schema = Arc::new(schema.with_metadata([("made".to_owned(), "by hand".to_owned())]));
    let column = Int32Array::from(vec![Some(7), None, Some(-7)]);
    assert_eq!(table.schema, schema);
    assert_eq!(table.batches, [RecordBatch::try_new(schema, vec![Arc::new(column)]).unwrap()]);

    for (text, reason) in [
        (TABLE.replace("\"int\"", "\"int of tomorrow\""), "int of tomorrow"),
        (TABLE.replace("schema", "shema"), "the file has no schema"),
        (TABLE.replace("}", ""), "at line 5"),
    ] {
        fs::write(&path, text).unwrap();
        let error = format!("{:#}", read_json_file(&path).unwrap_err());
        assert!(error.contains("table.json") && error.contains(reason), "{error}");
    }
}

#[test]
fn a_server_without_a_scenario_takes_a_file_and_gives_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.json");
    fs::write(&path, TABLE).unwrap();
    let path = path.to_str().unwrap();
    let server = Server::start(&["-port=0"]);
    let port = format!("-port={}", server.port);
    let run = |more: &[&str]| client(&[&["-host", "localhost", &port, "-path", path], more].concat());

    let output = run(&["-no-upload"]);
    assert!(!output.status.success(), "nothing has been uploaded yet");
    assert!(stderr(&output).contains("GetFlightInfo failed: not found"), "{}", stderr(&output));
    for more in [&[][..], &["-no-upload"]] {
        let output = run(more);
        assert!(output.status.success(), "{}", stderr(&output));
    }
    fs::write(path, TABLE.replace("-7", "-8")).unwrap();
    let output = run(&["-no-upload"]);
    assert!(!output.status.success(), "the file is another one now");
    assert!(stderr(&output).contains("batch 0, column \"n\": expected"), "{}", stderr(&output));
    server.terminate();
}
