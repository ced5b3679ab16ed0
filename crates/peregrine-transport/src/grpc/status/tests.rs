//! Tests of the status table and of trailers, with the bytes that peers of other languages send.

use std::error::Error;

use http::{HeaderMap, HeaderValue};
use peregrine_proto::{Code, FlightError, FlightErrorKind as Kind};
use proptest::prelude::*;

use super::*;

fn over_the_wire(error: FlightError) -> FlightError {
    from_trailers(into_trailers(Status::from(error))).unwrap().into()
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}

fn received(pairs: &[(&'static str, &'static str)]) -> FlightError {
    from_trailers(headers(pairs)).unwrap().into()
}

#[test]
fn every_kind_crosses_the_wire_with_its_message_and_extra_info() {
    for &kind in Kind::ALL {
        for extra_info in [&b""[..], &[0, 255, 7]] {
            for message in [
                "",
                "plain",
                "not. Detail: Internal at the end",
                "at the end. Detail: Internal",
                ". Detail: Failed",
                "käse 100% %41\nzwei",
            ] {
                let error = FlightError::new(kind, message).with_extra_info(extra_info.to_vec());
                let back = over_the_wire(error);
                assert_eq!((back.kind(), back.message()), (kind, message));
                assert_eq!(back.extra_info(), extra_info);
            }
        }
    }
}

#[test]
fn the_trailers_are_those_that_a_cpp_server_writes() {
    let error = FlightError::unauthorized("no entry").with_extra_info(&b"\x01\x02"[..]);
    let trailers = into_trailers(error.into());
    let expected = headers(&[
        ("grpc-status", "7"),
        ("grpc-message", "no entry. Detail: Unauthorized"),
        ("x-arrow-status", "5"),
        ("x-arrow-status-message-bin", "bm8gZW50cnk"),
        ("x-arrow-status-detail-bin", "VW5hdXRob3JpemVk"),
        ("grpc-status-details-bin", "AQI"),
    ]);
    assert_eq!(trailers, expected);
}

#[test]
fn the_codes_are_those_of_the_mapping() {
    let cases = [
        (Kind::Internal, "13", "5", true),
        (Kind::TimedOut, "4", "5", true),
        (Kind::Cancelled, "1", "5", true),
        (Kind::Failed, "2", "5", true),
        (Kind::Unauthenticated, "16", "5", true),
        (Kind::Unauthorized, "7", "5", true),
        (Kind::Unavailable, "14", "5", true),
        (Kind::Unknown, "2", "9", false),
        (Kind::InvalidArgument, "3", "4", false),
        (Kind::NotFound, "5", "2", false),
        (Kind::Unimplemented, "12", "10", false),
        (Kind::AlreadyExists, "6", "45", false),
    ];
    for (kind, grpc, arrow, has_detail) in cases {
        let trailers = into_trailers(FlightError::new(kind, "m").into());
        assert_eq!(trailers["grpc-status"], grpc, "{kind}");
        assert_eq!(trailers["x-arrow-status"], arrow, "{kind}");
        assert_eq!(trailers.contains_key("x-arrow-status-detail-bin"), has_detail, "{kind}");
    }
}

#[test]
fn errors_of_a_cpp_server_are_read_padded_and_with_their_suffix() {
    let error = received(&[
        ("grpc-status", "16"),
        ("grpc-message", "who%3F. Detail: Unauthenticated"),
        ("x-arrow-status", "5"),
        ("x-arrow-status-message-bin", "d2hvPw=="),
        ("x-arrow-status-detail-bin", "VW5hdXRoZW50aWNhdGVk"),
        ("grpc-status-details-bin", "AQI="),
    ]);
    assert_eq!((error.kind(), error.message()), (Kind::Unauthenticated, "who?"));
    assert_eq!(error.extra_info().as_ref(), [1, 2]);
    // The same without Arrow's message.
    let error = received(&[
        ("grpc-status", "16"),
        ("grpc-message", "who%3F. Detail: Unauthenticated"),
        ("x-arrow-status", "5"),
    ]);
    assert_eq!(error.message(), "who?");
}

