//! Small calls: how many a second, one after another and many at a time. Ours alone: for comparison of two checkouts.

use std::fmt::Write;

use anyhow::Result;
use serde_json::{Value, json};

use super::peer::{CallSample, Peer};

/// The calls, and the rows that a response carries.
pub(super) const CASES: [(&str, usize); 2] = [("small_do_action", 0), ("small_do_get", 10)];
/// Calls in flight, and calls in all.
const LOADS: [(usize, usize); 2] = [(1, 20_000), (64, 100_000)];

/// All rounds of one call under one load.
pub(super) struct SmallFigures {
    case: &'static str,
    rows: usize,
    in_flight: usize,
    calls: usize,
    samples: Vec<CallSample>,
}

/// Empty figures for the cases that `wanted` names.
pub(super) fn plan(wanted: impl Fn(&str) -> bool) -> Vec<SmallFigures> {
    let cases = CASES.into_iter().filter(|(case, _)| wanted(case));
    let loads = cases.flat_map(|case| LOADS.map(|load| (case, load)));
    loads
        .map(|((case, rows), (in_flight, calls))| SmallFigures { case, rows, in_flight, calls, samples: Vec::new() })
        .collect()
}

/// One round.
pub(super) fn measure(peer: &Peer<'_>, figures: &mut [SmallFigures]) -> Result<()> {
    for of in figures {
        of.samples.push(peer.measure_calls(of.case, of.rows, of.in_flight, of.calls)?);
    }
    Ok(())
}

/// The figures as a table.
pub(super) fn table(figures: &[SmallFigures]) -> String {
    if figures.is_empty() {
        return String::new();
    }
    let (call, calls, range) = ("small call", "calls/s", "");
    let mut out = format!(
        "\n{call:<16} {:>9} {calls:>9} {range:>17} {:>14} {:>14}\n",
        "in flight", "server us/call", "client us/call"
    );
    for of in figures {
        let speeds = || of.samples.iter().map(|sample| sample.calls_per_s);
        let (least, most) = (speeds().fold(f64::INFINITY, f64::min), speeds().fold(f64::NEG_INFINITY, f64::max));
        let micros = |figure: fn(&CallSample) -> Option<f64>| super::report::number(of.median(figure), 1);
        // Writing to a string does not fail.
        let _ = writeln!(
            out,
            "{:<16} {:>9} {:>9.0} {:>17} {:>14} {:>14}",
            of.case,
            of.in_flight,
            of.median(|sample| Some(sample.calls_per_s)).unwrap_or_default(),
            format!("({least:.0} - {most:.0})"),
            micros(|sample| sample.server_cpu_us),
            micros(|sample| sample.client_cpu_us),
        );
    }
    out
}

/// The figures as objects, beside those of data.
pub(super) fn json(figures: &[SmallFigures]) -> Vec<Value> {
    let object = |of: &SmallFigures| {
        json!({
            "case": of.case,
            "in_flight": of.in_flight,
            "peer": "peregrine",
            "calls_per_s": of.samples.iter().map(|sample| sample.calls_per_s).collect::<Vec<_>>(),
            "server_cpu_us_per_call": of.median(|sample| sample.server_cpu_us),
            "client_cpu_us_per_call": of.median(|sample| sample.client_cpu_us),
        })
    };
    figures.iter().map(object).collect()
}

impl SmallFigures {
    fn median(&self, figure: impl Fn(&CallSample) -> Option<f64>) -> Option<f64> {
        super::report::median(&self.samples, figure)
    }
}
