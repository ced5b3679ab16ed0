//! The tools of the workspace: `cargo xtask <command>`. Depends on no crate of the workspace.

mod bench;
mod ci;
mod codegen;
mod fuzz;
mod interop;
mod process;
mod python;
mod sample_data;
mod tidy;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::workspace::Workspace;

/// The tools of the workspace.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Command {
    /// Check floors, budgets, names and what may be used where.
    Tidy,
    /// Run everything that must hold before a change goes in, with a time for each step.
    Ci,
    /// Check against pyarrow and Go, in both directions. Sets both up below `target`.
    Interop,
    /// Measure against raw TCP and pyarrow.
    Bench {
        /// Fewer rounds: about five minutes, once the programs are built.
        #[arg(long)]
        quick: bool,
        /// One of `do_get`, `do_put`, `do_exchange`, `small_do_action` and `small_do_get` alone.
        #[arg(long, value_name = "NAME")]
        case: Option<String>,
        /// Where to write the numbers.
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
    },
    /// Run the fuzz targets on stable Rust: fails with a finding, and says how to run its input again.
    Fuzz(fuzz::Plan),
    /// Make the code in `peregrine-proto` from `proto/`.
    Codegen {
        /// Compare with what is checked in, and change nothing.
        #[arg(long)]
        check: bool,
    },
    /// Write `examples/data` anew.
    SampleData,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let workspace = Workspace::find()?;
    match Command::parse() {
        Command::Tidy => tidy::run(workspace.root()),
        Command::Ci => ci::run(&workspace),
        Command::Interop => interop::run(&workspace),
        Command::Bench { quick, case, json } => bench::run(&workspace, quick, case.as_deref(), json.as_deref()),
        Command::Fuzz(plan) => fuzz::run(&workspace, &plan),
        Command::Codegen { check } => codegen::run(&workspace, check),
        Command::SampleData => sample_data::run(&workspace),
    }
}
