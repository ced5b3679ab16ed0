//! The headers that belong to gRPC, on requests and on responses.

use http::header::{CONTENT_TYPE, HeaderValue, TE};
use http::{HeaderMap, HeaderName};

pub(crate) const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
pub(crate) const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
pub(crate) const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
pub(crate) const IDENTITY: HeaderValue = HeaderValue::from_static("identity");
/// How much time the caller gives.
pub(crate) const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const MESSAGE_TYPE: HeaderName = HeaderName::from_static("grpc-message-type");
/// How many headers of gRPC's own a request or a response has at most.
pub(crate) const OWN_HEADERS: usize = 6;

/// Whether headers say that gRPC follows: `application/grpc`, alone or with a suffix or parameters, whatever the suffix:
/// Flight bytes are the same in all.
pub(crate) fn has_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|content_type| is_grpc(content_type.as_bytes()))
}

fn is_grpc(content_type: &[u8]) -> bool {
    let prefix = GRPC;
    match content_type.split_at_checked(prefix.len()) {
        Some((start, rest)) => {
            start.eq_ignore_ascii_case(prefix.as_bytes()) && matches!(rest.first(), None | Some(b'+' | b';' | b' '))
        }
        None => false,
    }
}

/// The name in `grpc-encoding`.
pub(crate) fn encoding(headers: &HeaderMap) -> Option<String> {
    headers.get(ENCODING).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Adds what every response has.
pub(crate) fn add_response_headers(headers: &mut HeaderMap) {
    headers.insert(CONTENT_TYPE, GRPC);
    headers.insert(ACCEPT_ENCODING, IDENTITY);
}

/// Takes out what belongs to gRPC and not to the application, however often it is there.
pub(crate) fn strip_reserved(headers: &mut HeaderMap) {
    for name in [CONTENT_TYPE, TE, ACCEPT_ENCODING, ENCODING, MESSAGE_TYPE, TIMEOUT] {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_grpc_is_taken_out_even_if_repeated() {
        let mut headers = HeaderMap::new();
        for name in ["te", "content-type", "grpc-timeout", "grpc-encoding", "grpc-encoding", "own"] {
            headers.append(name, HeaderValue::from_static("x"));
        }
        strip_reserved(&mut headers);
        assert_eq!(headers.keys().collect::<Vec<_>>(), ["own"]);
    }
}
