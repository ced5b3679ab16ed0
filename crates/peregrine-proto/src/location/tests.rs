//! Locations by tables.

use std::collections::HashSet;
use std::path::Path;

use super::*;
use crate::{FlightErrorKind, FlightMessage};

fn parse(uri: &str) -> Location {
    uri.parse().unwrap()
}

#[test]
fn tcp_and_tls_locations_have_host_and_port() {
    use LocationScheme::{GrpcTcp, GrpcTls};
    for (uri, scheme, host, port) in [
        ("grpc://localhost:8815", GrpcTcp, Some("localhost"), Some(8815)),
        ("grpc+tcp://127.0.0.1:0", GrpcTcp, Some("127.0.0.1"), Some(0)),
        ("GRPC+TLS://Example.COM", GrpcTls, Some("Example.COM"), None),
        ("grpc+tls://[::1]:443/ignored?so=is#this", GrpcTls, Some("::1"), Some(443)),
        ("grpc+tcp://[fe80::1%25eth0]:1", GrpcTcp, Some("fe80::1%eth0"), Some(1)),
        ("grpc+tcp://[::ffff:10.0.0.1]", GrpcTcp, Some("::ffff:10.0.0.1"), None),
        ("grpc+tcp://user:pass@host:9", GrpcTcp, Some("host"), Some(9)),
        ("grpc+tcp://host:", GrpcTcp, Some("host"), None),
        ("grpc+tcp://:9", GrpcTcp, None, Some(9)),
    ] {
        let location = parse(uri);
        assert_eq!((location.scheme(), location.host(), location.port()), (scheme, host, port), "{uri}");
        assert_eq!(location.uri(), uri);
        assert_eq!(location.socket_path(), None);
    }
}

#[test]
fn unix_locations_have_a_path() {
    for (uri, path) in [
        ("grpc+unix:///tmp/flight.sock", "/tmp/flight.sock"),
        ("grpc+unix:/tmp/flight.sock", "/tmp/flight.sock"),
        ("grpc+unix:flight.sock", "flight.sock"),
        ("grpc+unix:///a%20b", "/a b"),
    ] {
        let location = parse(uri);
        assert_eq!((location.scheme(), location.socket_path()), (LocationScheme::GrpcUnix, Some(Path::new(path))));
        assert_eq!((location.host(), location.port()), (None, None));
    }
}

#[test]
fn foreign_schemes_print_back_unchanged() {
    for uri in ["s3://foo", "https://example.com/Data?X-Amz=1%2F2#top", "S3://Bucket", "urn:isbn:1", "x:"] {
        let location = parse(uri);
        assert_eq!(location.scheme(), LocationScheme::Other);
        assert_eq!(location.to_string(), uri);
        assert_eq!((location.host(), location.port(), location.socket_path()), (None, None, None));
    }
    assert_eq!(parse("arrow-flight-reuse-connection://?"), Location::reuse_connection());
    assert_eq!(Location::reuse_connection().scheme(), LocationScheme::ReuseConnection);
}

#[test]
fn what_is_no_uri_is_a_clear_error() {
    for (uri, reason) in [
        ("%", "no scheme"),
        ("", "no scheme"),
        ("localhost", "no scheme"),
        (":1", "begin with a letter"),
        ("127.0.0.1:80", "begin with a letter"),
        ("a b:c", "schemes may not have"),
        ("s3://%", "hexadecimal"),
        ("s3://%4", "hexadecimal"),
        ("s3://%4g", "hexadecimal"),
        ("s3://a b", "percent-encoded"),
        ("s3://ä", "percent-encoded"),
        ("grpc:localhost:1", "'//'"),
        ("grpc+tcp://host:65536", "above 65535"),
        ("grpc+tcp://host:99999999999999999999", "above 65535"),
        ("grpc+tcp://host:+1", "not a number"),
        ("grpc+tcp://::1:80", "not a number"),
        ("grpc+tcp://[::1", "not closed"),
        ("grpc+tcp://[::1]80", "followed by a port"),
        ("grpc+tcp://[1.2.3.4]:1", "IPv6"),
        ("grpc+tcp://a]:1", "bracket"),
        ("grpc+tcp://%ff:1", "UTF-8"),
        ("grpc+unix://", "absolute path"),
        ("grpc+unix://host/path", "absolute path"),
        ("grpc+unix:", "no path"),
        ("grpc+unix:///a%00b", "zero byte"),
    ] {
        let error = Location::try_from(uri).unwrap_err();
        assert_eq!(error.kind(), FlightErrorKind::InvalidArgument);
        assert!(error.message().starts_with(&format!("cannot parse URI '{uri}': ")), "{error}");
        assert!(error.message().contains(reason), "{error}");
    }
}

