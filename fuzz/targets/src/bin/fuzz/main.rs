//! Runs a fuzz target in this process, which ends at the first promise that does not hold: `cargo xtask fuzz` starts it.

mod counting;
mod record;
mod trial;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use fuzz::{TARGETS, Target};

use crate::trial::Trial;

/// Runs fuzz targets.
#[derive(Parser)]
enum Command {
    /// Print the names of the targets.
    List,
    /// Make inputs and run them for a while. Prints how far it is about every second.
    Run {
        target: String,
        /// Processor time.
        #[arg(long)]
        seconds: u64,
        /// What all inputs follow from.
        #[arg(long)]
        seed: u64,
        /// Where each input is written before it is run.
        #[arg(long)]
        record: PathBuf,
    },
    /// Run one input again, bare or as it was recorded.
    Again { target: String, input: PathBuf },
    /// Write the inputs that a target begins with, a file each.
    Seeds { target: String, folder: PathBuf },
}

fn main() -> Result<()> {
    match Command::parse() {
        Command::List => TARGETS.iter().for_each(|target| println!("{}", target.name)),
        Command::Run { target, seconds, seed, record } => {
            Trial::new(find(&target)?, seed, Some(&record))?.run(seconds)?
        }
        Command::Again { target, input } => {
            let bytes = std::fs::read(&input).with_context(|| format!("read {}", input.display()))?;
            let outcome = Trial::new(find(&target)?, 0, None)?.execute(&bytes)?;
            println!("all promises are kept; {}", if outcome.accepted { "accepted" } else { "refused" });
        }
        Command::Seeds { target, folder } => {
            std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
            for (number, seed) in (find(&target)?.seeds)().into_iter().enumerate() {
                std::fs::write(folder.join(format!("seed-{number}")), seed)?;
            }
        }
    }
    Ok(())
}

fn find(name: &str) -> Result<&'static Target> {
    let names = || TARGETS.iter().map(|target| target.name).collect::<Vec<_>>().join(", ");
    fuzz::named(name).with_context(|| format!("there is no target {name}: they are {}", names()))
}
