//! `BodyAlignment`: where the buffers of a body begin, for a receiver that keeps them where they are.

/// From where a body's alignment is counted, which depends on how the receiver lays out what it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BodyAlignment {
    /// From the start of the DATA frame, as receivers see it that keep complete frames: this crate.
    #[default]
    Frame,
    /// From the start of the gRPC message: grpc-core puts that at a multiple of 16.
    Message,
}

impl BodyAlignment {
    /// What suits the peer with this user agent.
    pub fn for_user_agent(user_agent: &str) -> Self {
        if user_agent.contains("peregrine/") { Self::Frame } else { Self::Message }
    }
}
