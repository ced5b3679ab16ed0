//! Services that a server has beside its handler, each under a prefix of the path.

pub(crate) mod mounted_body;
pub(crate) mod mounted_call;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use peregrine_proto::{CallInfo, FlightError};
use tower_service::Service;

use super::incoming_body::IncomingBody;
use crate::call::any_body::{BoxBody, boxed};
use crate::grpc::status::Status;
use crate::shared_service::{BoxServiceFuture, SharedService};

/// HTTP services that share the connections of a server with its handler: the calls whose path begins with a mount's
/// prefix are its own.
///
/// The services are called in the tasks of their calls, each call on a clone.
#[derive(Clone, Default)]
pub struct Mounts {
    mounts: Vec<Mount>,
    gate: Option<Arc<dyn MountGate>>,
}

/// Decides which calls reach mounted services.
pub trait MountGate: Send + Sync + 'static {
    /// Lets a call through, or ends it with a status. The future is dropped when the call is cancelled or its deadline
    /// passes.
    ///
    /// # Errors
    /// The status that the caller gets.
    fn admit<'a>(&'a self, call: &'a CallInfo) -> Pin<Box<dyn Future<Output = Result<(), Status>> + Send + 'a>>;
}

/// A service and its prefix.
#[derive(Clone)]
pub(crate) struct Mount {
    prefix: Arc<str>,
    /// Passes no gate.
    is_open: bool,
    service: SharedService<Request<IncomingBody>, Response<BoxBody>>,
}

/// The response of a mounted service, on its way.
pub(crate) type Answering = BoxServiceFuture<Response<BoxBody>>;

impl Mounts {
    /// Mounts a service. The prefix counts in whole segments of the path: `/grpc.health.v1.Health` takes
    /// `/grpc.health.v1.Health/Check`. Of several prefixes the longest takes the call. Calls pass the
    /// [gate](Self::set_gate) first, if there is one.
    pub fn add<S, B>(&mut self, prefix: impl Into<String>, service: S)
    where
        S: Service<Request<IncomingBody>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.push(prefix.into(), service, false);
    }

    /// Mounts a service whose calls pass no gate, as health checks. Otherwise as [`add`](Self::add).
    pub fn add_open<S, B>(&mut self, prefix: impl Into<String>, service: S)
    where
        S: Service<Request<IncomingBody>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.push(prefix.into(), service, true);
    }

    /// Sets what calls of mounted services pass first.
    pub fn set_gate(&mut self, gate: Arc<dyn MountGate>) {
        self.gate = Some(gate);
    }

    fn push<S, B>(&mut self, prefix: String, service: S, is_open: bool)
    where
        S: Service<Request<IncomingBody>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let service = SharedService::new(service, |response: Response<B>| response.map(boxed));
        self.mounts.push(Mount { prefix: prefix.into(), is_open, service });
    }

    /// Whether nothing is mounted.
    pub fn is_empty(&self) -> bool {
        self.mounts.is_empty()
    }

    /// Checks that every prefix is one, that no two are the same, and that none shares paths with `own`, which is that
    /// of the handler.
    ///
    /// # Errors
    /// [`InvalidArgument`](peregrine_proto::FlightErrorKind::InvalidArgument), naming the prefix.
    pub fn check_beside(&self, own: &str) -> Result<(), FlightError> {
        self.check()?;
        match self.mounts.iter().find(|mount| covers(&mount.prefix, own) || covers(own, &mount.prefix)) {
            Some(Mount { prefix, .. }) => Err(FlightError::invalid_argument(format!(
                "cannot mount a service at {prefix}: {own} is served already"
            ))),
            None => Ok(()),
        }
    }

    /// Checks the prefixes among themselves.
    pub(crate) fn check(&self) -> Result<(), FlightError> {
        for (index, Mount { prefix, .. }) in self.mounts.iter().enumerate() {
            if !prefix.starts_with('/') || prefix.ends_with('/') || prefix.contains("//") {
                let message = format!("cannot mount a service at {prefix:?}: it takes a path as /package.Service");
                return Err(FlightError::invalid_argument(message));
            }
            if self.mounts[..index].iter().any(|other| other.prefix == *prefix) {
                return Err(FlightError::invalid_argument(format!("two services are mounted at {prefix}")));
            }
        }
        Ok(())
    }

    /// What the calls of a mount pass first.
    pub(crate) fn gate_of(&self, mount: &Mount) -> Option<Arc<dyn MountGate>> {
        self.gate.clone().filter(|_| !mount.is_open)
    }

    /// The mount that a path belongs to.
    pub(crate) fn find(&self, path: &str) -> Option<&Mount> {
        self.mounts.iter().filter(|mount| covers(&mount.prefix, path)).max_by_key(|mount| mount.prefix.len())
    }
}

impl fmt::Debug for Mounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.mounts.iter().map(|mount| &mount.prefix)).finish()
    }
}

impl Mount {
    pub(crate) fn prefix(&self) -> &Arc<str> {
        &self.prefix
    }

    /// Nothing of the service runs before the future is polled.
    pub(crate) fn call(&self, request: Request<IncomingBody>) -> Answering {
        self.service.call(request)
    }
}

/// Whether `path` is `prefix` or lies below it.
fn covers(prefix: &str, path: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::task::{Context, Poll};

    use super::*;

    #[derive(Clone)]
    struct Nothing;

    impl Service<Request<IncomingBody>> for Nothing {
        type Response = Response<String>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Self::Response, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<IncomingBody>) -> Self::Future {
            std::future::ready(Ok(Response::default()))
        }
    }

    fn mounts(prefixes: &[&str]) -> Mounts {
        let mut mounts = Mounts::default();
        prefixes.iter().for_each(|prefix| mounts.add(*prefix, Nothing));
        mounts
    }

    #[test]
    fn a_prefix_takes_whole_segments_and_the_longest_wins() {
        let mounts = mounts(&["/a.Health", "/b", "/b/deep"]);
        let found = |path| mounts.find(path).map(|mount| mount.prefix.to_string());
        for (path, prefix) in [
            ("/a.Health/Check", Some("/a.Health")),
            ("/a.Health", Some("/a.Health")),
            ("/a.HealthAndMore/Check", None),
            ("/a.Healt/Check", None),
            ("/b/Method", Some("/b")),
            ("/b/deep/Method", Some("/b/deep")),
            ("/b/deeper", Some("/b")),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(found(path).as_deref(), prefix, "{path}");
        }
    }

    #[test]
    fn a_prefix_that_can_take_no_call_of_its_own_is_an_error_that_names_it() {
        let error = |prefixes: &[&str]| mounts(prefixes).check_beside("/own.Service").unwrap_err().message().to_owned();
        for prefix in ["", "/", "a.Health", "/a.Health/", "//a"] {
            assert!(error(&[prefix]).contains(&format!("{prefix:?}")), "{}", error(&[prefix]));
        }
        assert_eq!(error(&["/a", "/b", "/a"]), "two services are mounted at /a");
        for prefix in ["/own.Service", "/own.Service/Method"] {
            assert_eq!(error(&[prefix]), format!("cannot mount a service at {prefix}: /own.Service is served already"));
        }
        mounts(&["/a", "/a/b", "/own", "/own.Service2"]).check_beside("/own.Service").unwrap();
    }
}
