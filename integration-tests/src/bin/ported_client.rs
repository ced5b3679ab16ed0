//! What our client sees of the servers of pyarrow's tests: a line of JSON a test.
//!
//! Usage: `ported_client SERVERS`, a JSON object of URIs by the servers' names.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use integration_tests::ported::{Servers, TESTS};

/// What one test may take at most.
const TIMEOUT: Duration = Duration::from_secs(100);

#[tokio::main]
async fn main() -> Result<()> {
    let servers = std::env::args().nth(1).context("usage: ported_client SERVERS")?;
    let uris: BTreeMap<String, String> = serde_json::from_str(&servers)?;
    let servers = Servers::at(uris);
    for test in TESTS {
        let fault = match tokio::time::timeout(TIMEOUT, (test.run)(&servers)).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(format!("{error:#}")),
            Err(_) => Some(format!("not done in {} s", TIMEOUT.as_secs())),
        };
        println!("{}", serde_json::json!({"check": format!("{} ({})", test.name, test.line), "fault": fault}));
    }
    Ok(())
}
