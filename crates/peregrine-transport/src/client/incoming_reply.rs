//! From an HTTP response to the answer of a call: the edges of gRPC on a client.

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use hyper::body::Incoming;

use crate::call::drive::Side;
use crate::call::message_reader::MessageReader;
use crate::call::parts::PartReader;
use crate::call::token::CallToken;
use crate::grpc::framing::MessageParser;
use crate::grpc::status::{Code, GRPC_STATUS, Status, from_http, from_trailers};
use crate::metadata::strip_reserved;
use crate::server::call_service::{encoding, is_grpc};

/// An answer to a call: the headers are there, the messages are on their way.
#[derive(Debug)]
#[non_exhaustive]
pub struct IncomingReply {
    /// The headers, without those that belong to gRPC and HTTP/2. Empty where the server sent a status alone.
    pub metadata: HeaderMap,
    /// The messages, and the end of the call.
    pub messages: MessageReader,
}

impl IncomingReply {
    /// Reads the head of a response; an answer that is an error already becomes one.
    pub(crate) fn read(response: Response<Incoming>, token: &CallToken, limit: usize) -> Result<Self, Status> {
        let (head, body) = response.into_parts();
        let mut metadata = head.headers;
        let (encoding, content_type) = (encoding(&metadata), metadata.get(CONTENT_TYPE).cloned());
        strip_reserved(&mut metadata);
        if metadata.contains_key(GRPC_STATUS) {
            return Self::ended(metadata, token);
        }
        if head.status != StatusCode::OK {
            return Err(from_http(head.status));
        }
        if !content_type.as_ref().is_some_and(|value| is_grpc(value.as_bytes())) {
            return Err(no_grpc(content_type.as_ref()));
        }
        token.hold_body(body);
        let messages = PartReader::new(token.clone(), Side::Client, MessageParser::new(limit, encoding));
        Ok(Self { metadata, messages: MessageReader::own(messages) })
    }

    /// The status came with the headers, and there is nothing else.
    fn ended(trailers: HeaderMap, token: &CallToken) -> Result<Self, Status> {
        match from_trailers(trailers).unwrap_or_else(Status::ok) {
            status if status.is_ok() => {
                let messages = MessageReader::own(PartReader::ended(token.clone(), status));
                Ok(Self { metadata: HeaderMap::new(), messages })
            }
            status => Err(status),
        }
    }
}

/// What answers with 200 and is not gRPC is some other server.
fn no_grpc(content_type: Option<&HeaderValue>) -> Status {
    let message = match content_type {
        Some(content_type) => format!("the peer does not speak gRPC: its content-type is {content_type:?}"),
        None => "the peer does not speak gRPC: its answer has no content-type".to_owned(),
    };
    Status::new(Code::Unknown, message)
}
