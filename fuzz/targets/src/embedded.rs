//! Calls of a handler without a connection.

use http::{HeaderMap, Request};
use peregrine::transport::{CallHandler, EmbeddedService, ServeConfig};
use tokio::runtime::{Builder, Runtime};
use tower_service::Service;

/// Has a handler answer a call without messages. Gives the headers of the answer.
pub(crate) fn call(handler: impl CallHandler) -> HeaderMap {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    }
    let request = Request::post("http://localhost/arrow.flight.protocol.FlightService/DoPut");
    let request = request.header("content-type", "application/grpc").header("te", "trailers");
    let request = request.body(String::new()).expect("a request");
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
