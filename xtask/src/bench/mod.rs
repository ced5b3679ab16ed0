//! `cargo xtask bench`: throughput, processor time and memory beside raw TCP and pyarrow.
//!
//! Each side is a process of its own, fresh for each figure, so that peak memory belongs to one size of batch. The
//! peers take turns in every round, and medians over the rounds are reported: no figure is a test.

mod peer;
mod report;
mod small;

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use self::peer::{Peer, Sample};
use self::report::{BYTES_PER_ROW, Figures};
use self::small::SmallFigures;
use crate::python::{PYARROW, Python};
use crate::workspace::{Profile, Workspace};

/// The calls that move data, and which part of the bytes below each moves: an echo moves all of them twice.
const CASES: [(&str, usize); 3] = [("do_get", 1), ("do_put", 1), ("do_exchange", 2)];

/// Rows in a batch and bytes of column data to move: fewer where the work for each message takes the time.
const SIZES: [(usize, usize); 5] = [
    (64, 256_000_000),
    (1 << 10, 1_000_000_000),
    (8 << 10, 2_000_000_000),
    (64 << 10, 4_000_000_000),
    (1 << 20, 4_000_000_000),
];

/// Buffers that raw TCP is tried with; the best stands for raw TCP.
const RAW_BUFFERS: [usize; 3] = [64 << 10, 256 << 10, 1 << 20];
const RAW_BYTES: usize = 4_000_000_000;

const QUICK_ROUNDS: usize = 5;
const ROUNDS: usize = 11;

/// Measures one case or all of them, prints a table for each, and writes `json` if it is named.
///
/// # Errors
/// If there is no such case, a side does not build or fails, or `json` cannot be written. A pyarrow that cannot be set up
/// is left out.
pub(crate) fn run(workspace: &Workspace, quick: bool, case: Option<&str>, json: Option<&Path>) -> Result<()> {
    let cases: Vec<_> = CASES.into_iter().filter(|(name, _)| case.is_none_or(|case| case == *name)).collect();
    let mut small = small::plan(|name| case.is_none_or(|case| case == name));
    let names = || [&CASES.map(|(name, _)| name)[..], &small::CASES.map(|(name, _)| name)].concat().join(", ");
    ensure!(!cases.is_empty() || !small.is_empty(), "the cases are {}", names());
    let bins = ["--bin", "bench_server", "--bin", "bench_client", "--bin", "bench_raw"];
    workspace.build(Profile::Release, &[&["--package", "integration-tests"], &bins[..]].concat())?;
    let python = Python::set_up(workspace).inspect_err(|why| println!("pyarrow {PYARROW} is left out: {why}")).ok();
    let rounds = if quick { QUICK_ROUNDS } else { ROUNDS };
    let figures = measure(workspace, python.as_ref(), &cases, &mut small, rounds)?;
    print!("{}{}", report::table(&figures), small::table(&small));
    if let Some(path) = json {
        std::fs::write(path, report::json(&figures, small::json(&small))?)
            .with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

fn measure(
    workspace: &Workspace,
    python: Option<&Python>,
    cases: &[(&'static str, usize)],
    small: &mut [SmallFigures],
    rounds: usize,
) -> Result<Vec<Figures>> {
    let scratch = workspace.scratch("bench")?;
    let mut peers = vec![Peer::peregrine(workspace, &scratch), Peer::raw_tcp(workspace, &scratch)];
    peers.extend(python.map(|python| Peer::pyarrow(workspace, python, &scratch)));
    let mut raw = RAW_BUFFERS.map(|_| Vec::new());
    let mut figures = Vec::new();
    for (&(case, _), (rows, _)) in cases.iter().flat_map(|case| SIZES.map(|size| (case, size))) {
        figures.extend(peers.iter().map(|peer| Figures { case, rows, peer: peer.name(), samples: Vec::new() }));
    }
    let start = Instant::now();
    for round in 1..=rounds {
        for (samples, buffer) in raw.iter_mut().zip(RAW_BUFFERS) {
            let peer = peers.iter().find(|peer| peer.is_raw()).context("raw TCP is a peer")?;
            samples.push(peer.measure("raw", RAW_BYTES, buffer)?);
        }
        for &(case, part) in cases {
            for (peer, (rows, bytes)) in peers.iter().flat_map(|peer| SIZES.map(|size| (peer, size))) {
                if !peer.is_raw() {
                    let sample = peer.measure(case, bytes / part / (rows * BYTES_PER_ROW), rows)?;
                    let of = figures.iter_mut().find(|of| of.is(case, rows, peer.name()));
                    of.context("every case, size and peer has its figures")?.samples.push(sample);
                }
            }
        }
        small::measure(peers.first().context("ours is a peer")?, small)?;
        eprintln!("round {round} of {rounds}, {} s", start.elapsed().as_secs());
    }
    let best = raw.into_iter().max_by(|a, b| report::median_speed(a).total_cmp(&report::median_speed(b)));
    let best: Vec<Sample> = best.context("raw TCP has figures")?;
    for of in figures.iter_mut().filter(|of| of.peer == peer::RAW_TCP) {
        of.samples.clone_from(&best);
    }
    Ok(figures)
}
