//! Mounted services behind the layers of their server.

use std::convert::Infallible;

use http::{HeaderValue, Request, Response};
use peregrine_proto::{Code, Location};
use peregrine_server::{FlightServer, FlightService};
use peregrine_testkit::Pair;
use peregrine_transport::{
    CallStart, CallToken, Channel, ChannelConfig, HttpService, IncomingBody, Outgoing, ResponseBody, Rope, Status,
};
use tower::{ServiceExt, service_fn};
use tower_layer::layer_fn;

struct Nothing;

impl FlightService for Nothing {}

/// Responds with a good status and the request's `x-layer`.
async fn respond(request: Request<IncomingBody>) -> Result<Response<String>, Infallible> {
    let mut response = Response::new(String::new());
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", HeaderValue::from_static("0"));
    if let Some(layer) = request.headers().get("x-layer") {
        headers.insert("x-request", layer.clone());
    }
    Ok(response)
}

#[tokio::test]
async fn mounted_services_pass_layers_open_ones_too() {
    let layer = layer_fn(|inner: HttpService| {
        service_fn(move |mut request: Request<IncomingBody>| {
            assert!(request.extensions().get::<CallToken>().is_some());
            request.headers_mut().insert("x-layer", HeaderValue::from_static("passed"));
            let inner = inner.clone();
            async move {
                if request.uri().path().ends_with("Forbidden") {
                    return Err(Status::new(Code::PermissionDenied, "the layer forbids it"));
                }
                let response = inner.oneshot(request).await;
                let mut response: Response<ResponseBody> = response.unwrap_or_else(|never| match never {});
                response.headers_mut().insert("x-response", HeaderValue::from_static("passed"));
                Ok(response)
            }
        })
    });
    let builder = FlightServer::builder().layer(layer).mount("/closed.Service", service_fn(respond));
    let pair = Pair::with_server(builder.mount_open("/open.Service", service_fn(respond)), Nothing);
    let channel = Channel::new(Location::reuse_connection(), pair.connector(), ChannelConfig::default()).unwrap();
    let call = async |path: String| {
        let mut messages = channel.call(CallStart::new(path), Outgoing::whole(Rope::new())).await?;
        assert!(messages.next_message().await.is_none());
        Ok::<_, Status>(messages.trailers().unwrap().clone())
    };
    for service in ["closed.Service", "open.Service"] {
        let metadata = call(format!("/{service}/Method")).await.unwrap();
        assert_eq!(["x-request", "x-response"].map(|name| &metadata[name]), ["passed", "passed"]);
        let status = call(format!("/{service}/Forbidden")).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::PermissionDenied, "the layer forbids it"));
    }
}
