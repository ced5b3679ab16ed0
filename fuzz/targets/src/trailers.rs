//! `trailers`: how a call ended, as a client reads it off headers and trailers; and that an error which one peer told
//! is told on as it was.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use peregrine::proto::{Code, FlightError, append_metadata, metadata_entries, metadata_values};
use peregrine::transport::{IncomingCall, Reply, Status};
use rand::Rng;
use rand::rngs::SmallRng;

use crate::answering::{Answer, Answering, Seen};
use crate::choices::Choices;
use crate::{Outcome, Target, embedded, mutate};

pub(crate) const TARGET: Target = Target { name: "trailers", seeds, run, mutate: change };

const STATUS: &str = "grpc-status";
const MESSAGE: &str = "grpc-message";
const ARROW_STATUS: &str = "x-arrow-status";
const ARROW_MESSAGE: &str = "x-arrow-status-message-bin";

/// What the first byte of an entry chooses.
const NAMES: [&str; 12] = [
    STATUS,
    MESSAGE,
    "grpc-status-details-bin",
    ARROW_STATUS,
    ARROW_MESSAGE,
    "x-arrow-status-detail-bin",
    "content-type",
    "grpc-encoding",
    "x-own",
    "x-own-bin",
    "grpc-retry-pushback-ms",
    "trailer",
];

/// The choice that ends the stream with its headers.
const HEADERS_ALONE: u8 = 1;
/// The choice that puts what an application would not see into headers as well.
const BOTH: u8 = 2;
/// The choice of data before the trailers, which is no message.
const DATA: u8 = 4;

/// As large as a peer may make all of it: beyond, h2 has limits of its own.
const MOST: usize = 4 << 10;

const HTTP: [u16; 8] = [200, 200, 200, 200, 404, 503, 302, 431];

fn seeds() -> Vec<Vec<u8>> {
    let entries: [&[(u8, &[u8])]; 10] = [
        &[(0, b"0")],
        &[(0, b"5"), (1, b"no flight named trips. Detail: Failed")],
        &[(0, b"13"), (1, b"100%25 %C3%A9 %zz %"), (8, b"own"), (9, b"AAEC,AwQ=")],
        &[(0, b"16"), (3, b"5"), (4, b"bWVzc2FnZQ"), (5, b"VW5hdXRoZW50aWNhdGVk"), (2, b"ZXh0cmE=")],
        &[(0, b"2"), (3, b"9"), (4, b"bWVzc2FnZQ==")],
        &[(0, b"17"), (1, b"unknown")],
        &[(0, b"-1")],
        &[(1, b"no status")],
        &[(6, b"text/html"), (1, b"no gRPC")],
        &[(0, b"3"), (0, b"4"), (3, b"256"), (4, b"*"), (2, b"*")],
    ];
    let entries = entries.map(|entries| {
        let entry = |(name, value): &(u8, &[u8])| [&[*name, value.len() as u8], *value].concat();
        entries.iter().flat_map(entry).collect::<Vec<_>>()
    });
    entries
        .iter()
        .flat_map(|entries| [0, HEADERS_ALONE, BOTH, DATA].map(|choice| [&[choice, 0], &entries[..]].concat()))
        .collect()
}

fn change(input: &mut Vec<u8>, other: &[u8], random: &mut SmallRng) {
    const TOKENS: &[&[u8]] = &[
        b"\x00\x010",
        b"\x00\x0213",
        b"\x01\x03%25",
        b"\x01\x06%C3%A9",
        b"%",
        b"%e2%82%ac",
        b". Detail: ",
        b"Failed",
        b"Internal",
        b"\x03\x015",
        b"\x03\x019",
        b"\x04\x04YWJj",
        b"\x05\x08SW50ZXJuYWw",
        b"=",
        b",",
        b"\x02\x04AAEC",
        b"\x06\x10application/grpc",
        b"\x09\x04AAEC",
    ];
    mutate::bytes(input, other, TOKENS, random);
    if let Some(choice) = input.first_mut()
        && random.random_ratio(1, 4)
    {
        *choice = random.random();
    }
    input.truncate(MOST);
}

