//! What a check comes to: a line of JSON.

use std::time::Duration;

use anyhow::Result;

/// What one check may take at most.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Runs a check and prints what came of it.
pub(crate) async fn report(check: impl Into<String>, run: impl Future<Output = Result<()>>) {
    let fault = match tokio::time::timeout(TIMEOUT, run).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("{error:#}")),
        Err(_) => Some(format!("not done in {} s", TIMEOUT.as_secs())),
    };
    println!("{}", serde_json::json!({"check": check.into(), "fault": fault}));
}
