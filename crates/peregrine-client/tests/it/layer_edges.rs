//! Layers around a client's calls that do what few do: end a call from within its body, or lose what the request carried.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use peregrine_client::FlightClient;
use peregrine_proto::{Code, FlightDescriptor, FlightErrorKind, Ticket};
use peregrine_testkit::waiting::soon;
use peregrine_testkit::{MemoryService, Pair, batches};
use peregrine_transport::{CallToken, HttpChannel, Outgoing, ReceivedBody, Status};
use tower::{ServiceExt, service_fn};
use tower_layer::layer_fn;

/// A body that ends its call when it is read.
struct Ending {
    body: ReceivedBody,
    token: CallToken,
}

impl Body for Ending {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.token.cancel(Status::new(Code::ResourceExhausted, "enough was read"));
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}

#[tokio::test]
async fn a_body_may_end_its_call_while_it_is_read() {
    let pair = Pair::new(MemoryService::with("trips", batches::one_per_type()));
    let client = pair.client_with(|client| {
        client.layer(layer_fn(|inner: HttpChannel| {
            service_fn(move |request: Request<Outgoing>| {
                let inner = inner.clone();
                async move {
                    let token = request.extensions().get::<CallToken>().expect("the token of the call").clone();
                    inner.oneshot(request).await.map(|response| response.map(|body| Ending { body, token }))
                }
            })
        }))
    });
    let error = soon(client.do_get(Ticket::new("trips"))).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (FlightErrorKind::ResourceExhausted, "enough was read"));

    let path = FlightDescriptor::for_path(["new"]);
    let (mut writer, mut reader) = client.do_put(path, batches::int64(0).schema()).await.unwrap();
    // An acknowledgement, so that there is a body to read.
    writer.write_with_metadata(&batches::int64(3), "mine").await.unwrap();
    assert_eq!(soon(reader.read()).await.unwrap_err().kind(), FlightErrorKind::ResourceExhausted);
    assert_eq!(soon(writer.close()).await.unwrap_err().kind(), FlightErrorKind::ResourceExhausted);
}

/// Uploads three rows and reads the one acknowledgement.
async fn upload(client: &FlightClient) {
    let path = FlightDescriptor::for_path(["new"]);
    let (mut writer, mut reader) = client.do_put(path, batches::int64(0).schema()).await.unwrap();
    writer.write_with_metadata(&batches::int64(3), "mine").await.unwrap();
    assert_eq!(soon(reader.read()).await.unwrap().unwrap(), "mine");
    writer.write_batch(&batches::int64(3)).await.unwrap();
    soon(writer.close()).await.unwrap();
}

#[tokio::test]
async fn a_layer_that_makes_the_request_anew_leaves_the_call_alone() {
    let pair = Pair::new(MemoryService::new());
    let client = pair.client_with(|client| {
        client.layer(layer_fn(|inner: HttpChannel| {
            inner.map_request(|request: Request<Outgoing>| {
                let (head, body) = request.into_parts();
                let mut request = Request::new(body);
                (*request.method_mut(), *request.uri_mut()) = (head.method, head.uri);
                *request.headers_mut() = head.headers;
                request
            })
        }))
    });
    upload(&client).await;
    let read = client.do_get(Ticket::new("new")).await.unwrap().read_all().await.unwrap();
    assert_eq!(read.num_rows(), 6);
}

#[tokio::test]
async fn a_layer_that_sends_a_request_of_its_own_is_told_so() {
    let pair = Pair::new(MemoryService::new());
    let client = pair.client_with(|client| {
        client.layer(layer_fn(|inner: HttpChannel| {
            inner
                .map_request(|request: Request<Outgoing>| request.map(|_| Outgoing::whole(Default::default())))
                .map_response(|response: Response<ReceivedBody>| response)
        }))
    });
    let error = soon(client.list_actions()).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (FlightErrorKind::Internal, "a layer has sent a request of its own"));
}
