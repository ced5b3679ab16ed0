//! gRPC's own rules: headers, timeouts, message framing, status.

pub(crate) mod framing;
pub(crate) mod headers;
pub(crate) mod message_collector;
pub(crate) mod status;
pub(crate) mod timeout;
