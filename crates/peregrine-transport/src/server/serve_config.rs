//! `ServeConfig`: how a server serves.

use std::time::Duration;

use peregrine_proto::{Location, MessageLimits};

use super::http_service::ServeLayers;
use super::mount::Mounts;
use crate::http2::Http2Config;
use crate::listen_address::ListenAddress;
use crate::security::Security;

/// How a server serves.
#[derive(Debug, Clone)]
pub struct ServeConfig {
    /// The settings of HTTP/2.
    pub http2: Http2Config,
    /// The longest message that is read, in bytes. 2 GiB - 1.
    pub message_limit: usize,
    /// How many connections there may be at a time; more wait in the system's queue. 10 000.
    pub max_connections: usize,
    /// How long a new connection may take until it is secured and has said that it speaks HTTP/2. 10 s.
    pub handshake_timeout: Duration,
    /// The services beside the handler. None.
    pub mounts: Mounts,
    /// What every request passes on its way to the handler or to a mounted service. None.
    pub layers: ServeLayers,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            http2: Http2Config::server(),
            message_limit: MessageLimits::default().message,
            max_connections: 10_000,
            handshake_timeout: Duration::from_secs(10),
            mounts: Mounts::default(),
            layers: ServeLayers::default(),
        }
    }
}

impl ServeConfig {
    /// The location that clients of a listener would write. Listeners in memory and custom ones have none that others
    /// could use: [`Location::reuse_connection`] stands for it.
    pub fn location(&self, address: &ListenAddress) -> Location {
        self.security().location(address)
    }

    /// How connections are secured.
    pub(crate) fn security(&self) -> Security {
        Security::Plaintext
    }
}
