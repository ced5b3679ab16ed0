//! From an HTTP response to the messages of a call: the edges of gRPC on a client.

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use peregrine_proto::Code;

use super::call_start::BegunCall;
use crate::call::any_body::AnyBody;
use crate::call::parts::{PartReader, PartSource, PeerHeaders};
use crate::call::token::CallToken;
use crate::grpc::framing::MessageParser;
use crate::grpc::headers::{encoding, has_grpc, strip_reserved};
use crate::grpc::status::{GRPC_STATUS, Status, from_http, from_trailers};

/// Reads the head of the response to an attempt to make a call. A response that is an error already becomes one.
pub(crate) fn read_reply(
    response: Response<AnyBody>,
    call: &BegunCall,
    attempt: CallToken,
    limit: usize,
) -> Result<PartReader, Status> {
    let (head, body) = response.into_parts();
    let mut headers = head.headers;
    let (encoding, content_type) = (encoding(&headers), headers.get(CONTENT_TYPE).cloned());
    let has_grpc = has_grpc(&headers);
    strip_reserved(&mut headers);
    if headers.contains_key(GRPC_STATUS) {
        // The status came with the headers, and there is nothing else.
        let status = from_trailers(headers).unwrap_or_else(Status::ok);
        let counter = call.counter.clone();
        return if status.is_ok() { Ok(PartReader::ended(attempt, status, counter)) } else { Err(status) };
    }
    if head.status != StatusCode::OK {
        return Err(from_http(head.status));
    }
    if !has_grpc {
        return Err(no_grpc(content_type.as_ref()));
    }
    call.token.headers_received(&headers);
    let (headers, parser) = (PeerHeaders::Response(headers), MessageParser::new(limit, encoding));
    Ok(PartReader::new(PartSource { token: attempt, body, headers, parser, counter: call.counter.clone() }))
}

/// What responds with 200 and is not gRPC is some other server.
fn no_grpc(content_type: Option<&HeaderValue>) -> Status {
    let message = match content_type {
        Some(content_type) => format!("the peer does not speak gRPC: its content-type is {content_type:?}"),
        None => "the peer does not speak gRPC: its response has no content-type".to_owned(),
    };
    Status::new(Code::Unknown, message)
}
