//! Authentication in front of mounted services, and around it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request as AxumRequest;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::Request;
use peregrine::proto::{CallInfo, CallerIdentity, Code, FlightError, Peer, ServerAuthStage};
use peregrine::server::FlightServer;
use peregrine_testkit::Pair;

use crate::embedding::mounted::Nothing;
use crate::support::bare_http::{Answer, BareClient};

/// Knows callers by the header `x-name`; one named `banned` may not call.
struct ByName;

impl ServerAuthStage for ByName {
    fn authenticate<'a>(
        &'a self,
        call: &'a CallInfo,
    ) -> Pin<Box<dyn Future<Output = Result<Option<CallerIdentity>, FlightError>> + Send + 'a>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let name = call.headers().get("x-name").and_then(|name| name.to_str().ok());
            match name {
                None => Err(FlightError::unauthenticated("who calls?").with_extra_info("realm")),
                Some("banned") => Err(FlightError::unauthorized("not you")),
                Some("broken") => Err(FlightError::internal("the database is down")),
                Some("panic") => panic!("a secret"),
                Some("nobody") => Ok(None),
                Some(name) => Ok(Some(CallerIdentity::new(name))),
            }
        })
    }
}

/// Responds with a good status, and with what it finds in the extensions.
async fn respond(request: AxumRequest) -> Response {
    let info = request.extensions().get::<Arc<CallInfo>>();
    let identity = info.and_then(|info| info.extensions().get::<CallerIdentity>());
    let path = info.map_or("", |info| info.path());
    let has_peer = request.extensions().get::<Peer>().is_some();
    let seen = format!("{path} {} {has_peer}", identity.map_or("-".to_owned(), |identity| identity.to_string()));
    [("content-type", "application/grpc"), ("grpc-status", "0"), ("x-seen", seen.as_str())].into_response()
}

fn pair() -> Pair {
    let service = || Router::new().fallback(any(respond));
    let builder = FlightServer::builder().auth_stage(ByName).mount("/closed.Service", service());
    Pair::with_server(builder.mount_open("/open.Service", service()), Nothing)
}

async fn call(client: &BareClient, service: &str, name: Option<&str>) -> Answer {
    let request =
        Request::post(format!("http://localhost/{service}/Method")).header("content-type", "application/grpc");
    client.send(name.into_iter().fold(request, |request, name| request.header("x-name", name)), b"").await
}

async fn get(client: &BareClient, service: &str, name: Option<&str>) -> Answer {
    let request = Request::get(format!("http://localhost/{service}/page"));
    client.send(name.into_iter().fold(request, |request, name| request.header("x-name", name)), b"").await
}

#[tokio::test]
async fn a_mounted_service_finds_who_calls() {
    let pair = pair();
    let client = BareClient::connect(&pair).await;
    for (name, seen) in [("ada", "/closed.Service/Method ada true"), ("nobody", "/closed.Service/Method - true")] {
        let answer = call(&client, "closed.Service", Some(name)).await;
        assert_eq!((answer.grpc_status(), &answer.metadata["x-seen"]), (Some(Code::Ok), &seen.parse().unwrap()));
    }
    let answer = get(&client, "closed.Service", Some("ada")).await;
    assert_eq!(
        (answer.http_status, answer.metadata["x-seen"].to_str().unwrap()),
        (200, "/closed.Service/page ada true")
    );
}

#[tokio::test]
async fn authentication_refuses_calls_of_mounted_services() {
    let pair = pair();
    let client = BareClient::connect(&pair).await;
    for (name, code, http_status, message) in [
        (None, Code::Unauthenticated, 401, "who calls?. Detail: Unauthenticated"),
        (Some("banned"), Code::PermissionDenied, 403, "not you. Detail: Unauthorized"),
        (Some("broken"), Code::Internal, 500, "the database is down. Detail: Internal"),
        (Some("panic"), Code::Internal, 500, "the service mounted at /closed.Service panicked"),
    ] {
        let answer = call(&client, "closed.Service", name).await;
        assert_eq!((answer.http_status, answer.grpc_status()), (200, Some(code)), "{name:?}");
        assert_eq!(answer.grpc_message(), message);
        assert!(!answer.metadata.contains_key("x-seen"), "the service was not called");
        assert_eq!(get(&client, "closed.Service", name).await.http_status, http_status, "{name:?}");
    }
    let answer = call(&client, "closed.Service", None).await;
    assert!(answer.metadata.contains_key("grpc-status-details-bin"), "the extra_info too");
}

#[tokio::test]
async fn an_open_service_is_for_all() {
    let pair = pair();
    let client = BareClient::connect(&pair).await;
    for name in [None, Some("banned"), Some("panic"), Some("ada")] {
        let answer = call(&client, "open.Service", name).await;
        assert_eq!((answer.grpc_status(), &answer.metadata["x-seen"]), (Some(Code::Ok), &" - true".parse().unwrap()));
        assert_eq!(get(&client, "open.Service", name).await.http_status, 200);
    }
    // What is not mounted passes authentication before it turns out not to exist.
    assert_eq!(call(&client, "no.Service", None).await.grpc_status(), Some(Code::Unauthenticated));
    assert_eq!(call(&client, "no.Service", Some("ada")).await.grpc_status(), Some(Code::Unimplemented));
}
