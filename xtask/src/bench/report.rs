//! What the bench found: medians, a table to read, and JSON to compare with.

use std::fmt::Write;

use anyhow::Result;
use serde_json::{Value, json};

use super::peer::{RAW_TCP, Sample};

/// Bytes of column data in a row: four int64.
pub(super) const BYTES_PER_ROW: usize = 32;

/// All rounds of one peer with one call and one size of batch.
#[derive(Debug)]
pub(super) struct Figures {
    pub(super) case: &'static str,
    pub(super) rows: usize,
    pub(super) peer: &'static str,
    pub(super) samples: Vec<Sample>,
}

impl Figures {
    pub(super) fn is(&self, case: &str, rows: usize, peer: &str) -> bool {
        self.case == case && self.rows == rows && self.peer == peer
    }
}

const STREAMS: usize = 1;

/// The median over the rounds.
pub(super) fn median_speed(samples: &[Sample]) -> f64 {
    median(samples, |sample| Some(sample.gb_per_s)).unwrap_or_default()
}

/// The figures as an array with an object for each case, number of rows, number of streams and peer, and others behind
/// them.
pub(super) fn json(figures: &[Figures], others: Vec<Value>) -> Result<String> {
    let objects: Vec<Value> = figures
        .iter()
        .map(|of| {
            json!({
                "case": of.case,
                "rows": of.rows,
                "streams": STREAMS,
                "peer": of.peer,
                "gb_per_s": of.samples.iter().map(|sample| sample.gb_per_s).collect::<Vec<_>>(),
                "server_cpu_s_per_gb": median(&of.samples, |sample| sample.server_cpu_s_per_gb),
                "client_cpu_s_per_gb": median(&of.samples, |sample| sample.client_cpu_s_per_gb),
                "server_peak_mib": median(&of.samples, |sample| sample.server_peak_mib),
                "client_peak_mib": median(&of.samples, |sample| sample.client_peak_mib),
            })
        })
        .chain(others)
        .collect();
    Ok(serde_json::to_string_pretty(&objects)? + "\n")
}

/// The figures as a table for each case, with the machine above them.
pub(super) fn table(figures: &[Figures]) -> String {
    let rounds = figures.first().map_or(0, |of| of.samples.len());
    let mut out = format!(
        "\n4 x int64, {STREAMS} stream, TCP over loopback, medians of {rounds} alternating rounds (least to most)\n\
         machine: {}\nours: release build, defaults, multi-thread runtime, keep_freed_memory() at start\n\
         do_get: a batch of over 4 MiB is sent as several messages; do_exchange: an echo, whose bytes count once\n",
        machine()
    );
    for cases in figures.chunk_by(|a, b| a.case == b.case) {
        // Writing to a string does not fail.
        let _ = writeln!(
            out,
            "\n{:<11} {:>8} {:>10}  {:<10} {:>6} {:>13} {:>7} {:>9} {:>11} {:>11} {:>11} {:>11}",
            "call",
            "rows",
            "batch",
            "peer",
            "GB/s",
            "",
            "/ raw",
            "/ pyarrow",
            "server s/GB",
            "client s/GB",
            "server MiB",
            "client MiB",
        );
        cases.iter().for_each(|of| out.push_str(&line(of, cases)));
    }
    out
}

fn line(of: &Figures, others: &[Figures]) -> String {
    let speed = median_speed(&of.samples);
    let ratio = |peer: &str| {
        let other = others.iter().find(|other| other.is(of.case, of.rows, peer))?;
        Some(speed / median_speed(&other.samples))
    };
    let speeds = || of.samples.iter().map(|sample| sample.gb_per_s);
    let range =
        format!("({:.2} - {:.2})", speeds().fold(f64::INFINITY, f64::min), speeds().fold(f64::NEG_INFINITY, f64::max));
    format!(
        "{:<11} {:>8} {:>10}  {:<10} {speed:>6.2} {range:>13} {:>7} {:>9} {:>11} {:>11} {:>11} {:>11}\n",
        of.case,
        of.rows,
        bytes(of.rows * BYTES_PER_ROW),
        of.peer,
        number(ratio(RAW_TCP), 2),
        number(ratio("pyarrow"), 2),
        number(median(&of.samples, |sample| sample.server_cpu_s_per_gb), 3),
        number(median(&of.samples, |sample| sample.client_cpu_s_per_gb), 3),
        number(median(&of.samples, |sample| sample.server_peak_mib), 0),
        number(median(&of.samples, |sample| sample.client_peak_mib), 0),
    )
}

pub(super) fn median<S>(samples: &[S], figure: impl Fn(&S) -> Option<f64>) -> Option<f64> {
    let mut figures: Vec<f64> = samples.iter().filter_map(figure).collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => None,
        length if length % 2 == 0 => Some((figures[middle - 1] + figures[middle]) / 2.0),
        _ => Some(figures[middle]),
    }
}

pub(super) fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
}

fn bytes(count: usize) -> String {
    match count {
        count if count >= 1 << 20 => format!("{} MiB", count >> 20),
        count => format!("{} KiB", count >> 10),
    }
}

/// The processor and how many of it.
fn machine() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{}, {cores} cores, {}", model.map_or("processor unknown", |(_, name)| name.trim()), std::env::consts::OS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(peer: &'static str, speeds: &[f64]) -> Figures {
        let sample = |gb_per_s: &f64| Sample {
            gb_per_s: *gb_per_s,
            server_cpu_s_per_gb: Some(0.25),
            client_cpu_s_per_gb: None,
            server_peak_mib: Some(20.0),
            client_peak_mib: Some(30.0),
        };
        Figures { case: "do_get", rows: 1024, peer, samples: speeds.iter().map(sample).collect() }
    }

    #[test]
    fn medians_of_odd_and_even_rounds() {
        assert_eq!(median_speed(&figures("pyarrow", &[3.0, 1.0, 2.0]).samples), 2.0);
        assert_eq!(median_speed(&figures("pyarrow", &[4.0, 1.0, 2.0, 3.0]).samples), 2.5);
        assert_eq!(median(&[], |sample: &Sample| sample.server_peak_mib), None);
    }

    #[test]
    fn an_object_for_each_peer() {
        let text = json(&[figures("peregrine", &[2.0, 3.0])], Vec::new()).unwrap();
        let expected = json!([{
            "case": "do_get", "rows": 1024, "streams": 1, "peer": "peregrine", "gb_per_s": [2.0, 3.0],
            "server_cpu_s_per_gb": 0.25, "client_cpu_s_per_gb": null, "server_peak_mib": 20.0, "client_peak_mib": 30.0,
        }]);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    }

    #[test]
    fn ratios_stand_in_the_table() {
        let table = table(&[figures("peregrine", &[4.0]), figures("raw-tcp", &[8.0]), figures("pyarrow", &[1.0])]);
        let line = table.lines().find(|line| line.contains("peregrine ")).unwrap();
        let cells: Vec<&str> = line.split_whitespace().collect();
        assert!(line.contains("32 KiB") && cells.contains(&"0.50") && cells.contains(&"4.00"), "{line}");
    }
}
