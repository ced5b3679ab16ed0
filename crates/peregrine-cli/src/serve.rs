//! `peregrine serve`: the files of a folder as flights.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use peregrine::proto::Location;
use peregrine::server::FlightServer;
use peregrine::transport::Shutdown;

use crate::log::log;
use crate::store::{Store, StoreService};
use crate::terminal;

/// How long calls may go on once the server was told to end.
const DRAIN: Duration = Duration::from_secs(10);

/// Serve the Parquet and Arrow files below a folder as flights.
///
/// Every .parquet, .arrow and .feather file below DIR (the latter two: the IPC file format) is a flight, named by its
/// path below DIR without the ending: DIR/deep/er/wide.parquet is the flight deep/er/wide. Where two files would get
/// one name, both keep their endings. Files and folders whose name begins with a dot are left out, as are links that
/// lead out of DIR or to such a file.
///
/// The folder is read anew for every call, so files may come and go. The first line on stdout tells the address, with
/// the real port.
///
/// The bytes of a flight are those of its column data: in a Parquet file as they are encoded, before
/// compression; in an Arrow file as they are, and not known if it is compressed.
///
/// An Arrow file is sent as it is, compressed if it is, and its values are not checked: clients do that or trust them.
/// One with a record batch of more than 4 MiB, which many clients refuse, is decoded and sent in smaller ones, without
/// compression.
///
/// A file may ask for much memory. In an Arrow file a record batch may have 256 MiB, as it is and decompressed, and all
/// dictionaries together 256 MiB; in a Parquet file the footer 16 MiB, a page 256 MiB, and the pages that are
/// read at a time, one a column and its dictionary, 1 GiB. What is larger is an error of that flight, and so is a broken
/// file. How large the rows of a Parquet file become once they are decoded has no limit: serve files that you trust.
///
/// SIGTERM or Ctrl-C ends the server: running calls get ten seconds, a second signal cuts them.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// The folder to serve.
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// Where to listen: grpc+tcp://HOST:PORT, port 0 for any free one, or grpc+unix:///PATH/TO/SOCKET.
    #[arg(long, value_name = "URI", default_value = "grpc+tcp://127.0.0.1:8815")]
    listen: Location,
}

/// Serves until a signal comes.
pub(crate) async fn run(args: ServeArgs) -> Result<()> {
    let store = Store::open(&args.folder).with_context(|| format!("cannot serve {:?}", args.folder))?;
    let server = FlightServer::builder().bind(args.listen).await?.serve(StoreService::new(store))?;
    // Before the line that tells others that the server is there, so that they may end it from then on.
    let shutdown = server.shutdown_on_signal(DRAIN)?;
    terminal::print(&format!("Server listening on {}\n", server.location()))?;
    let told = async {
        server.draining().await;
        log(format_args!("draining for up to {} s; signal again to end at once", DRAIN.as_secs()));
    };
    if let (Shutdown::Cut, ()) = tokio::join!(shutdown, told) {
        log(format_args!("calls that still ran were cut"));
    }
    Ok(())
}