fn run(input: &[u8]) -> Outcome {
    thread_local! {
        static ANSWERING: Answering = Answering::new();
    }
    let mut choices = Choices::new(&input[..input.len().min(MOST)]);
    let choice = choices.byte();
    let http = HTTP[usize::from(choices.byte()) % HTTP.len()];
    let given = entries(choices);
    check_metadata(&given);
    let answer = answer(choice, http, given.clone());
    let (headers_alone, is_plain) = (answer.trailers.is_none(), http == 200 && choice & (DATA | BOTH) == 0);
    let content_type =
        answer.headers.get_all("content-type").iter().count() == 1 && !given.contains_key("content-type");
    let known = known_code(&given);
    let seen = ANSWERING.with(|answering| answering.call(answer));
    let mut outcome = Outcome::default();
    if is_plain && (headers_alone || content_type) {
        check_status(&given, &seen);
    }
    for metadata in &seen.metadata {
        assert_eq!(metadata_entries(metadata).count(), metadata_entries(metadata).count());
        assert!(!metadata.contains_key(STATUS) && !metadata.contains_key(MESSAGE), "{metadata:?}");
    }
    match seen.result {
        Ok(()) => outcome.took("ok"),
        Err(error) => {
            match known {
                Some(code) => outcome.took(format_args!("{code} {:?} {}", error.kind(), error.extra_info().is_empty())),
                None => outcome.noted(error.message().get(..20).unwrap_or_default()),
            }
            check_forwarded(&error, &ANSWERING);
        }
    }
    outcome
}

/// The headers that an input lists: a name, a length and a value each.
fn entries(mut choices: Choices<'_>) -> HeaderMap {
    let mut entries = HeaderMap::new();
    loop {
        let (name, length) = (choices.byte(), choices.byte());
        let value = choices.bytes(length.into());
        if (name, length) == (0, 0) {
            return entries;
        }
        if let Ok(value) = HeaderValue::from_bytes(value) {
            entries.append(HeaderName::from_static(NAMES[usize::from(name) % NAMES.len()]), value);
        }
    }
}

fn answer(choice: u8, http: u16, given: HeaderMap) -> Answer {
    let http = StatusCode::from_u16(http).expect("a known status");
    let grpc = HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"))]);
    let answer = Answer { http, ..Answer::default() };
    if choice & HEADERS_ALONE != 0 {
        let mut headers = given;
        headers.entry(http::header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/grpc"));
        return Answer { headers, ..answer };
    }
    let headers = if choice & BOTH == 0 { grpc } else { given.clone() };
    let data = if choice & DATA == 0 { &[][..] } else { &[0, 0, 0, 0, 0, 1] };
    Answer { headers, data: data.into(), trailers: Some(given), ..answer }
}

/// The code that headers have, if it is one of gRPC's.
fn known_code(given: &HeaderMap) -> Option<Code> {
    Code::from_number(given.get(STATUS)?.to_str().ok()?.parse().ok()?)
}

/// The status of an answer in which nothing else can go wrong.
fn check_status(given: &HeaderMap, seen: &Seen) {
    match (known_code(given), &seen.result) {
        (Some(Code::Ok), Ok(())) => {}
        // What Arrow says counts for more, even if it is nothing.
        (Some(Code::Ok) | None, Err(error)) => {
            assert!(given.contains_key(ARROW_MESSAGE) || !error.message().is_empty());
        }
        (Some(code), Err(error)) => {
            let message = given.get(MESSAGE).map_or_else(String::new, |message| percent_decoded(message.as_bytes()));
            let status = Status::new(code, message).with_metadata(given.clone());
            let expected = FlightError::from(status);
            assert_eq!((error.kind(), error.message()), (expected.kind(), expected.message()));
            assert_eq!(error.extra_info(), expected.extra_info());
        }
        (code, Ok(())) => panic!("{code:?} is no good end: {given:?}"),
    }
}

/// Percent-encoding undone as gRPC wants it: what is no encoding stays as it is.
fn percent_decoded(text: &[u8]) -> String {
    let mut decoded = Vec::new();
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let digits = if first == b'%' { after.get(..2) } else { None };
        let byte = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let byte = byte.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
        decoded.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Values that are read can be written, and are read again.
fn check_metadata(given: &HeaderMap) {
    for name in ["x-own", "x-own-bin"] {
        let Ok(values) = metadata_values(given, name) else { continue };
        let mut written = HeaderMap::new();
        if values.iter().all(|value| append_metadata(&mut written, name, value).is_ok()) {
            assert_eq!(metadata_values(&written, name).expect("what is written is read"), values);
        } else {
            assert_eq!(name, "x-own", "a binary value can be anything");
        }
    }
}

/// An error that came from a peer, and is told to another one by our server, is the same there, as far as there is room.
fn check_forwarded(error: &FlightError, answering: &'static std::thread::LocalKey<Answering>) {
    let told = error.clone();
    let handler = move |_: IncomingCall| std::future::ready(Reply::end(HeaderMap::new(), told.clone().into()));
    let answer = Answer { headers: embedded::call(handler), ..Answer::default() };
    let seen = answering.with(|answering| answering.call(answer));
    let again = seen.result.expect_err("an error stays one");
    assert_eq!(again.kind(), error.kind(), "{again} of {error}");
    let is_cut = again.message().contains(" [cut]") || again.message().contains(" left out: ");
    if !is_cut {
        assert_eq!((again.message(), again.extra_info()), (error.message(), error.extra_info()));
    }
}
