//! What our client sees of `interop_service.py` on pyarrow's server, judged: a line of JSON a check.
//!
//! Usage: `interop_client URI FOLDER`, the folder being the one whose files the service serves.

mod answers;
mod early_ends;
mod failures;
mod files;
mod headers;
mod report;
mod uploads;

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use peregrine::client::FlightClient;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let mut argument = || arguments.next().context("usage: interop_client URI FOLDER");
    let uri = argument()?.into_string().map_err(|uri| anyhow!("{} is no URI", uri.display()))?;
    let folder = PathBuf::from(argument()?);
    let client = FlightClient::connect(uri.as_str())?;
    files::check(&client, &folder).await;
    answers::check(&client).await;
    failures::check(&client).await;
    early_ends::check(&client).await;
    uploads::check(&client).await;
    Ok(())
}
