//! How a server of ours is told to stop.

use std::io::{Read, Result};

/// Waits until the standard input is closed, which also happens when whoever started us has gone.
///
/// # Errors
/// If it cannot be read.
pub async fn input_closed() -> Result<()> {
    let read = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    read.await.expect("reading does not panic")?;
    Ok(())
}
