//! Services of tower behind a pointer, each request on a clone.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;

use tower_service::Service;

use crate::mutex::Mutex;

/// The future of a boxed service.
pub(crate) type BoxServiceFuture<T> = Pin<Box<dyn Future<Output = Result<T, BoxServiceError>> + Send>>;
type BoxServiceError = Box<dyn Error + Send + Sync>;

/// A service of any type, which is cloned for each request.
pub(crate) struct SharedService<Q, A> {
    /// Behind a lock, for services need not be `Sync`.
    service: Arc<Mutex<Box<dyn ServiceOnce<Q, A>>>>,
}

impl<Q, A> SharedService<Q, A>
where
    Q: Send + 'static,
    A: 'static,
{
    /// A service whose responses are changed by a function.
    pub(crate) fn new<S>(service: S, change: fn(S::Response) -> A) -> Self
    where
        S: Service<Q> + Clone + Send + 'static,
        S::Error: Into<BoxServiceError>,
        S::Future: Send + 'static,
    {
        Self { service: Arc::new(Mutex::new(Box::new(Changed { service, change }))) }
    }

    /// Nothing of the service runs before the future is polled.
    pub(crate) fn call(&self, request: Q) -> BoxServiceFuture<A> {
        // Cloned in the call's task, where a clone that is slow or panics harms nothing else.
        let service = Arc::clone(&self.service);
        Box::pin(async move {
            let service = service.lock().clone_box();
            service.call(request).await
        })
    }
}

impl<Q, A> Clone for SharedService<Q, A> {
    fn clone(&self) -> Self {
        Self { service: Arc::clone(&self.service) }
    }
}

trait ServiceOnce<Q, A>: Send {
    fn clone_box(&self) -> Box<dyn ServiceOnce<Q, A>>;

    fn call(self: Box<Self>, request: Q) -> BoxServiceFuture<A>;
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
