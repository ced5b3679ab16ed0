//! What our client sees of `interop_service.py` on pyarrow's server, judged: a line of JSON a check.
//!
//! Usage: `interop_client URI FOLDER`, the folder being the one whose files the service serves.

mod answers;
mod early_ends;
mod failures;
mod files;
mod uploads;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use peregrine::client::{FlightCallOptions, FlightClient};

/// What one check may take at most.
const TIMEOUT: Duration = Duration::from_secs(60);

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

/// Runs a check and prints what came of it.
async fn report(check: impl Into<String>, run: impl Future<Output = Result<()>>) {
    let fault = match tokio::time::timeout(TIMEOUT, run).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("{error:#}")),
        Err(_) => Some(format!("not done in {} s", TIMEOUT.as_secs())),
    };
    println!("{}", serde_json::json!({"check": check.into(), "fault": fault}));
}

/// Options that send each of the headers that the service sends back.
fn with_headers() -> Result<FlightCallOptions> {
    let mut options = FlightCallOptions::new();
    for (name, value) in HEADERS {
        options = options.with_header(&format!("x-echo-{name}"), value)?;
    }
    Ok(options)
}

/// Names behind `x-echo-`, and values. One name has two.
const HEADERS: [(&str, &[u8]); 5] =
    [("text", b"one"), ("text", b"two"), ("odd", b"a,b; c=d  e"), ("raw-bin", b"\x00\x01\xfe\xff"), ("empty-bin", b"")];
