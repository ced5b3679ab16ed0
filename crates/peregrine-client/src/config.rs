//! `ClientConfig`: what a client and those that it makes for other locations share.

use std::fmt;
use std::sync::Arc;

use peregrine_proto::{ClientAuthStage, ClientMiddlewareStage, FlightError, Location, MessageLimits};
use peregrine_stream::ReceiveBuffers;
use peregrine_transport::{Channel, ChannelConfig, Connect};

/// What clients of one configuration share, whatever their location.
pub(crate) struct ClientConfig {
    pub(crate) limits: MessageLimits,
    pub(crate) buffers: ReceiveBuffers,
    pub(crate) write_size_limit: Option<usize>,
    pub(crate) channel: ChannelConfig,
    pub(crate) connect: Arc<dyn Connect>,
    pub(crate) stages: ClientStages,
}

/// What each call passes before it is sent.
#[derive(Clone, Default)]
pub(crate) struct ClientStages {
    pub(crate) auth: Option<Arc<dyn ClientAuthStage>>,
    pub(crate) middleware: Vec<Arc<dyn ClientMiddlewareStage>>,
}

impl ClientConfig {
    /// A channel to a location.
    pub(crate) fn channel(&self, location: &Location) -> Result<Channel, FlightError> {
        let config = ChannelConfig { message_limit: self.limits.effective_call_message(), ..self.channel.clone() };
        Channel::new(location.clone(), Arc::clone(&self.connect), config)
    }
}

impl fmt::Debug for ClientStages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientStages")
            .field("auth", &self.auth.is_some())
            .field("middleware", &self.middleware.len())
            .finish()
    }
}
