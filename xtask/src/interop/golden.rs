//! The files of the official round trip: a peer uploads a table, and what the server has then is read back by others.
//!
//! Go's client reads nothing back, whatever it seems to do, so what it uploads is read by our client and by pyarrow. Java
//! compares what no other does: the ids of dictionaries, which Go and pyarrow number anew, and names within maps.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use flate2::read::GzDecoder;

use super::checks::Report;
use super::java::Java;
use super::matrix::{Column, Matrix};
use super::outcome::Outcome;
use super::peers::{Implementation, Peers};
use crate::process::{self, Running};

const TIMEOUT: Duration = Duration::from_secs(60);

/// Where the files are that other implementations wrote, if not beside the project.
const FOLDER_VARIABLE: &str = "PEREGRINE_GOLDEN_DIR";

/// Who uploads to whom. pyarrow cannot be the server: its DoGet sends dictionaries or metadata, not both.
const UPLOADS: [(Implementation, Implementation); 6] = [
    (Implementation::Ours, Implementation::Ours),
    (Implementation::Go, Implementation::Ours),
    (Implementation::Java, Implementation::Ours),
    (Implementation::Pyarrow, Implementation::Ours),
    (Implementation::Ours, Implementation::Go),
    (Implementation::Go, Implementation::Go),
];

/// Runs all files through all uploads; nothing but a line of text where there are no files.
pub(super) fn run(peers: &Peers<'_>) -> Result<Option<Matrix>> {
    let beside = peers.workspace.root().join("../shared/data/arrow-ipc/golden");
    let folder = std::env::var_os(FOLDER_VARIABLE).map_or(beside, PathBuf::from);
    let files = unpack(&folder, &peers.scratch.join("golden"))?;
    if files.names.is_empty() {
        println!("\ninterop: skipped the round trip of files, for there are none in {}", folder.display());
        return Ok(None);
    }
    let mut columns = Vec::new();
    let mut there = peers.all();
    there.extend(peers.java.as_ref().map(|_| Implementation::Java));
    for (client, server) in
        UPLOADS.into_iter().filter(|(client, server)| there.contains(client) && there.contains(server))
    {
        columns.extend(upload_and_read(peers, &files, client, server));
    }
    let mut matrix = Matrix::new("file", columns.iter().map(|(column, _)| *column).collect());
    for (index, name) in files.names.iter().enumerate() {
        matrix.push(name, columns.iter().map(|(_, outcomes)| outcomes[index].clone()).collect());
    }
    Ok(Some(matrix))
}

/// The files, as JSON without compression: the official programs read no other.
struct Files {
    /// Where the files of the other formats are.
    source: PathBuf,
    unpacked: PathBuf,
    /// Relative to both, without an ending.
    names: Vec<String>,
}

impl Files {
    fn json(&self, name: &str) -> PathBuf {
        self.unpacked.join(format!("{name}.json"))
    }
}

fn unpack(source: &Path, target: &Path) -> Result<Files> {
    let mut names = Vec::new();
    for folder in std::fs::read_dir(source).into_iter().flatten().flatten() {
        for file in std::fs::read_dir(folder.path()).into_iter().flatten().flatten() {
            let name = file.path().strip_prefix(source)?.to_string_lossy().into_owned();
            names.extend(name.strip_suffix(".json.gz").map(str::to_owned));
        }
    }
    names.sort();
    let files = Files { source: source.to_owned(), unpacked: target.to_owned(), names };
    for name in &files.names {
        let json = files.json(name);
        std::fs::create_dir_all(json.parent().unwrap_or(target))?;
        let mut packed = GzDecoder::new(File::open(source.join(format!("{name}.json.gz")))?);
        std::io::copy(&mut packed, &mut File::create(&json)?).with_context(|| format!("unpack {name}"))?;
    }
    Ok(files)
}

/// What came of each file in one column.
type Filled = (Column, Vec<Outcome>);

