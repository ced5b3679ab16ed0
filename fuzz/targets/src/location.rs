//! `location`: text to locations and back, and hosts and paths of any kind as locations.

use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use peregrine::proto::{FlightErrorKind, FlightMessage, Location, LocationScheme};
use rand::rngs::SmallRng;

use crate::{Outcome, Target, mutate};

pub(crate) const TARGET: Target = Target { name: "location", seeds, run, mutate: change };

const TOKENS: &[&[u8]] = &[
    b"grpc",
    b"grpc+tcp",
    b"grpc+tls",
    b"grpc+unix",
    b"arrow-flight-reuse-connection",
    b"://",
    b":",
    b"/",
    b"//",
    b"?",
    b"#",
    b"@",
    b"[",
    b"]",
    b"[::1]",
    b"%25",
    b"%00",
    b"%2f",
    b"%C3%A9",
    b"%",
    b":8815",
    b":65536",
    b"localhost",
    b"127.0.0.1",
    "ö".as_bytes(),
];

fn seeds() -> Vec<Vec<u8>> {
    let uris = [
        "grpc://localhost:8815",
        "grpc+tcp://127.0.0.1:0",
        "GRPC+TLS://user:word@[fe80::1%25eth0]:8815/path?query#fragment",
        "grpc+tls://[::1]:8815",
        "grpc+tcp://h%C3%A9:65535",
        "grpc+unix:///tmp/a%20socket",
        "grpc+unix:relative/socket",
        "arrow-flight-reuse-connection://?",
        "s3://bucket/part-0.parquet",
        "https://example.org:443/data?key=%7B%7D",
        "fe80::1%eth0",
        "/var/run/flight.sock",
    ];
    uris.map(|uri| uri.as_bytes().to_vec()).into()
}

fn change(input: &mut Vec<u8>, other: &[u8], random: &mut SmallRng) {
    mutate::bytes(input, other, TOKENS, random);
}

fn run(input: &[u8]) -> Outcome {
    let text = String::from_utf8_lossy(input);
    let mut outcome = Outcome::default();
    match text.parse::<Location>() {
        Ok(location) => {
            check(&location, &text);
            outcome.took(format_args!("{:?} {:?}", location.scheme(), location.port().is_some()));
        }
        Err(error) => {
            assert_eq!(error.kind(), FlightErrorKind::InvalidArgument);
            outcome.noted(error.message().rsplit("': ").next().unwrap_or_default());
        }
    }
    check_host(&text);
    check_path(Path::new(OsStr::from_bytes(input)));
    outcome
}

/// A location that was read says what its text says, and its text is read as the same again.
fn check(location: &Location, text: &str) {
    assert_eq!(location.uri(), text);
    check_round_trip(location);
    match location.scheme() {
        LocationScheme::GrpcTcp | LocationScheme::GrpcTls => {
            if let Some(host) = location.host() {
                assert_host(&Location::for_grpc_tcp(host, location.port().unwrap_or_default()), host);
            }
        }
        LocationScheme::GrpcUnix => {
            let path = location.socket_path().expect("a unix location has a path");
            assert_eq!(Location::for_grpc_unix(path).socket_path(), Some(path));
        }
        _ => assert_eq!((location.host(), location.port(), location.socket_path()), (None, None, None)),
    }
}

fn check_round_trip(location: &Location) {
    let again: Location = location.to_string().parse().expect("what is written is read");
    assert_eq!(&again, location);
    assert_eq!(hash(&again), hash(location));
    let parts = |location: &Location| (location.scheme(), location.port(), location.host().map(str::to_owned));
    assert_eq!(parts(&again), parts(location));
    assert_eq!(again.socket_path(), location.socket_path());
    assert_eq!(&Location::deserialize(location.serialize()).expect("a message is read"), location);
    // The scheme's case does not count.
    let scheme = location.uri().find(':').expect("a URI has a scheme");
    let loud = location.uri()[..scheme].to_ascii_uppercase() + &location.uri()[scheme..];
    let loud: Location = loud.parse().expect("case does not count");
    assert_eq!((&loud, hash(&loud), loud.scheme()), (location, hash(location), location.scheme()));
}

/// Any text may be given as a host.
fn check_host(host: &str) {
    for location in [Location::for_grpc_tcp(host, 80), Location::for_grpc_tls(host, 80)] {
        check_round_trip(&location);
        assert!(matches!(location.scheme(), LocationScheme::GrpcTcp | LocationScheme::GrpcTls), "{location}");
        assert_host(&location, host);
    }
}

fn assert_host(location: &Location, host: &str) {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let expected = Some(host).filter(|host| !host.is_empty());
    assert!(location.host() == expected || bare.is_some() && location.host() == bare, "{location} for {host:?}");
}

/// Any path may be given as a socket's, but not all can be one's.
fn check_path(path: &Path) {
    let location = Location::for_grpc_unix(path);
    if path.as_os_str().is_empty() || path.as_os_str().as_bytes().contains(&0) {
        return assert_eq!(location.scheme(), LocationScheme::Other);
    }
    check_round_trip(&location);
    assert_eq!(location.socket_path(), Some(path));
}

fn hash(location: &Location) -> u64 {
    let mut hasher = DefaultHasher::new();
    location.hash(&mut hasher);
    hasher.finish()
}
