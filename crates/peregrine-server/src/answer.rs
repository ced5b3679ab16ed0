//! `Answer`: what a handler responds, framed, whatever it does.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures_core::Stream;
use futures_core::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use peregrine_proto::FlightError;
use peregrine_transport::{Rope, panic_text};

/// What a handler responds, framed.
pub(crate) enum Answer {
    /// All of it.
    Complete(Rope),
    /// As it comes.
    Frames(Frames),
}

pub(crate) type Frames = BoxStream<'static, Result<Rope, FlightError>>;

/// Turns a panic of a handler or of a stage into its error. No `async fn`, which would hold the handler twice.
pub(crate) fn caught<T>(
    handler: impl Future<Output = Result<T, FlightError>>,
) -> impl Future<Output = Result<T, FlightError>> {
    AssertUnwindSafe(handler).catch_unwind().map(|ended| ended.unwrap_or_else(|panic| Err(panicked(&*panic))))
}

/// Turns a panic while frames are made into their error.
pub(crate) fn guarded(frames: Frames) -> impl Stream<Item = Result<Rope, FlightError>> + Send + Unpin {
    AssertUnwindSafe(frames).catch_unwind().map(|frame| frame.unwrap_or_else(|panic| Err(panicked(&*panic))))
}

/// The error that the caller gets for a panic; what the panic said is for the log.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> FlightError {
    tracing::error!(panic = panic_text(panic), "a handler panicked");
    FlightError::internal("the handler of this call panicked")
}
