//! The official scenarios, in every pairing of those that are to be had: a fresh server for each case.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use super::matrix::{Column, Matrix};
use super::outcome::Outcome;
use super::peers::{Implementation, Peers};
use crate::process::{self, Running};

/// A case takes well under a second; a process that starts on a busy machine may take some.
const TIMEOUT: Duration = Duration::from_secs(60);

const SCENARIOS: [&str; 10] = [
    "ordered",
    "expiration_time:do_get",
    "expiration_time:list_actions",
    "expiration_time:cancel_flight_info",
    "expiration_time:renew_flight_endpoint",
    "do_exchange:echo",
    "location:reuse_connection",
    "poll_flight_info",
    "app_metadata_flight_info_endpoint",
    "alignment",
];

/// Why a peer cannot take part in a scenario.
fn lacks(peer: Implementation, scenario: &str) -> Option<&'static str> {
    match (peer, scenario) {
        (Implementation::Go, "do_exchange:echo" | "alignment") => Some("Go's programs do not have it"),
        (Implementation::Pyarrow, "poll_flight_info") => Some("pyarrow has no PollFlightInfo"),
        _ => None,
    }
}

/// Runs all scenarios in all pairings.
pub(super) fn run(peers: &Peers<'_>) -> Matrix {
    let all = peers.all();
    let pairing = |server: &Implementation| {
        all.iter().map(|client| Column { client: *client, server: *server, what: "" }).collect()
    };
    let columns: Vec<Column> = all.iter().flat_map(|server| -> Vec<_> { pairing(server) }).collect();
    let mut matrix = Matrix::new("scenario", columns.clone());
    for scenario in SCENARIOS {
        let outcome = |column: &Column| match lacks(column.client, scenario).or(lacks(column.server, scenario)) {
            Some(why) => Outcome::Lacking(why.into()),
            None => case(peers, column, scenario).into(),
        };
        matrix.push(scenario, columns.iter().map(outcome).collect());
    }
    matrix
}

fn case(peers: &Peers<'_>, column: &Column, scenario: &str) -> Result<()> {
    let name = format!("{}-{}-{}", scenario.replace(':', "-"), column.client, column.server);
    let log = |part: &str| peers.scratch.join(format!("scenario-{name}-{part}.log"));
    let mut server = peers.server(column.server).context("no server")?;
    server.args(["--port=0", "--scenario", scenario]);
    let server = Running::start(server, &log("server"))?;
    let port = server.line_after("Server listening on localhost:", TIMEOUT).context("the server")?;
    let mut client = peers.client(column.client).context("no client")?;
    client.args(["--host", "localhost", &format!("--port={port}"), "--scenario", scenario]);
    process::run(client, &log("client"), TIMEOUT)
        .map_err(|error| anyhow!("{error:#}\nthe server's log:\n{}", process::end_of_log(&log("server"))))?;
    Ok(())
}