/// Lets a client upload all files to one server, and reads them back where the client did not.
fn upload_and_read(peers: &Peers<'_>, files: &Files, client: Implementation, server: Implementation) -> Vec<Filled> {
    let log = peers.scratch.join(format!("files-{client}-{server}-server.log"));
    let started = peers.server(server).context("no server").and_then(|mut command| {
        command.arg("--port=0");
        let running = Running::start(command, &log)?;
        Ok((running.line_after("Server listening on localhost:", TIMEOUT)?, running))
    });
    let (port, _running) = match started {
        Ok(started) => started,
        Err(error) => {
            let outcome = Outcome::from(Err(error));
            return vec![(Column { client, server, what: "uploads" }, vec![outcome; files.names.len()])];
        }
    };
    let by_program = |of: Implementation, arguments: &[&str]| -> Vec<Outcome> {
        let one = |name: &String| run_client(peers, of, &port, &files.json(name), arguments, &log).into();
        files.names.iter().map(one).collect()
    };
    let pairing = format!("{client}-{server}");
    let by_pyarrow = |what: &str| run_script(Implementation::Pyarrow, peers, files, what, &port, &pairing);
    let by_java = |what: &str| run_script(Implementation::Java, peers, files, what, &port, &pairing);
    let mut columns = vec![match client {
        Implementation::Pyarrow => (Column { client, server, what: "uploads" }, by_pyarrow("upload")),
        Implementation::Java => (Column { client, server, what: "uploads" }, by_java("upload")),
        Implementation::Ours => (Column { client, server, what: "and back" }, by_program(client, &[])),
        Implementation::Go => (Column { client, server, what: "uploads" }, by_program(client, &[])),
    }];
    let java_reads = || (Column { client: Implementation::Java, server, what: "reads" }, by_java("read"));
    if client == Implementation::Java {
        // Java tells others another name for the items of lists in dictionaries than the file has, and reads its own.
        columns.push(java_reads());
        return columns;
    }
    if client != Implementation::Ours {
        columns.push((
            Column { client: Implementation::Ours, server, what: "reads" },
            by_program(Implementation::Ours, &["--no-upload"]),
        ));
    }
    if peers.all().contains(&Implementation::Pyarrow) {
        columns.push((Column { client: Implementation::Pyarrow, server, what: "reads" }, by_pyarrow("read")));
    }
    if peers.java.is_some() && (client, server) == (Implementation::Ours, Implementation::Ours) {
        columns.push(java_reads());
    }
    columns
}

fn run_client(
    peers: &Peers<'_>,
    of: Implementation,
    port: &str,
    json: &Path,
    arguments: &[&str],
    server_log: &Path,
) -> Result<()> {
    let mut client = peers.client(of).context("no client")?;
    client.args(["--host", "localhost", &format!("--port={port}"), "--path"]).arg(json).args(arguments);
    process::run(client, &peers.scratch.join("files-client.log"), TIMEOUT)
        .map_err(|error| anyhow!("{error:#}\nthe server's log:\n{}", process::end_of_log(server_log)))?;
    Ok(())
}

/// The part of a peer that does all files in one program.
fn run_script(
    of: Implementation,
    peers: &Peers<'_>,
    files: &Files,
    what: &str,
    port: &str,
    pairing: &str,
) -> Vec<Outcome> {
    let program = match of {
        Implementation::Java => peers.java.as_ref().map(Java::golden_files),
        _ => peers.script("golden_files.py"),
    };
    let Some(mut program) = program else { return Vec::new() };
    program.args([what, port]).args([&files.unpacked, &files.source]);
    let report = Report::of(program, &peers.scratch.join(format!("files-{pairing}-{of}-{what}.log")));
    let outcomes = report.into_outcomes(|_| None);
    let one = |name: &String| match outcomes.iter().find(|(check, _)| check == name) {
        Some((_, outcome)) => outcome.clone(),
        None => Outcome::Fail("was not run".to_owned()),
    };
    files.names.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[test]
    fn files_are_unpacked_under_their_names() {
        let scratch = std::env::temp_dir().join(format!("xtask-golden-{}", std::process::id()));
        let (source, target) = (scratch.join("source"), scratch.join("target"));
        assert!(unpack(&source, &target).unwrap().names.is_empty());
        std::fs::create_dir_all(source.join("folder")).unwrap();
        std::fs::write(source.join("folder/table.stream"), "").unwrap();
        let packed = File::create(source.join("folder/table.json.gz")).unwrap();
        GzEncoder::new(packed, Compression::default()).write_all(b"{}").unwrap();
        let files = unpack(&source, &target).unwrap();
        assert_eq!(files.names, ["folder/table"]);
        assert_eq!(std::fs::read(files.json("folder/table")).unwrap(), b"{}");
        std::fs::remove_dir_all(scratch).unwrap();
    }
}
