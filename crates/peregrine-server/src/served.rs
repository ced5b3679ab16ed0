//! `Served`: a service, and what its calls share.

use std::sync::Arc;

use peregrine_proto::MessageLimits;
use peregrine_stream::{ReadConfig, ReceiveBuffers};

use crate::settings::{ServerStages, Settings};

/// A service, and what its calls share.
pub(crate) struct Served<S> {
    pub(crate) service: S,
    pub(crate) stages: Arc<ServerStages>,
    limits: MessageLimits,
    buffers: ReceiveBuffers,
}

impl<S> Served<S> {
    pub(crate) fn new(service: S, settings: &Settings) -> Self {
        let (limits, stages) = (settings.limits.clone(), Arc::new(settings.stages.clone()));
        Self { service, stages, limits, buffers: ReceiveBuffers::default() }
    }

    /// How an upload is read.
    pub(crate) fn read_config(&self) -> ReadConfig {
        ReadConfig { limits: self.limits.clone(), buffers: self.buffers.clone(), ..ReadConfig::default() }
    }
}
