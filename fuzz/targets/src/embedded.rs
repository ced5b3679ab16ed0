//! Calls of a handler without a connection: the request's body is there, in frames.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body::{Body, Frame};
use peregrine::transport::{CallHandler, EmbeddedService, ServeConfig};
use tokio::runtime::{Builder, Runtime};
use tower_service::Service;

/// Has a handler answer a call that comes in these frames. Gives the headers of the answer.
pub(crate) fn call(handler: impl CallHandler, frames: Vec<Bytes>) -> HeaderMap {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    }
    let request = Request::post("http://localhost/arrow.flight.protocol.FlightService/DoPut");
    let request = request.header("content-type", "application/grpc").header("te", "trailers");
    let request = request.body(Frames(frames.into())).expect("a request");
    let mut service = EmbeddedService::new(handler, &ServeConfig::default());
    let answered = async {
        let response = service.call(request).await;
        // What the call started in the background gets its turn.
        tokio::task::yield_now().await;
        response
    };
    let response = RUNTIME.with(|runtime| runtime.block_on(answered));
    response.expect("it cannot fail").into_parts().0.headers
}

/// A body whose frames are all there at once.
struct Frames(VecDeque<Bytes>);

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|frame| Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }
}
