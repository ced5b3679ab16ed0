//! `ChannelConfig`: how a client connects and calls.

use std::time::Duration;

use peregrine_proto::MessageLimits;

use super::backoff::Backoff;
use super::http_channel::ChannelLayers;
use crate::http2::Http2Config;
use crate::security::Security;

/// How a client connects and calls.
#[derive(Debug, Clone)]
pub struct ChannelConfig {
    /// The settings of HTTP/2.
    pub http2: Http2Config,
    /// The longest message that is read, in bytes. 2 GiB - 1.
    pub message_limit: usize,
    /// How long a connection may take to be made. 20 s.
    pub connect_timeout: Duration,
    /// The pauses after connections that failed.
    pub backoff: Backoff,
    /// What every request passes on its way to the connection. None.
    pub layers: ChannelLayers,
}

impl Default for ChannelConfig {
    fn default() -> Self {
        Self {
            http2: Http2Config::client(),
            message_limit: MessageLimits::default().message,
            connect_timeout: Duration::from_secs(20),
            backoff: Backoff::default(),
            layers: ChannelLayers::default(),
        }
    }
}

impl ChannelConfig {
    /// How connections are secured.
    pub(crate) fn security(&self) -> Security {
        Security::Plaintext
    }
}
