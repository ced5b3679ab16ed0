//! `peregrine`: serves files as Arrow flights, and lists, describes and reads the flights of any server.

mod get;
mod info;
mod log;
mod ls;
mod output;
mod remote;
mod serve;
mod store;
mod terminal;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::log::log;
use crate::terminal::{chain, one_line};

/// Serve and move Arrow data over Flight.
///
/// Try it: `peregrine serve DIR` in one terminal, `peregrine ls grpc+tcp://127.0.0.1:8815` in another. Results go to
/// stdout, and everything else to stderr. The exit code is 0 if all went well, 1 for an error, and 2 for wrong usage.
#[derive(Debug, Parser)]
#[command(name = "peregrine", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Ls(ls::LsArgs),
    Info(info::InfoArgs),
    Get(get::GetArgs),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log(format_args!("{}", one_line(&chain(&error))));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    peregrine::transport::keep_freed_memory();
    let runtime = tokio::runtime::Runtime::new()?;
    let result = runtime.block_on(async {
        match command {
            Command::Serve(args) => serve::run(args).await,
            Command::Ls(args) => ls::run(args).await,
            Command::Info(args) => info::run(args).await,
            Command::Get(args) => get::run(args).await,
        }
    });
    // File work that hangs must not keep the program from ending.
    runtime.shutdown_background();
    result
}
