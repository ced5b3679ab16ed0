//! Services of tower behind a pointer, each request on a clone.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::Pin;

use tower_service::Service;

/// The future of a boxed service.
pub(crate) type BoxServiceFuture<T> = Pin<Box<dyn Future<Output = Result<T, BoxServiceError>> + Send>>;
type BoxServiceError = Box<dyn Error + Send + Sync>;

/// A service of any type that is cloned for each request.
pub(crate) trait ServiceOnce<Q, A>: Send {
    fn clone_box(&self) -> Box<dyn ServiceOnce<Q, A>>;

    /// Nothing of the service runs before the future is polled.
    fn call(self: Box<Self>, request: Q) -> BoxServiceFuture<A>;
}

/// A service whose responses are changed by a function.
pub(crate) fn call_clone<S, Q, A>(service: S, change: fn(S::Response) -> A) -> Box<dyn ServiceOnce<Q, A>>
where
    S: Service<Q> + Clone + Send + 'static,
    S::Error: Into<BoxServiceError>,
    S::Future: Send + 'static,
    Q: Send + 'static,
    A: 'static,
{
    Box::new(Changed { service, change })
}

struct Changed<S, Q, A>
where
    S: Service<Q>,
{
    service: S,
    change: fn(S::Response) -> A,
}

impl<S, Q, A> ServiceOnce<Q, A> for Changed<S, Q, A>
where
    S: Service<Q> + Clone + Send + 'static,
    S::Error: Into<BoxServiceError>,
    S::Future: Send + 'static,
    Q: Send + 'static,
    A: 'static,
{
    fn clone_box(&self) -> Box<dyn ServiceOnce<Q, A>> {
        Box::new(Self { service: self.service.clone(), change: self.change })
    }

    fn call(self: Box<Self>, request: Q) -> BoxServiceFuture<A> {
        let Self { mut service, change } = *self;
        Box::pin(async move {
            poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into)?;
            let response = service.call(request).await.map_err(Into::into)?;
            Ok(change(response))
        })
    }
}
