//! The results side by side: what criterion leaves in files, as a table.

use std::fs;
use std::path::Path;

use crate::NAMES;
use crate::stream::Stream;

/// Prints a line for each stream that has been measured, now or before.
pub(crate) fn print(results: &Path, streams: &[Stream]) {
    println!("{:28} {:>9} {:>12} {:>14} {:>7}", "decode", "KiB", NAMES[0], NAMES[1], "ratio");
    for stream in streams {
        let folder = results.join(stream.group().replace('/', "_"));
        let [Some(ours), Some(theirs)] = NAMES.map(|name| median(&folder.join(name))) else { continue };
        let kib = stream.bytes() as f64 / 1024.0;
        let ratio = theirs / ours;
        println!("{:28} {kib:9.1} {:9.2} us {:11.2} us {ratio:7.2}", stream.name, ours / 1e3, theirs / 1e3);
    }
}

/// The median in nanoseconds.
fn median(folder: &Path) -> Option<f64> {
    let estimates = fs::read(folder.join("new/estimates.json")).ok()?;
    serde_json::from_slice::<serde_json::Value>(&estimates).ok()?["median"]["point_estimate"].as_f64()
}
