//! The client: a channel to one server, and its calls.

pub(crate) mod attempts;
pub(crate) mod backoff;
pub(crate) mod call_start;
pub(crate) mod channel;
pub(crate) mod channel_config;
pub(crate) mod connect;
pub(crate) mod duplex;
pub(crate) mod http_channel;
pub(crate) mod incoming_reply;
pub(crate) mod link;
pub(crate) mod open_calls;
pub(crate) mod outgoing;
pub(crate) mod reconnect;
