//! `cargo xtask fuzz`: the fuzz targets on stable Rust, each in a process of its own, so that aborts and hangs are
//! findings too.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::process::{self, Running};
use crate::workspace::{Profile, Workspace};

/// The program says how far it is every second or so; one input that takes this long is a finding.
const SILENCE: Duration = Duration::from_secs(60);

/// What to run.
#[derive(clap::Args)]
pub(crate) struct Plan {
    /// Processor time in seconds, split over the targets.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// One target alone.
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// What all inputs follow from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Run this input of the target again, and no others.
    #[arg(long, value_name = "FILE", requires = "target")]
    again: Option<PathBuf>,
}

/// Builds the targets, and runs them one after the other.
///
/// # Errors
/// If there is a finding, whose input lies below `target/fuzz` then.
pub(crate) fn run(workspace: &Workspace, plan: &Plan) -> Result<()> {
    // Not optimized, and so with all checks.
    workspace.build(Profile::Dev, &["--package", "fuzz", "--bin", "fuzz"])?;
    let scratch = workspace.scratch("fuzz")?;
    if let Some(input) = &plan.again {
        let target = plan.target.as_deref().context("--again needs --target")?;
        let input = std::path::absolute(input)?;
        let status = program(workspace, &["again", target]).arg(input).status().context("start the fuzz program")?;
        ensure!(status.success(), "a promise does not hold");
        return Ok(());
    }
    let targets = targets(workspace, &scratch)?;
    let targets: Vec<_> = targets.iter().filter(|name| plan.target.as_ref().is_none_or(|only| only == *name)).collect();
    ensure!(!targets.is_empty(), "there is no such target");
    let seconds = plan.seconds.div_ceil(targets.len() as u64);
    let mut findings = 0;
    for target in targets {
        if let Err(finding) = fuzz(workspace, &scratch, target, seconds, plan.seed) {
            println!("{target}: {finding:#}");
            findings += 1;
        }
    }
    ensure!(findings == 0, "{findings} targets have a finding");
    Ok(())
}

fn program(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut command = workspace.program(Profile::Dev, "fuzz");
    command.args(arguments);
    command
}

fn targets(workspace: &Workspace, scratch: &Path) -> Result<Vec<String>> {
    process::run(program(workspace, &["list"]), &scratch.join("list.log"), SILENCE)
}

/// Runs one target, and prints what it did.
fn fuzz(workspace: &Workspace, scratch: &Path, target: &str, seconds: u64, seed: u64) -> Result<()> {
    let record = scratch.join(format!("{target}.record"));
    let log = scratch.join(format!("{target}.log"));
    let (seconds, seed) = (seconds.to_string(), seed.to_string());
    let mut command = program(workspace, &["run", target, "--seconds", &seconds, "--seed", &seed, "--record"]);
    command.arg(&record);
    let running = Running::start(command, &log)?;
    let mut last = String::new();
    let ended = loop {
        match running.line(SILENCE) {
            Ok(line) => last = line,
            // The output ended, or did not go on.
            Err(_) => break running.wait(Duration::from_secs(1)),
        }
    };
    if ended.is_ok_and(|(status, _)| status.success()) {
        println!("{target}: {last}");
        return Ok(());
    }
    let input = kept(scratch, target, &record)?;
    let name = input.strip_prefix(workspace.root()).unwrap_or(&input).display();
    bail!("{last}\n{}  run it again: cargo xtask fuzz --target {target} --again {name}", process::end_of_log(&log),);
}

/// The file with the input that was being run, under a name of its own.
fn kept(scratch: &Path, target: &str, record: &Path) -> Result<PathBuf> {
    let record = std::fs::read(record).context("read the record")?;
    let (length, rest) = record.split_first_chunk().context("the record is empty")?;
    let input = usize::try_from(u64::from_le_bytes(*length)).ok().and_then(|length| rest.get(..length));
    let input = input.context("the record is cut short")?;
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    let path = scratch.join(format!("{target}-{:016x}", hasher.finish()));
    std::fs::write(&path, input).with_context(|| format!("write {}", path.display()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_of_a_record_is_kept() {
        let scratch = std::env::temp_dir().join(format!("xtask-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&scratch).unwrap();
        let record = scratch.join("record");
        // What was left of a longer input stands behind it.
        std::fs::write(&record, b"\x03\0\0\0\0\0\0\0abcdefg").unwrap();
        let path = kept(&scratch, "location", &record).unwrap();
        assert_eq!(std::fs::read(path).unwrap(), b"abc");
        std::fs::write(&record, b"\xff\0\0\0\0\0\0\0abc").unwrap();
        assert!(kept(&scratch, "location", &record).is_err());
        std::fs::remove_dir_all(scratch).unwrap();
    }
}
