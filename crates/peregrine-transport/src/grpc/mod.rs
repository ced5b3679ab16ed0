//! gRPC's own rules: message framing, timeouts, status.

pub(crate) mod framing;
pub(crate) mod status;
pub(crate) mod timeout;