#[test]
fn a_plain_grpc_status_is_read_by_its_code() {
    let kinds = [
        Kind::Unknown,
        Kind::Cancelled,
        Kind::Failed,
        Kind::InvalidArgument,
        Kind::TimedOut,
        Kind::NotFound,
        Kind::AlreadyExists,
        Kind::Unauthorized,
        Kind::ResourceExhausted,
        Kind::FailedPrecondition,
        Kind::Aborted,
        Kind::OutOfRange,
        Kind::Unimplemented,
        Kind::Internal,
        Kind::Unavailable,
        Kind::DataLoss,
        Kind::Unauthenticated,
    ];
    for (code, kind) in Code::ALL.into_iter().zip(kinds) {
        let error = FlightError::from(Status::new(code, "m"));
        assert_eq!((error.kind(), error.message()), (kind, "m"), "{code}");
        assert_eq!(Code::from_number(code.number()), Some(code));
    }
    assert_eq!(Code::from_number(17), None);
    assert_eq!(received(&[("grpc-status", "2"), ("x-arrow-status", "9")]).kind(), Kind::Unknown);
    // A TypeError of Python: C++ clients see a server error, and so do ours.
    assert_eq!(received(&[("grpc-status", "2"), ("x-arrow-status", "3")]).kind(), Kind::Failed);
}

#[test]
fn hostile_trailers_are_read_as_far_as_they_go() {
    let error = received(&[
        ("grpc-status", "5"),
        ("grpc-message", "%"),
        ("x-arrow-status", "banana"),
        ("x-arrow-status-message-bin", "***"),
        ("grpc-status-details-bin", "!"),
    ]);
    assert_eq!((error.kind(), error.message()), (Kind::NotFound, "%"));
    assert!(error.extra_info().is_empty());
    let error = received(&[("grpc-status", "5"), ("grpc-message", "%ff%fe")]);
    assert_eq!(error.message(), "\u{fffd}\u{fffd}");
    assert!(from_trailers(headers(&[("grpc-message", "no status")])).is_none());
    let error = received(&[("grpc-status", "99"), ("grpc-message", "m")]);
    assert_eq!(error.kind(), Kind::Failed);
    assert!(error.message().contains("99"), "{error}");
}

#[test]
fn an_error_that_stays_on_this_side_keeps_its_source() {
    let error = FlightError::internal("outer").with_source("inner");
    let back = FlightError::from(Status::from(error));
    assert_eq!(back.message(), "outer");
    assert_eq!(back.source().unwrap().to_string(), "inner");
    let back = FlightError::from(Status::new(Code::Unavailable, "lost").with_source("inner"));
    assert_eq!(back.source().unwrap().to_string(), "inner");
}

fn size(trailers: &HeaderMap) -> usize {
    trailers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum()
}

#[test]
fn a_long_message_is_cut_and_keeps_its_extra_info() {
    let error = FlightError::failed("x".repeat(20_000)).with_extra_info(vec![1; 1000]);
    let trailers = into_trailers(error.into());
    assert!((7 << 10..8 << 10).contains(&size(&trailers)), "{}", size(&trailers));
    let back = FlightError::from(from_trailers(trailers).unwrap());
    assert!(back.message().ends_with("x [cut]"), "{}", back.message());
    assert_eq!(back.extra_info().len(), 1000);
}

#[test]
fn extra_info_that_does_not_fit_is_left_out_with_a_word() {
    let trailers = into_trailers(FlightError::failed("short").with_extra_info(vec![1; 9000]).into());
    assert!(size(&trailers) < 8 << 10);
    let back = FlightError::from(from_trailers(trailers).unwrap());
    assert!(back.message().starts_with("short [extra_info of about 9000 bytes"), "{}", back.message());
    assert!(back.extra_info().is_empty());
}

#[test]
fn trailers_of_the_application_go_last() {
    let mut status = Status::from(FlightError::failed("m").with_extra_info(&b"extra"[..]));
    status.metadata_mut().insert("x-own", HeaderValue::try_from("y".repeat(9000)).unwrap());
    let trailers = into_trailers(status);
    assert!(size(&trailers) < 8 << 10);
    assert!(!trailers.contains_key("x-own"));
    let back = FlightError::from(from_trailers(trailers).unwrap());
    assert!(back.message().contains("1 trailers left out"), "{}", back.message());
    assert_eq!(back.extra_info().as_ref(), b"extra");
}

proptest! {
    #[test]
    fn any_message_crosses_the_wire(message in any::<String>(), extra in any::<Vec<u8>>()) {
        let back = over_the_wire(FlightError::failed(message.clone()).with_extra_info(extra.clone()));
        prop_assert_eq!(back.message(), message);
        prop_assert_eq!(back.extra_info(), &extra);
    }

    #[test]
    fn trailers_stay_under_their_limit(unit in any::<String>(), times in 0..3000_usize, extra in 0..20_000_usize) {
        let error = FlightError::internal(unit.repeat(times)).with_extra_info(vec![1; extra]);
        let trailers = into_trailers(error.into());
        prop_assert!(size(&trailers) <= (8 << 10) - 256);
        let back = FlightError::from(from_trailers(trailers).unwrap());
        prop_assert_eq!(back.kind(), Kind::Internal);
        prop_assert!(back.extra_info().len() == extra || back.message().contains("extra_info"));
    }
}
