//! `Settings`: what is set before the first call, the same for a server with listeners and for an embedded one.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use peregrine_proto::{
    CallInfo, CallerIdentity, FlightError, MessageLimits, ServerAuthStage, ServerCallObserver, ServerMiddlewareStage,
};
use peregrine_transport::{MountGate, ServeConfig, Status};

/// What is set before the first call.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) limits: MessageLimits,
    pub(crate) serve: ServeConfig,
    pub(crate) stages: ServerStages,
}

/// What each call passes around its handler.
#[derive(Clone, Default)]
pub(crate) struct ServerStages {
    pub(crate) auth: Option<Arc<dyn ServerAuthStage>>,
    pub(crate) middleware: Vec<Arc<dyn ServerMiddlewareStage>>,
    pub(crate) observers: Vec<Arc<dyn ServerCallObserver>>,
}

impl Default for Settings {
    fn default() -> Self {
        let mut settings =
            Self { limits: MessageLimits::default(), serve: ServeConfig::default(), stages: ServerStages::default() };
        settings.set_limits(MessageLimits::default());
        settings
    }
}

impl Settings {
    pub(crate) fn set_limits(&mut self, limits: MessageLimits) {
        self.serve.message_limit = limits.effective_call_message();
        self.limits = limits;
    }

    /// How the transport serves: calls of mounted services pass authentication too.
    pub(crate) fn gated(&self) -> ServeConfig {
        let mut serve = self.serve.clone();
        if self.stages.auth.is_some() {
            serve.mounts.set_gate(Arc::new(AuthGate { stages: self.stages.clone() }));
        }
        serve
    }
}

impl ServerStages {
    /// Who calls, or why the call is refused.
    pub(crate) async fn authenticate(&self, call: &CallInfo) -> Result<Option<CallerIdentity>, FlightError> {
        match &self.auth {
            Some(auth) => auth.authenticate(call).await,
            None => Ok(None),
        }
    }

    /// Whether any of them sees the end of calls.
    pub(crate) fn see_ends(&self) -> bool {
        !self.middleware.is_empty() || !self.observers.is_empty()
    }
}

impl fmt::Debug for ServerStages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerStages")
            .field("auth", &self.auth.is_some())
            .field("middleware", &self.middleware.len())
            .field("observers", &self.observers.len())
            .finish()
    }
}

/// Authentication in front of mounted services, which find the caller's [`CallerIdentity`] among the call's extensions.
struct AuthGate {
    stages: ServerStages,
}

impl MountGate for AuthGate {
    fn admit<'a>(&'a self, call: &'a CallInfo) -> Pin<Box<dyn Future<Output = Result<(), Status>> + Send + 'a>> {
        Box::pin(async move {
            if let Some(identity) = self.stages.authenticate(call).await? {
                call.extensions().insert(identity);
            }
            Ok(())
        })
    }
}