#[test]
fn constructors_make_what_parses_back() {
    for (location, uri) in [
        (Location::for_grpc_tcp("localhost", 8815), "grpc+tcp://localhost:8815"),
        (Location::for_grpc_tcp("::1", 1), "grpc+tcp://[::1]:1"),
        (Location::for_grpc_tls("[::1]", 1), "grpc+tls://[::1]:1"),
        (Location::for_grpc_tls("fe80::1%eth0", 1), "grpc+tls://[fe80::1%25eth0]:1"),
        (Location::for_grpc_tls("fe80::1%", 1), "grpc+tls://fe80%3A%3A1%25:1"),
        (Location::for_grpc_tcp("no host", 1), "grpc+tcp://no%20host:1"),
        (Location::for_grpc_tcp("", 1), "grpc+tcp://:1"),
        (Location::for_grpc_unix("/tmp/a b"), "grpc+unix:///tmp/a%20b"),
        (Location::for_grpc_unix("a.sock"), "grpc+unix:a.sock"),
    ] {
        assert_eq!(location.uri(), uri);
        let parsed = parse(uri);
        assert_eq!(parsed, location);
        assert_eq!(parsed.target, location.target);
        assert_ne!(location.scheme(), LocationScheme::Other);
    }
    assert_eq!(Location::for_grpc_tcp("no host", 1).host(), Some("no host"));
}

#[test]
fn paths_that_no_socket_has_lead_nowhere() {
    for path in ["", "a\0b"] {
        let location = Location::for_grpc_unix(path);
        assert_eq!((location.scheme(), location.socket_path()), (LocationScheme::Other, None));
        assert!(location.uri().parse::<Location>().is_err());
    }
}

#[test]
fn case_counts_only_where_it_means_something() {
    let same = [
        ("GRPC+TCP://HOST:1", "grpc+tcp://host:1"),
        ("S3://bucket", "s3://bucket"),
        ("GRPC+UNIX:///a", "grpc+unix:///a"),
    ];
    for (one, other) in same {
        assert_eq!(parse(one), parse(other));
        assert_eq!(HashSet::from([parse(one), parse(other)]).len(), 1);
    }
    let different = [
        ("grpc://h:1", "grpc+tcp://h:1"),
        ("grpc+tcp://h:1", "grpc+tcp://h:2"),
        ("grpc+tcp://h:1/A", "grpc+tcp://h:1/a"),
        ("grpc+tcp://U@h:1", "grpc+tcp://u@h:1"),
        ("s3://Bucket", "s3://bucket"),
        ("grpc+unix:///A", "grpc+unix:///a"),
    ];
    for (one, other) in different {
        assert_ne!(parse(one), parse(other));
    }
}

#[test]
fn a_message_with_a_bad_uri_is_refused() {
    let error = Location::deserialize(flight_bytes("%")).unwrap_err();
    assert_eq!(error.message(), "cannot parse URI '%': it has no scheme");
    let location = parse("s3://foo");
    assert_eq!(Location::deserialize(location.serialize()).unwrap(), location);
}

fn flight_bytes(uri: &str) -> bytes::Bytes {
    prost::Message::encode_to_vec(&flight::Location { uri: uri.to_owned() }).into()
}
