//! What the URI of a location says.

use std::path::PathBuf;

/// What a URI says, as far as its scheme is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Tcp { tls: bool, host: Option<String>, port: Option<u16> },
    Unix(PathBuf),
    ReuseConnection,
    Other,
}
