//! `peregrine get`: the data of a flight, as a table of its first rows or as a file.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use peregrine::client::FlightClient;
use peregrine::proto::Location;
use peregrine::server::Signals;

use crate::output::{FileFormat, FirstRows, UnnamedFile};
use crate::remote::Download;
use crate::terminal;

/// Read a flight: show its first rows, or write all of it to a file.
///
/// Without -o the first rows are shown as a table. With -o the flight is written to a file as it comes, in the format
/// that the ending of FILE names: .parquet, .arrow (the IPC file format) or .csv. The file gets its name when it is
/// whole; a download that is cut leaves nothing behind.
#[derive(Debug, clap::Args)]
pub(crate) struct GetArgs {
    /// The server, as grpc+tcp://HOST:PORT or grpc+unix:///PATH/TO/SOCKET.
    #[arg(value_name = "URI")]
    server: Location,

    /// The flight, as `peregrine ls` names it.
    name: String,

    /// Write the flight to this file: .parquet, .arrow or .csv. A file of this name is replaced.
    #[arg(short, long, value_name = "FILE", value_parser = parse_output)]
    output: Option<Output>,

    /// How many rows to show.
    #[arg(long, value_name = "N", default_value_t = 20, conflicts_with = "output")]
    rows: usize,
}

#[derive(Debug, Clone)]
struct Output {
    path: PathBuf,
    format: FileFormat,
}

fn parse_output(path: &str) -> Result<Output> {
    let path = PathBuf::from(path);
    Ok(Output { format: FileFormat::of(&path)?, path })
}

/// Reads the flight. A signal ends it as an error does, so that a file that was begun is removed.
pub(crate) async fn run(args: GetArgs) -> Result<()> {
    let mut signals = Signals::listen()?;
    tokio::select! {
        result = read(args) => result,
        () = signals.next() => bail!("interrupted"),
    }
}

async fn read(args: GetArgs) -> Result<()> {
    match &args.output {
        Some(output) => {
            // First of all, since without a place to write there is no use in asking a server.
            let file = UnnamedFile::create(&output.path, output.format)?;
            let rows = write(&args, file).await?;
            print_written(rows, &output.path)
        }
        None => show(&args).await,
    }
}

/// Writes the flight to a file and counts its rows. Runs on the main thread, where blocking holds up nothing but the
/// download itself: connections are on the runtime's own threads.
async fn write(args: &GetArgs, file: UnnamedFile) -> Result<usize> {
    let mut download = Download::start(FlightClient::connect(args.server.clone())?, &args.name).await?;
    let mut file = file.begin(download.schema())?;
    let mut rows = 0;
    while let Some(batch) = download.next_batch().await? {
        file.write(&batch)?;
        rows += batch.num_rows();
    }
    file.finish()?;
    Ok(rows)
}

fn print_written(rows: usize, path: &Path) -> Result<()> {
    terminal::print(&format!("{rows} rows written to {}\n", path.display()))?;
    Ok(())
}

/// Shows the first rows. The rest of the flight is not asked for: dropping the download cancels it.
async fn show(args: &GetArgs) -> Result<()> {
    let mut download = Download::start(FlightClient::connect(args.server.clone())?, &args.name).await?;
    let mut table = FirstRows::new(download.schema().clone(), args.rows);
    while let Some(batch) = download.next_batch().await? {
        if table.add(&batch) {
            break;
        }
    }
    terminal::print(&table.render()?)?;
    Ok(())
}
