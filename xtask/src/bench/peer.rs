//! The peers of the bench: how their two ends are started, and what they answer.
//!
//! A server prints `Server listening on ADDRESS` and serves until its standard input closes; then it prints a line of
//! JSON: the bytes of column data that it sent or took, its processor time since it began to listen, its peak memory. A
//! client prints the same about one call.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process::{self, Running};
use crate::python::Python;
use crate::workspace::{Profile, Workspace};

/// The name of the peer that is not Flight.
pub(super) const RAW_TCP: &str = "raw-tcp";

/// Far over what any transfer here takes.
const TIMEOUT: Duration = Duration::from_secs(180);

/// A peer that can be measured.
pub(super) struct Peer<'a> {
    kind: Kind<'a>,
    workspace: &'a Workspace,
    log: PathBuf,
}

enum Kind<'a> {
    Peregrine,
    RawTcp,
    Pyarrow(&'a Python),
}

/// What one transfer took. Processor time and memory are missing where the system does not tell.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    /// 10^9 bytes of column data a second, from call to end.
    pub(super) gb_per_s: f64,
    pub(super) server_cpu_s_per_gb: Option<f64>,
    pub(super) client_cpu_s_per_gb: Option<f64>,
    pub(super) server_peak_mib: Option<f64>,
    pub(super) client_peak_mib: Option<f64>,
}

/// What many small calls took.
pub(super) struct CallSample {
    pub(super) calls_per_s: f64,
    pub(super) server_cpu_us: Option<f64>,
    pub(super) client_cpu_us: Option<f64>,
}

impl<'a> Peer<'a> {
    pub(super) fn peregrine(workspace: &'a Workspace, scratch: &Path) -> Self {
        Self { kind: Kind::Peregrine, workspace, log: scratch.join("peregrine") }
    }

    pub(super) fn raw_tcp(workspace: &'a Workspace, scratch: &Path) -> Self {
        Self { kind: Kind::RawTcp, workspace, log: scratch.join("raw-tcp") }
    }

    pub(super) fn pyarrow(workspace: &'a Workspace, python: &'a Python, scratch: &Path) -> Self {
        Self { kind: Kind::Pyarrow(python), workspace, log: scratch.join("pyarrow") }
    }

    pub(super) fn name(&self) -> &'static str {
        match self.kind {
            Kind::Peregrine => "peregrine",
            Kind::RawTcp => RAW_TCP,
            Kind::Pyarrow(_) => "pyarrow",
        }
    }

    pub(super) fn is_raw(&self) -> bool {
        matches!(self.kind, Kind::RawTcp)
    }

    /// Moves `count` batches of `size` rows by a call of `case`, or, with raw TCP, `count` bytes through buffers of
    /// `size`.
    pub(super) fn measure(&self, case: &str, count: usize, size: usize) -> Result<Sample> {
        let what = || format!("{}, {case}: {count} x {size}", self.name());
        let (count, size) = (count.to_string(), size.to_string());
        let (server, client) = self.transfer(case, &count, &size, &size).with_context(what)?;
        sample(&server, &client).with_context(what)
    }

    /// Makes `calls` calls of `case`, so many at a time, whose responses have `rows` rows.
    pub(super) fn measure_calls(&self, case: &str, rows: usize, in_flight: usize, calls: usize) -> Result<CallSample> {
        let what = || format!("{}, {case}: {calls} calls, {in_flight} at a time", self.name());
        let (count, rows, in_flight) = (calls.to_string(), rows.to_string(), in_flight.to_string());
        let (server, client) = self.transfer(case, &count, &in_flight, &rows).with_context(what)?;
        let micros = |of: &Value| of["cpu_s"].as_f64().map(|seconds| seconds * 1e6 / calls as f64);
        let seconds = client["seconds"].as_f64().context("`seconds` is missing")?;
        let calls_per_s = calls as f64 / seconds;
        Ok(CallSample { calls_per_s, server_cpu_us: micros(&server), client_cpu_us: micros(&client) })
    }

    /// What both ends print at their end.
    fn transfer(&self, case: &str, count: &str, size: &str, rows: &str) -> Result<(Value, Value)> {
        let mut server = self.server();
        match self.kind {
            Kind::RawTcp => server.args(["serve", count, size]),
            _ => server.arg(rows),
        };
        let mut server = Running::start(server, &self.log.with_extension("server.log"))?;
        let address = server.line_after("Server listening on ", TIMEOUT)?;
        let mut client = self.client();
        match self.kind {
            Kind::RawTcp => client.args(["read", &address, count, size]),
            _ => client.args([case, &address, size, count]),
        };
        let client = process::run(client, &self.log.with_extension("client.log"), TIMEOUT).context("the client")?;
        server.close_stdin();
        let server = server.finish(TIMEOUT).context("the server")?;
        let read = |line: Option<&String>| -> Result<Value> {
            Ok(serde_json::from_str(line.context("nothing was printed")?)?)
        };
        Ok((read(server.last())?, read(client.last())?))
    }

    fn server(&self) -> Command {
        match self.kind {
            Kind::Peregrine => self.workspace.program(Profile::Release, "bench_server"),
            Kind::RawTcp => self.workspace.program(Profile::Release, "bench_raw"),
            Kind::Pyarrow(python) => python.script(&self.workspace.script("bench_server.py")),
        }
    }

    fn client(&self) -> Command {
        match self.kind {
            Kind::Peregrine => self.workspace.program(Profile::Release, "bench_client"),
            Kind::RawTcp => self.workspace.program(Profile::Release, "bench_raw"),
            Kind::Pyarrow(python) => python.script(&self.workspace.script("bench_client.py")),
        }
    }
}

/// Puts the words of both ends together.
fn sample(server: &Value, client: &Value) -> Result<Sample> {
    let gb = |of: &Value| of["bytes"].as_f64().map(|bytes| bytes / 1e9).context("`bytes` is missing");
    let (server_gb, client_gb) = (gb(server)?, gb(client)?);
    Ok(Sample {
        gb_per_s: client_gb / client["seconds"].as_f64().context("`seconds` is missing")?,
        server_cpu_s_per_gb: server["cpu_s"].as_f64().map(|seconds| seconds / server_gb),
        client_cpu_s_per_gb: client["cpu_s"].as_f64().map(|seconds| seconds / client_gb),
        server_peak_mib: server["peak_mib"].as_f64(),
        client_peak_mib: client["peak_mib"].as_f64(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_ends_make_a_sample() {
        let server = json!({"bytes": 4_000_000_000_u64, "seconds": 9, "cpu_s": 2.0, "peak_mib": 12.5});
        let client = json!({"bytes": 2_000_000_000_u64, "seconds": 0.5, "cpu_s": 3.0, "peak_mib": null});
        let sample = sample(&server, &client).unwrap();
        assert_eq!(sample.gb_per_s, 4.0);
        assert_eq!(sample.server_cpu_s_per_gb, Some(0.5));
        assert_eq!(sample.client_cpu_s_per_gb, Some(1.5));
        assert_eq!((sample.server_peak_mib, sample.client_peak_mib), (Some(12.5), None));
    }

    #[test]
    fn a_silent_end_is_an_error() {
        assert!(sample(&Value::Null, &json!({})).is_err());
    }
}
